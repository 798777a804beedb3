"""All ways to the same tokens, started side by side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from bench import machine
from bench.gateways import peers
from bench.gateways.reading import http_request, open_http, open_socket, text_frame
from bench.gateways.trials import LIMIT_MS, RATE, TOKENS, Line, Way
from tests.conftest import Stores
from tests.deploy.proxy import write_certificate
from tests.flows.harness import PASSWORD, USER, Client, CodeLab, signed_in
from tests.model_server.process import ModelServer

PROXY, LIBRARY, OURS, BARE = "LiteLLM proxy", "litellm as a library", "/v1", "bare upstream"

_LONG, _SHORT = f"load-{RATE}x{TOKENS}", "load-100x1"
_LATE_MS = 100.0
_PATH = "/v1/chat/completions"
# How a model is reached: its name here, litellm's name of its wire.
_WIRES = {"openai": "openai", "anthropic": "anthropic", "ollama": "ollama_chat", "tls": "openai"}

Started = tuple[list[Way], list[int]]


def _body(model: str) -> bytes:
    message = {"role": "user", "content": "Explain this project."}
    return msgspec.json.encode({"model": model, "stream": True, "messages": [message]})


def over_http(
    name: str, pid: int, url: str, headers: dict[str, str], prefix: str = "", begin_with: int = 64
) -> Way:
    """Describe a way that is asked as OpenAI is."""
    long, short = (http_request(url, _body(prefix + model), headers) for model in (_LONG, _SHORT))

    async def connect() -> Line:
        return Line(await open_http(url), long, short)

    return Way(name, pid, connect, begin_with)


def over_socket(name: str, client: Client, begin_with: int, limit_ms: float) -> Way:
    """Describe whole turns over the WebSocket, each in a session of its own."""
    url = f"{client.server.url}/api/v1/ws"

    async def connect() -> Line:
        session_id = await client.new_session()

        def frame(model: str) -> bytes:
            data = {"message": "Explain this project.", "agent": "ask", "model": f"openai-{model}"}
            return text_frame(
                msgspec.json.encode({"type": "chat", "session_id": session_id, "data": data})
            )

        return Line(await open_socket(url, client.token), frame(_LONG), frame(_SHORT))

    return Way(name, client.server.pid, connect, begin_with, limit_ms)


@asynccontextmanager
async def all_ways(folder: Path, here: int, there: int) -> AsyncIterator[Started]:
    """Start every server.

    Args:
        folder: For their files.
        here: The core for what is measured.
        there: The core for the upstream.
    """
    async with AsyncExitStack() as stack:
        tls = folder / "tls"
        tls.mkdir()
        write_certificate(tls)
        with machine.on_core(there):
            plain = stack.enter_context(ModelServer())
            secure = stack.enter_context(ModelServer(tls))
        upstream, direct = plain.openai_url, f"{plain.openai_url}/chat/completions"
        proxied = stack.enter_context(peers.nginx(folder, upstream, here))
        library = stack.enter_context(peers.litellm_library(folder, upstream, here))
        proxy = stack.enter_context(peers.litellm_proxy(folder, upstream, (_LONG, _SHORT), here))
        with machine.on_core(here):
            server = await _codelab(folder, plain, secure)
        stack.callback(server.stop)
        client = await stack.enter_async_context(signed_in(server))
        bearer = {"Authorization": "Bearer bench"}
        master = {"Authorization": f"Bearer {peers.PROXY_KEY}"}
        token = await client.call("POST", "users/me/tokens", {"name": "bench"})
        ours = {"Authorization": f"Bearer {token['token']}"}

        def through(name: str, wire: str, begin_with: int = 128) -> Way:
            url = f"{server.url}{_PATH}"
            return over_http(name, server.pid, url, ours, f"{wire}-", begin_with)

        yield (
            [
                over_http(BARE, plain.pid, direct, bearer, begin_with=512),
                over_http("nginx", proxied[1], proxied[0], bearer, begin_with=512),
                through(OURS, "openai"),
                through(f"{OURS}, TLS to the upstream", "tls"),
                through(f"{OURS}, Anthropic's wire", "anthropic", 32),
                through(f"{OURS}, Ollama's wire", "ollama", 32),
                over_socket("whole turn over the WebSocket", client, 16, LIMIT_MS),
                over_socket("the same, 100 ms allowed", client, 128, _LATE_MS),
                over_http(LIBRARY, library[1], library[0], bearer, "openai/", 16),
                over_http(PROXY, proxy[1], proxy[0], master, begin_with=8),
            ],
            [plain.pid, secure.pid],
        )


async def _codelab(folder: Path, plain: ModelServer, secure: ModelServer) -> CodeLab:
    project = folder / "project"
    project.mkdir()
    addresses = {"openai": plain.openai_url, "anthropic": plain.url, "ollama": plain.url}
    addresses["tls"] = secure.openai_url
    models = "".join(
        f"  - model_name: {wire}-{model}\n    litellm_params:\n"
        f"      model: {theirs}/{model}\n      api_base: {addresses[wire]}\n"
        "      api_key: bench\n"
        for wire, theirs in _WIRES.items()
        for model in (_LONG, _SHORT)
    )
    server = CodeLab(
        folder,
        project,
        Stores("embedded", f"sqlite+aiosqlite:///{folder / 'codelab.db'}", None),
        f"model_list:\n{models}",
        extra={
            "CODELAB_LLM_REQUESTS_PER_HOUR": "1000000",
            "CODELAB_LOG_LEVEL": "warning",
            "CODELAB_LITELLM_PRELOAD": "true",
            "SSL_CERT_FILE": str(folder / "tls" / "fullchain.pem"),
        },
    )
    server.run("migrate")
    server.run("user", "add", USER, "--admin", "--password-stdin", stdin=PASSWORD)
    await server.start()
    return server
