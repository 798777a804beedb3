"""The server's routes: the three providers' own, and `/control` for tests."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from tests.model_server.anthropic_wire import AnthropicWire
from tests.model_server.delivery import deliver
from tests.model_server.embeddings import embeddings
from tests.model_server.load import load_of, serve_load
from tests.model_server.ollama_wire import OllamaWire, key_of_model, show, tags
from tests.model_server.openai_wire import OpenAIWire
from tests.model_server.script import Body, Question, Reply, Script, SeenRequest
from tests.model_server.wire import Wire, bearer

_MAX_BODY_BYTES = 64 * 1024 * 1024
_SECRET_HEADERS = frozenset({"authorization", "x-api-key"})
_MODEL = "scripted-model"
_MODEL_CREATED = 1_700_000_000


class _Ask(msgspec.Struct):
    """What every provider needs to see in a request before anything else."""

    model: str
    messages: list[dict[str, Any]]


class ModelServerApp:
    """The scripts by key, and the handlers that read them."""

    def __init__(self) -> None:
        self._scripts: dict[str, Script] = {}

    def build(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[_leave_quietly])
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._openai),
                web.post("/v1/embeddings", self._embeddings),
                web.post("/v1/messages", self._anthropic),
                web.post("/api/chat", self._ollama),
                web.get("/v1/models", self._models),
                web.get("/api/tags", self._tags),
                web.post("/api/show", self._show),
                web.put("/control/scripts/{key}", self._put_script),
                web.get("/control/requests/{key}", self._get_requests),
            ]
        )
        return app

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, OpenAIWire())

    async def _anthropic(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, AnthropicWire())

    async def _ollama(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, OllamaWire())

    async def _answer(self, request: web.Request, wire: Wire) -> web.StreamResponse:
        raw = await request.read()
        try:
            ask = msgspec.json.decode(raw, type=_Ask)
        except msgspec.MsgspecError as error:
            return _refusal(wire, 400, f"The request is not valid: {error}")
        body: Body = msgspec.json.decode(raw)
        if load := load_of(ask.model):
            return await serve_load(request, wire, body, load)
        script = self._scripts.get(wire.key(request.headers, body))
        if script is None:
            return _refusal(wire, wire.unknown_key_status)
        seen = SeenRequest(path=request.path, headers=_safe_headers(request), body=body)
        script.seen.append(seen)
        if problem := wire.problem(body):
            seen.finished = True
            return _refusal(wire, 400, problem)
        question = wire.question(body)
        taken = script.take(question)
        if taken is None:
            seen.finished = True
            return _refusal(
                wire,
                500,
                f"The script has no reply left for request {len(script.seen)}: {question}",
            )
        seen.reply, reply = taken
        with script.running():
            return await deliver(request, wire, reply, body, seen)

    async def _embeddings(self, request: web.Request) -> web.Response:
        wire, body = OpenAIWire(), msgspec.json.decode(await request.read())
        script = self._scripts.get(wire.key(request.headers, body))
        if script is None:
            return _refusal(wire, wire.unknown_key_status)
        seen = SeenRequest(path=request.path, headers=_safe_headers(request), body=body)
        script.seen.append(seen)
        seen.finished = True
        taken = script.take(Question(model=body["model"], system="", last=""))
        if taken is not None and taken[1].status != 200:
            return _refusal(wire, taken[1].status)
        return _json(embeddings(body))

    async def _models(self, request: web.Request) -> web.Response:
        anthropic = "x-api-key" in request.headers
        key = request.headers.get("x-api-key") or bearer(request.headers)
        if key not in self._scripts:
            return _refusal(AnthropicWire() if anthropic else OpenAIWire(), 401)
        if anthropic:
            model = {
                "type": "model",
                "id": _MODEL,
                "display_name": "Scripted",
                "created_at": "2023-11-14T22:13:20Z",
            }
            return _json(
                {"data": [model], "has_more": False, "first_id": _MODEL, "last_id": _MODEL}
            )
        listed = {
            "id": _MODEL,
            "object": "model",
            "created": _MODEL_CREATED,
            "owned_by": "scripted",
        }
        return _json({"object": "list", "data": [listed]})

    async def _tags(self, request: web.Request) -> web.Response:
        return _json(tags(self._scripts))

    async def _show(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        model = body.get("model") or body.get("name") or ""
        if key_of_model(model) not in self._scripts:
            return _refusal(OllamaWire(), 404, f"model '{model}' not found")
        return _json(show())

    async def _put_script(self, request: web.Request) -> web.Response:
        try:
            replies = msgspec.json.decode(await request.read(), type=list[Reply])
        except msgspec.MsgspecError as error:
            return _json({"error": str(error)}, status=400)
        self._scripts.setdefault(request.match_info["key"], Script()).replace(replies)
        return _json({"replies": len(replies)})

    async def _get_requests(self, request: web.Request) -> web.Response:
        script = self._scripts.get(request.match_info["key"])
        if script is None:
            return _json({"error": "no script was ever given for this key"}, status=404)
        if request.query.get("when") == "idle":
            await script.idle.wait()
        return _json(script.seen)


@web.middleware
async def _leave_quietly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A client that goes away is noted on its request and is no error of the server's."""
    try:
        return await handler(request)
    except ConnectionError:
        return web.Response()


def _refusal(wire: Wire, status: int, message: str | None = None) -> web.Response:
    return web.Response(
        status=status, body=wire.error(status, message), content_type="application/json"
    )


def _json(payload: Any, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(payload), content_type="application/json"
    )


def _safe_headers(request: web.Request) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in request.headers.items()
        if name.lower() not in _SECRET_HEADERS
    }
