"""litellm stays off the start-up path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import asyncio, sys
from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.db import Database, metadata
from codelab.kit.ratelimit import RateLimiter
from codelab.llm.api import Attribution, LlmSettings, Models
from codelab.llm.models import llm_usage
from codelab.llm.routes import router
from codelab.sdk.model import Completion, ModelInfo, ModelProvider, ModelRequest

class Client:
    async def stream(self, request, on_delta):
        return Completion(model=request.model, text="Hello.")

async def main():
    bus = Bus()
    provider = ModelProvider(client=Client(), models=(ModelInfo(name="m", provider="p"),))
    db = Database(f"sqlite+aiosqlite:///{sys.argv[1]}", bus)
    async with db.engine.begin() as connection:
        await connection.run_sync(metadata.create_all, tables=[users, llm_usage])
    settings = LlmSettings(discover=False)
    models = Models(settings, db, bus, RateLimiter(), [provider], environ={})
    await models.warm_up()
    request = ModelRequest(model="m", messages=())
    answer = await models.stream(request, print, attribution=Attribution())
    assert answer.text == "Hello."
    assert models.catalogue()[0].name == "m"
    await models.close()
    await db.close()

asyncio.run(main())
print(sorted({"litellm", "openai", "aiohttp"} & set(sys.modules)))
"""


def test_neither_importing_nor_a_plugin_s_model_loads_litellm(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path / "codelab.db")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.splitlines()[-1] == "[]"
