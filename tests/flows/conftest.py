"""A project, a scripted model and a running CodeLab for whole turns."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import DATABASE_SETTING, Stores
from tests.flows.harness import Client, CodeLab, signed_in
from tests.flows.installations import Installations
from tests.model_server.process import ModelServer

_FILES = {
    "README.md": "# Shop\n\nA small shop.\n",
    "shop/__init__.py": '"""A small shop."""\n',
    "shop/cart.py": (
        "def total(prices):\n"
        "    result = 0\n"
        "    for price in prices[1:]:\n"
        "        result += price\n"
        "    return result\n"
    ),
    "tests/test_cart.py": (
        "import unittest\n\n"
        "from shop.cart import total\n\n\n"
        "class TotalTest(unittest.TestCase):\n"
        "    def test_total(self):\n"
        "        self.assertEqual(total([1, 2, 3]), 6)\n"
    ),
    "tests/__init__.py": "",
}


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """The scripted model, one process for all tests of a worker; each test has its own key."""
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="session")
def installations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installations]:
    """What gives a test's server its tables and its user."""
    made = Installations(tmp_path_factory.mktemp("installed"))
    yield made
    # The tests' own server ends with all that is on it, and may have ended before.
    if DATABASE_SETTING in os.environ:
        made.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small real repository with a bug and a test that shows it."""
    folder = tmp_path / "shop-project"
    for name, content in _FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    for command in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        (*identity, "commit", "-q", "-m", "First"),
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def model_key(tmp_path: Path) -> str:
    """The key under which this test's script stands."""
    return f"key-{tmp_path.name}-{tmp_path.parent.name}"


@pytest.fixture
def models_yaml(model_server: ModelServer, model_key: str) -> str:
    """A models.yaml with one model, the scripted server in OpenAI's wire format."""
    return (
        "model_list:\n"
        "  - model_name: scripted\n"
        "    litellm_params:\n"
        "      model: openai/scripted\n"
        f"      api_base: {model_server.openai_url}\n"
        f"      api_key: {model_key}\n"
    )


@pytest.fixture
def chosen() -> dict[str, str]:
    """What is set for the server besides; a file whose tests need something sets it here."""
    return {}


@pytest.fixture
async def codelab(
    tmp_path: Path,
    project: Path,
    stores: Stores,
    models_yaml: str,
    chosen: dict[str, str],
    installations: Installations,
) -> AsyncIterator[CodeLab]:
    """A running server on the embedded stores, and again on PostgreSQL and Redis."""
    server = CodeLab(tmp_path, project, stores, models_yaml, chosen)
    installations.furnish(server)
    await server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
async def client(codelab: CodeLab) -> AsyncIterator[Client]:
    """The test's user, signed in."""
    async with signed_in(codelab) as signed:
        yield signed
