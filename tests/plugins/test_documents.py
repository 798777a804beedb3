"""The plugin documents say what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from codelab.plugins import Source, assemble, known_events
from codelab.sdk import hookspecs
from codelab.sdk.testing import check_agent, check_tool
from tests.plugins import events_page
from tests.plugins.distributions import ROOT, Site

DOCUMENTS = ROOT / "docs" / "plugins"
HOOKS = {
    name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")
}
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
_PLACE = re.compile(r'place="([^"]+)"')


def blocks(document: str) -> list[tuple[str, str, str]]:
    """List the code blocks as (language, attributes, content)."""
    text = (DOCUMENTS / document).read_text("utf-8")
    return [(match[1], match[2], match[3]) for match in _BLOCK.finditer(text)]


def test_the_events_are_those_of_the_code() -> None:
    _, mark, tables = events_page.PAGE.read_text("utf-8").partition(events_page.MARK)
    assert mark
    assert tables == events_page.tables(), "run `python -m tests.plugins.events_page`"


def test_every_event_that_can_be_named_is_listed() -> None:
    listed = re.findall(r"^\| `(\w+)`", events_page.PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(known_events()) > 20
    assert set(known_events()) <= set(listed)


def test_every_hook_has_its_section() -> None:
    headings = re.findall(r"^## (\w+)$", (DOCUMENTS / "hooks.md").read_text("utf-8"), re.MULTILINE)
    assert set(headings) == HOOKS


@pytest.mark.parametrize("document", ["hooks.md", "events.md"])
def test_the_examples_are_plugins_that_work(document: str, tmp_path: Path) -> None:
    examples = [content for language, _, content in blocks(document) if language == "python"]
    assert examples
    for number, example in enumerate(examples):
        path = tmp_path / f"example_{number}.py"
        path.write_text(example, "utf-8")
        source = Source(name="example", distribution=document, version="", plugin=imported(path))
        (registration,) = assemble([source]).registrations
        for tool in registration.tools:
            check_tool(tool)
        for agent in registration.agents:
            check_agent(agent)
        brought = (
            *registration.agents,
            *registration.tools,
            *registration.providers,
            *registration.subscriptions,
        )
        assert len(brought) == 1


def imported(path: Path) -> ModuleType:
    """Import a file as a module of its own."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tutorial_works_as_written(site: Site, tmp_path: Path) -> None:
    project = tmp_path / "codelab-words"
    expected = shown = ""
    ran: list[str] = []
    for language, attributes, content in blocks("tutorial.md"):
        if language == "sh":
            for command in content.splitlines():
                ran.append(command)
                shown = follow(command, site, project)
        elif language == "text":
            expected = content
        else:
            write(project, attributes, content)
    assert ran.count("pytest -q") == 2
    assert expected and shown.endswith(expected.strip())
    assert ran[-1] == "codelab plugins"


def follow(command: str, site: Site, project: Path) -> str:
    """Do what a line of the tutorial says; installing comes from a wheel and not from an index."""
    match command.split():
        case ["mkdir", name]:
            assert name == project.name
            project.mkdir()
        case ["cd", _] | ["python3", "-m", "venv", ".venv"] | [".", ".venv/bin/activate"]:
            pass  # The tests' environment is there already.
        case ["pip", "install", "codelab", "pytest", "pytest-asyncio"]:
            pass
        case ["pip", "install", "-e", "."]:
            site.install(project)
        case ["pytest", "-q"]:
            done = site.pytest(project)
            assert done.returncode == 0, done.stdout
            assert " passed" in done.stdout
        case ["codelab", "plugins"]:
            return site.codelab("plugins").stdout.strip()
        case _:
            pytest.fail(f"the tutorial has a command that is not tested: {command}")
    return ""


def write(project: Path, attributes: str, content: str) -> None:
    """Write, or change, the file that a block of the tutorial names."""
    title = _TITLE.search(attributes)
    assert title, f"a block without a file: {content[:60]}"
    path = project / title[1]
    place = _PLACE.search(attributes)
    if place is None:
        assert not path.exists()
        path.write_text(content, "utf-8")
        return
    before = path.read_text("utf-8")
    kind, _, anchor = place[1].partition(":")
    if kind == "end":
        path.write_text(before + content, "utf-8")
        return
    assert before.count(anchor) == 1, anchor
    new = content + anchor if kind == "before" else content.removesuffix("\n")
    path.write_text(before.replace(anchor, new), "utf-8")
