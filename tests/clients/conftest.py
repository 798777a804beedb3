"""A running CodeLab with two scripted models, and an API token for its `/v1`."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Stores
from tests.flows.harness import PASSWORD, USER, CodeLab
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, SeenRequest

CHAT, VECTORS = "sonnet", "embed-small"
# One that codex knows by its name, and offers a tool for plain text.
KNOWN = "gpt-5.5"
MODELS = [CHAT, KNOWN, VECTORS]
_KEY = "key-of-the-clients"
_PROGRAM_S = 100


@dataclass(frozen=True)
class V1:
    """Where clients find our models, and what they show."""

    codelab: CodeLab
    server: ModelServer
    token: str

    @property
    def url(self) -> str:
        """What OpenAI's clients take as their base URL."""
        return f"{self.codelab.url}/v1"

    async def script(self, *replies: Reply) -> None:
        """Set what the models answer."""
        await self.server.script(_KEY, replies)

    async def seen(self) -> list[SeenRequest]:
        """What the models have been asked so far."""
        return await self.server.requests(_KEY)

    async def run(
        self,
        command: Sequence[str | Path],
        home: Path,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run somebody else's program, with nothing of the test's own environment.

        Args:
            command: The program and its arguments.
            home: A folder in which it finds no settings but the test's.
            environment: What else it is told.
        """
        chosen = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local" / "share"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_STATE_HOME": str(home / ".local" / "state"),
            "TMPDIR": str(home),
            "MODELS_TOKEN": self.token,
            **environment,
        }
        return await asyncio.to_thread(
            subprocess.run,
            [str(part) for part in command],
            cwd=home,
            env=chosen,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PROGRAM_S,
        )


@pytest.fixture(scope="session")
def v1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[V1]:
    """One server for all tests of a worker; each scripts its models anew."""
    folder = tmp_path_factory.mktemp("v1")
    (folder / "project").mkdir()
    stores = Stores("embedded", f"sqlite+aiosqlite:///{folder / 'codelab.sqlite3'}", None)
    with ModelServer() as server:
        extra = {
            "CODELAB_LLM_REQUESTS_PER_HOUR": "100000",
            # So that a test may come from an address of its own.
            "CODELAB_TRUSTED_PROXIES": "127.0.0.1",
        }
        codelab = CodeLab(folder, folder / "project", stores, _models(server), extra)
        codelab.run("migrate")
        codelab.run("user", "add", USER, "--password-stdin", stdin=PASSWORD)
        token = codelab.run("user", "token", USER, "--name", "clients").strip()
        asyncio.run(codelab.start())
        try:
            yield V1(codelab, server, token)
        finally:
            codelab.stop()


def _models(server: ModelServer) -> str:
    def entry(name: str, more: str = "") -> str:
        return (
            f"  - model_name: {name}\n"
            "    litellm_params:\n"
            f"      model: openai/{name}\n"
            f"      api_base: {server.openai_url}\n"
            f"      api_key: {_KEY}\n{more}"
        )

    vectors = entry(VECTORS, "    model_info: {mode: embedding}\n")
    return f"model_list:\n{entry(CHAT)}{entry(KNOWN)}{vectors}"
