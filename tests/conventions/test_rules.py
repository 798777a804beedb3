"""Each house rule complains about a bad sample and is silent about a good one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conventions import rules

# Put together here, so that this file keeps the rules that it tests.
UNFINISHED = "TO-DO".replace("-", "")
INDEX = ".".join(["pypi", "org"])
NPM = ".".join(["registry", "npmjs", "org"])

Rule = Callable[[Path], Iterator[str]]

CASES: list[tuple[Rule, str, str, str]] = [
    (rules.too_long, "a.py", "x = 1\n" * 401, "x = 1\n" * 400),
    (rules.vague_names, "a.py", "class TokenManager: ...", "class BasementManaged: ..."),
    (rules.vague_names, "a.py", "class HTTPBase: ...", "class Database: ..."),
    (rules.logic_in_init, "__init__.py", "x = 1", '"""Doc."""\nfrom a import b\n__all__ = ["b"]'),
    (rules.logic_in_init, "__init__.py", "if True:\n    import a", '__version__ = "1"'),
    (rules.logic_in_init, "__init__.py", "def f(): ...", "import a"),
    (rules.logic_in_init, "__init__.py", "import a\n'text'", "'text'\nimport a"),
    (rules.imports_in_functions, "a.py", "def f():\n import json", "import json"),
    (rules.imports_in_functions, "a.py", "async def f():\n from a import b", "from a import b"),
    (rules.imports_in_functions, "a.py", "def f():\n import lite", "def f():\n import litellm.x"),
    (rules.unfinished_work, "a.md", f"{UNFINISHED}: all", "mastodon"),
    (rules.unfinished_work, "a.py", f"# {UNFINISHED}", "# fixed"),
    (rules.registry_hosts, "a.txt", f"https://{INDEX}/simple", "https://example.org/simple"),
    (rules.registry_hosts, "a.json", f"https://{NPM}/a", '"a"'),
]


@pytest.mark.parametrize(("rule", "name", "bad", "good"), CASES)
def test_a_rule_tells_bad_from_good(
    rule: Rule, name: str, bad: str, good: str, tmp_path: Path
) -> None:
    sample = tmp_path / name
    sample.write_text(bad, "utf-8")
    assert len(list(rule(sample))) == 1
    sample.write_text(good, "utf-8")
    assert list(rule(sample)) == []


@pytest.mark.parametrize("name", ["utils.py", "url_helpers.py", "common/__init__.py"])
def test_vague_file_names_are_found(name: str, tmp_path: Path) -> None:
    sample = tmp_path / name
    sample.parent.mkdir(exist_ok=True)
    sample.touch()
    assert len(list(rules.vague_names(sample))) == 1


def test_binaries_hold_no_sentences(tmp_path: Path) -> None:
    sample = tmp_path / "picture.png"
    sample.write_bytes(b"\0\1" + INDEX.encode())
    assert list(rules.registry_hosts(sample)) == []


def test_folders_of_this_machine_are_found(tmp_path: Path) -> None:
    sample = tmp_path / "notes.md"
    place = Path("/somewhere/checkout")
    sample.write_text("see /somewhere/checkout/src\n/somewhere/checkout-of-another\n", "utf-8")
    assert len(list(rules.machine_paths(sample, [place]))) == 1


@pytest.mark.parametrize(
    ("file", "line", "complaints"),
    [
        ("gateway/socket.py", "from codelab.auth import api", 0),
        ("gateway/socket.py", "from codelab.auth.errors import TokenExpired", 0),
        ("gateway/socket.py", "from codelab.auth.tokens import verify", 1),
        ("gateway/socket.py", "from codelab.auth import tokens", 1),
        ("gateway/socket.py", "import codelab.auth", 1),
        ("gateway/socket.py", "from codelab.kit.db import Database", 0),
        ("gateway/socket.py", "from codelab.sdk import Tool", 0),
        ("gateway/socket.py", "from codelab.gateway.frames import Frame", 0),
        ("auth/repository.py", "from codelab.auth.models import users", 0),
        ("app.py", "from codelab.auth.routes import handlers", 0),
        ("cli/user.py", "from codelab.auth.passwords import hash_password", 0),
        ("app.py", "from codelab.auth.models import users", 1),
        ("app.py", "from codelab.auth import models", 1),
    ],
)
def test_back_doors_are_found(file: str, line: str, complaints: int, tmp_path: Path) -> None:
    sample = tmp_path / "codelab" / file
    sample.parent.mkdir(parents=True)
    sample.write_text(line, "utf-8")
    assert len(list(rules.back_doors(sample, tmp_path))) == complaints


@pytest.mark.parametrize(
    ("line", "complaints"),
    [
        ("from codelab.sdk import Tool", 0),
        ("from codelab.tools.builtin.read_file import read", 0),
        ("import structlog", 0),
        ("from codelab.kit.ids import new_id", 1),
        ("from codelab.tools.registry import find", 1),
        ("import codelab", 1),
    ],
)
def test_privileged_plugins_are_found(line: str, complaints: int, tmp_path: Path) -> None:
    sample = tmp_path / "plugin.py"
    sample.write_text(line, "utf-8")
    assert len(list(rules.privileged_plugins(sample, "codelab.tools.builtin"))) == complaints


def test_untested_modules_are_found(tmp_path: Path) -> None:
    source, tests = tmp_path / "codelab", tmp_path / "tests"
    for path in ("auth/api.py", "llm/api.py", "app.py", "settings.py", "__main__.py"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).touch()
    for path in ("auth/test_api.py", "test_app.py"):
        (tests / path).parent.mkdir(parents=True, exist_ok=True)
        (tests / path).touch()
    found = list(rules.untested_modules(source, tests))
    assert [Path(line.partition(":")[0]).name for line in found] == ["llm", "settings.py"]
