"""The import contracts in pyproject.toml forbid what the house rules forbid, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

# The smallest package with every module that the contracts name.
SOUND = {
    "app.py": "import litestar\nfrom codelab.gateway import socket\nfrom codelab import plugins",
    "cli/main.py": "from codelab import app",
    "plugins.py": "from codelab.sdk import tool",
    "settings.py": "from codelab.kit import ids",
    "gateway/socket.py": "import litestar\nfrom codelab.agents import api",
    "audit/routes.py": "import litestar\nfrom codelab.auth import api",
    "web/routes.py": "import litestar\nfrom codelab.auth import api",
    "agents/api.py": "from codelab.tools import api",
    "hitl/api.py": "from codelab.sessions import api",
    "tools/api.py": "from codelab.workspace import api",
    "llm/api.py": "import litellm\nfrom codelab.sdk import tool",
    "retrieval/api.py": "from codelab.workspace import api",
    "sessions/api.py": "from codelab.auth import api",
    "workspace/api.py": "from codelab.kit import ids",
    "workspace/terminals/routes.py": "import litestar",
    "auth/api.py": "from codelab.sdk import tool",
    "auth/routes.py": "import litestar",
    "sdk/tool.py": "from codelab.kit import ids",
    "sdk/testing.py": "from codelab.sdk import tool",
    "kit/ids.py": "import redis",
}


def lint_imports(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, content in files.items():
        path = folder / "codelab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        for package in path.relative_to(folder).parents[:-1]:
            (folder / package / "__init__.py").touch()
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--config", PYPROJECT, "--no-cache"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_sound_package_is_accepted(tmp_path: Path) -> None:
    done = lint_imports(tmp_path, SOUND)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "line", "contract"),
    [
        ("kit/ids.py", "import redis, codelab.sdk.tool", "Imports point down only"),
        ("sessions/api.py", "import codelab.tools.api", "Imports point down only"),
        ("auth/api.py", "import codelab.settings", "Imports point down only"),
        ("hitl/api.py", "import codelab.tools.api", "Imports point down only"),
        ("tools/api.py", "import codelab.llm.api", "Imports point down only"),
        ("workspace/api.py", "import codelab.sessions.api", "Imports point down only"),
        ("audit/routes.py", "import litestar, codelab.gateway.socket", "Imports point down only"),
        ("web/routes.py", "import litestar, codelab.gateway.socket", "Imports point down only"),
        ("billing.py", "import codelab.kit.ids", "Imports point down only"),
        ("agents/api.py", "import litellm", "Only llm knows litellm"),
        ("sessions/api.py", "import redis.asyncio", "Only kit knows redis"),
        ("auth/api.py", "from litestar import get", "Only edges and routes know litestar"),
        ("app.py", "import litestar, codelab.sdk.testing", "The test kit stays out of production"),
    ],
)
def test_a_forbidden_import_is_found(name: str, line: str, contract: str, tmp_path: Path) -> None:
    done = lint_imports(tmp_path, SOUND | {name: line})
    assert done.returncode == 1
    assert f"{contract} BROKEN" in done.stdout
    assert done.stdout.count("BROKEN") == 1, done.stdout
