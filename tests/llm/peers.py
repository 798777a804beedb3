"""Two servers that speak the providers' wires, scripted alike: ours, and aimock."""

from __future__ import annotations

from typing import Any, Protocol

from tests.llm.layer import Layer
from tests.model_server.script import Reply
from tests.support.aimock import Aimock


class Peer(Protocol):
    """A server at the other end of the wire."""

    def entry(self, wire: str) -> dict[str, Any]:
        """Return an entry of the models file for a wire."""

    async def answer(self, reply: Reply) -> None:
        """Set what the next request is answered with."""


class ScriptedPeer:
    """The scripted model server."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    def entry(self, wire: str) -> dict[str, Any]:
        return self._layer.entry(wire)

    async def answer(self, reply: Reply) -> None:
        await self._layer.script(reply)


class AimockPeer:
    """The npm package, which cuts an answer every so many characters."""

    def __init__(self, layer: Layer, aimock: Aimock) -> None:
        self._aimock = aimock
        self._key = layer.key
        # Models are told apart by their names; Anthropic's must look like one.
        self._model = f"claude-{layer.key}"

    def entry(self, wire: str) -> dict[str, Any]:
        prefix = {"openai": "openai", "anthropic": "anthropic", "ollama": "ollama_chat"}[wire]
        base = f"{self._aimock.url}/v1" if wire == "openai" else self._aimock.url
        params = {"model": f"{prefix}/{self._model}", "api_base": base, "api_key": self._key}
        return {"model_name": wire, "litellm_params": params}

    async def answer(self, reply: Reply) -> None:
        delivery: dict[str, Any] = {"chunkSize": 3}
        if reply.token_delay_s:
            delivery["streamingProfile"] = {"ttft": 0, "tps": 1 / reply.token_delay_s}
        if reply.cut_after is not None:
            delivery["streamingProfile"] = {"ttft": 0, "tps": 40}
            # Its count includes what opens a message, three events at most.
            delivery["truncateAfterChunks"] = reply.cut_after + 4
        await self._aimock.answer(self._model, _response(reply), **delivery)


def _response(reply: Reply) -> dict[str, Any]:
    if reply.status != 200:
        problem: dict[str, Any] = {"error": {"message": "It is as it is."}, "status": reply.status}
        if after := reply.headers.get("Retry-After"):
            problem["retryAfter"] = int(after)
        return problem
    text = reply.whole_text
    response: dict[str, Any] = {"content": text} if text or not reply.tool_calls else {}
    if reply.tool_calls:
        response["toolCalls"] = [
            {"name": call.name, "arguments": call.arguments} for call in reply.tool_calls
        ]
    if reply.reasoning:
        response |= {"reasoning": reply.reasoning, "reasoningSignature": "c2lnbmVk"}
    if reply.usage:
        response["usage"] = {
            "prompt_tokens": reply.usage.input,
            "completion_tokens": reply.usage.output,
        }
    return response
