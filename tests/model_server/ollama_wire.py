"""Ollama's chat: one JSON object a line, tool calls whole, no key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tests.model_server.deltas import (
    CallArguments,
    CallStart,
    ReasoningDelta,
    TextDelta,
    arguments_json,
    call_id,
    deltas,
)
from tests.model_server.script import Body, Question, Reply, ToolCall
from tests.model_server.wire import Frame, question_of_roles

_PREFIX = "call_"
_MODEL_PREFIX = "scripted-"
_ERRORS = {
    401: "unauthorized",
    404: "model not found, try pulling it first",
    429: "too many requests",
    503: "server busy, please try again.  maximum pending requests exceeded",
}


class OllamaWire:
    """`POST /api/chat`; the model's name `scripted-KEY` stands for the key."""

    stream_type = "application/x-ndjson"
    ping = b"\n"
    request_id_header: str | None = None
    unknown_key_status = 404

    def key(self, headers: Mapping[str, str], body: Body) -> str:
        """The model's name without its prefix and its tag."""
        return key_of_model(body["model"])

    def streams(self, body: Body) -> bool:
        """Unless told not to."""
        return body.get("stream") is not False

    def question(self, body: Body) -> Question:
        """The system prompt is a message among the others."""
        return question_of_roles(body)

    def problem(self, body: Body) -> str | None:
        """Ollama takes any history."""
        return None

    def frames(self, reply: Reply, body: Body) -> list[Frame]:
        """A line for each piece, and a last one with the counts."""
        model = body["model"]
        out = []
        for delta in deltas(reply, id_prefix=_PREFIX, interleave=False):
            if isinstance(delta, TextDelta):
                out.append(_line(model, {"content": delta.text}, chunk=True))
            elif isinstance(delta, ReasoningDelta):
                out.append(_line(model, {"content": "", "thinking": delta.text}, chunk=True))
            elif isinstance(delta, CallStart):
                out.append(
                    _line(model, _call_message(delta, reply.tool_calls[delta.index]), chunk=True)
                )
            elif not isinstance(delta, CallArguments):
                raise TypeError(f"Ollama's format has no place for {delta!r}")
        out.append(_line(model, {"content": ""}, **_ending(reply)))
        return out

    def whole(self, reply: Reply, body: Body) -> bytes:
        """The last line's object with the whole message in it."""
        message: dict[str, Any] = {"content": reply.whole_text}
        if reply.reasoning:
            message["thinking"] = reply.reasoning
        calls = [
            _call_message(CallStart(index, call_id(call, _PREFIX), call.name), call)
            for index, call in enumerate(reply.tool_calls)
        ]
        message["content"] += "".join(call["content"] for call in calls)
        if tool_calls := [made for call in calls for made in call.get("tool_calls", [])]:
            message["tool_calls"] = tool_calls
        return _line(body["model"], message, **_ending(reply)).data

    def error(self, status: int, message: str | None = None) -> bytes:
        """`{"error": message}`."""
        return msgspec.json.encode(
            {"error": message or _ERRORS.get(status, "an unknown error was encountered")}
        )

    def overflow(self) -> bytes:
        """Ollama's words when it may not cut the prompt."""
        return self.error(400, "the input length exceeds the context length")

    def failure(self) -> Frame:
        """An error object in place of a line."""
        return Frame(self.error(500, "an error was encountered while running the model") + b"\n")


def key_of_model(model: str) -> str:
    """The key a model's name stands for."""
    return model.removesuffix(":latest").removeprefix(_MODEL_PREFIX)


def tags(keys: Iterable[str]) -> dict[str, Any]:
    """The list of local models: one for each key that has a script."""
    return {
        "models": [
            {
                "name": f"{_MODEL_PREFIX}{key}:latest",
                "model": f"{_MODEL_PREFIX}{key}:latest",
                "modified_at": _now(),
                "size": 1,
                "digest": "0" * 64,
                "details": _DETAILS,
            }
            for key in keys
        ]
    }


def show() -> dict[str, Any]:
    """What Ollama knows of a model: its window, and that it can call tools."""
    return {
        "template": "{{ .System }} {{ .Tools }} {{ .Prompt }}",
        "details": _DETAILS,
        "model_info": {"general.architecture": "scripted", "scripted.context_length": 32768},
        "capabilities": ["completion", "tools"],
        "modified_at": _now(),
    }


_DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "scripted",
    "families": ["scripted"],
    "parameter_size": "1B",
    "quantization_level": "Q4_0",
}


def _call_message(start: CallStart, call: ToolCall) -> dict[str, Any]:
    """A call's message; with arguments that are no JSON object Ollama leaves it as text."""
    try:
        arguments = msgspec.json.decode(arguments_json(call), type=dict[str, Any])
    except msgspec.DecodeError:
        return {"content": f'{{"name": "{call.name}", "arguments": {arguments_json(call)}}}'}
    function = {"index": start.index, "name": call.name, "arguments": arguments}
    return {"content": "", "tool_calls": [{"id": start.call_id, "function": function}]}


def _ending(reply: Reply) -> dict[str, Any]:
    ending: dict[str, Any] = {
        "done": True,
        "done_reason": "stop" if reply.reason == "tool_calls" else reply.reason,
        "total_duration": 5_000_000,
        "load_duration": 1_000_000,
    }
    if reply.usage is not None:
        ending |= {
            "prompt_eval_count": reply.usage.input,
            "prompt_eval_duration": 2_000_000,
            "eval_count": reply.usage.output,
            "eval_duration": 2_000_000,
        }
    return ending


def _line(
    model: str, message: dict[str, Any], *, chunk: bool = False, done: bool = False, **rest: Any
) -> Frame:
    line = {
        "model": model,
        "created_at": _now(),
        "message": {"role": "assistant", **message},
        "done": done,
        **rest,
    }
    return Frame(msgspec.json.encode(line) + b"\n", chunk)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
