"""The Dockerfile, as far as it can be tried without Docker: its rules, its context, its command."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pathspec
import pytest

from tests.deploy.proxy import ROOT, free_port

_START_S = 40.0


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    split = [line.split(maxsplit=1) for line in lines if line.strip()]
    return [(name, rest) for name, rest in split]


def arguments(name: str) -> list[str]:
    """Return what stands behind each instruction of this name."""
    return [rest for instruction, rest in instructions() if instruction == name]


def last_stage() -> list[tuple[str, str]]:
    """Return the instructions of the image that runs."""
    found = instructions()
    start = max(at for at, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def environment() -> dict[str, str]:
    """Return the environment that the image sets."""
    pairs = [pair for name, rest in last_stage() if name == "ENV" for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


def array(name: str) -> list[str]:
    """Return the words of an instruction in JSON form."""
    (text,) = arguments(name)
    return msgspec.json.decode(text[text.index("[") :], type=list[str])


def test_images_have_versions_and_nothing_is_fetched_by_address() -> None:
    for image in arguments("FROM"):
        assert re.match(r"python:3\.\d+-slim-\w+\b", image), image
    assert not arguments("ADD")
    assert "http://" not in "".join(arguments("RUN")) and "https://" not in "".join(
        arguments("RUN")
    )
    assert not arguments("ARG")


def test_packages_are_pinned_by_hash() -> None:
    installs = [step for step in arguments("RUN") if " install " in step and "pip" in step]
    assert len(installs) == 3
    for step, listed in zip(installs, ("node.txt", "runtime.txt"), strict=False):
        assert "--require-hashes" in step and f"requirements/{listed}" in step
    assert "--no-deps" in installs[2] and "--no-build-isolation" in installs[2]


def test_it_runs_as_nobody_special() -> None:
    names = [name for name, _ in last_stage()]
    (user,) = [rest for name, rest in last_stage() if name == "USER"]
    assert user == "10001:10001"
    assert names.index("USER") > names.index("RUN")
    assert "RUN" not in names[names.index("USER") :]


def test_no_secret_is_part_of_it() -> None:
    assert not [name for name in environment() if re.search("SECRET|KEY|PASSWORD|TOKEN", name)]


def test_bytecode_is_compiled_and_system_packages_leave_no_lists() -> None:
    steps = arguments("RUN")
    assert any("compileall" in step and "unchecked-hash" in step for step in steps)
    (system,) = [step for step in steps if "apt-get install" in step]
    assert "--no-install-recommends" in system and "rm -rf /var/lib/apt/lists" in system
    assert {"bubblewrap", "git"} <= set(system.split())


def copied() -> list[str]:
    """Return what the image takes from the checkout."""
    copies = [step for step in arguments("COPY") if not step.startswith("--from=")]
    return [source for step in copies for source in step.split()[:-1]]


def context_files() -> list[Path]:
    """Return the files that Docker would be sent, by .dockerignore."""
    # Docker reads it from the top, the last line that matches decides, as pathspec does.
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    ignored = pathspec.PathSpec.from_lines("gitignore", lines)
    candidates = [path for name in copied() for path in below(ROOT / name)]
    return [path for path in candidates if not ignored.match_file(path.relative_to(ROOT))]


def below(path: Path) -> list[Path]:
    """Return a file, or every file in a folder."""
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]


def test_the_interface_is_built_in_a_stage_of_its_own_and_handed_over() -> None:
    assert "python web/build.py build" in arguments("RUN")
    (handed,) = [step.split()[1:] for step in arguments("COPY") if "--from=interface" in step]
    assert handed == ["/build/src/codelab/web/static", "src/codelab/web/static"]
    assert not [name for name, rest in last_stage() if "interface" in rest or "node" in rest]


def test_the_context_is_small_and_enough_to_build_the_package(tmp_path: Path) -> None:
    context = tmp_path / "build"
    # What the first stage hands over; its own context is only looked through.
    page = context / "src" / "codelab" / "web" / "static" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>CodeLab</p>", "utf-8")
    for path in context_files():
        target = context / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    assert {path.name for path in context.iterdir()} == {name.split("/")[0] for name in copied()}
    assert (context / "web" / "package-lock.json").exists()
    assert not list(context.rglob("node_modules")) and not page.with_name("assets").exists()
    shutil.rmtree(context / "web")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=context, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "codelab/app.py",
        "codelab/_migrations/env.py",
        "codelab/py.typed",
        "codelab/web/static/index.html",
    ):
        assert wanted in names


def test_the_command_needs_a_key_because_others_can_reach_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *array("ENTRYPOINT"), *array("CMD")],
        env=in_the_image(tmp_path),
        cwd=project(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "CODELAB_SECRET_KEY" in done.stderr


def test_alone_it_becomes_healthy_and_writes_below_data_only(tmp_path: Path) -> None:
    port = free_port()
    check = [word.replace(":8000/", f":{port}/") for word in array("HEALTHCHECK")]
    assert check[0] == "python" and f":{port}/health/live" in check[2]
    with started(tmp_path, port) as process:
        until = time.monotonic() + _START_S
        while subprocess.run(
            [sys.executable, *check[1:]], check=False, stderr=subprocess.DEVNULL
        ).returncode:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(35) == 0
    data = tmp_path / "data"
    assert {path.name for path in tmp_path.iterdir()} == {"data"}
    assert (data / "codelab" / "codelab.db").exists()
    assert not list((data / "projects").rglob("*.*"))


@contextlib.contextmanager
def started(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the image's command here, on a loopback port, with its folders moved."""
    words = array("CMD")
    words[words.index("--host") + 1] = "127.0.0.1"
    words[words.index("--port") + 1] = str(port)
    command = [sys.executable, "-m", *array("ENTRYPOINT"), *words]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, env=in_the_image(folder), cwd=project(folder), stdout=quiet, stderr=quiet
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def in_the_image(folder: Path) -> dict[str, str]:
    """Return the image's environment with /data somewhere else."""
    moved = {
        name: value.replace("/data", str(folder / "data"))
        for name, value in environment().items()
        if name != "PATH"
    }
    return {**moved, "PATH": os.environ.get("PATH", os.defpath)}


def project(folder: Path) -> Path:
    """Make the folders that the image has, and return the one that it works in."""
    (made,) = [step for step in arguments("RUN") if "install --directory" in step]
    for place in re.findall(r"(?<= )/data\S*(?=$| )", made.partition("install --directory")[2]):
        (folder / place.removeprefix("/")).mkdir(parents=True, exist_ok=True)
    (workdir,) = [rest for name, rest in last_stage() if name == "WORKDIR"]
    place = folder / workdir.removeprefix("/")
    assert place.is_dir()
    return place


@pytest.mark.parametrize("name", ["CODELAB_DATA_DIR", "HOME", "TMPDIR", "CODELAB_WORKSPACES_ROOT"])
def test_what_is_written_to_is_in_the_volume(name: str) -> None:
    assert array("VOLUME") == ["/data"]
    assert environment()[name].startswith("/data/")
