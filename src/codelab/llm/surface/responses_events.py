"""OpenAI's responses as a stream of named events, numbered and in the order of OpenAI's own."""

from __future__ import annotations

from typing import Any

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.llm.surface.responses_output import (
    Item,
    ResponseDocument,
    message_item,
    reasoning_item,
    text_part,
)
from codelab.sdk.messages import ToolCall
from codelab.sdk.model import Completion, Delta

_encode = msgspec.json.encode

# Of a text that is written piece by piece: the event of a piece, those of its end, and the fields
# that say which text it is.
_TEXT = ("response.output_text", "response.content_part", {"content_index": 0})
_THOUGHT = (
    "response.reasoning_summary_text",
    "response.reasoning_summary_part",
    {"summary_index": 0},
)


class ResponseEvents:
    """Writes the events of one response.

    Args:
        document: Describes the response in its several states.
    """

    def __init__(self, document: ResponseDocument) -> None:
        self._document = document
        self._number = 0
        self._output: list[Item] = []
        self._open: Item | None = None
        self._pieces: list[str] = []
        self._before = b""

    def start(self) -> bytes:
        """Write the events that open the stream."""
        response = self._document.in_progress()
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def piece(self, delta: Delta) -> bytes:
        """Write the events of a piece of the answer."""
        out = b""
        if delta.reasoning:
            out = self._add("reasoning", delta.reasoning)
        if delta.text:
            out += self._add("message", delta.text)
        return out

    def end(self, completion: Completion) -> bytes:
        """Write the events that end the stream: what is open, tool calls, the whole response."""
        out = [self._close()]
        out += [self._call(call) for call in completion.tool_calls]
        response = self._document.ended(completion, self._output)
        out.append(self._event(f"response.{response['status']}", response=response))
        return b"".join(out)

    def failure(self, error: CodeLabError) -> bytes:
        """Write the events that end a stream which broke off."""
        closed = self._close()
        response = self._document.failed(error, self._output)
        return closed + self._event("response.failed", response=response)

    def _add(self, kind: str, text: str) -> bytes:
        opened = b""
        if self._open is None or self._open["type"] != kind:
            opened = self._close() + self._begin(kind)
        self._pieces.append(text)
        number, self._number = self._number, self._number + 1
        return b'%s%s%s,"sequence_number":%d}\n\n' % (opened, self._before, _encode(text), number)

    def _begin(self, kind: str) -> bytes:
        is_text = kind == "message"
        item = message_item("", "in_progress") if is_text else reasoning_item("")
        part = text_part("") if is_text else {"type": "summary_text", "text": ""}
        self._open, self._pieces = item, []
        name, part_name, _ = _TEXT if is_text else _THOUGHT
        # All pieces of one text differ in their text and number only.
        fields = {"type": f"{name}.delta", **self._place()}
        if is_text:
            fields["logprobs"] = []
        self._before = b"event: %s.delta\ndata: %s" % (
            name.encode(),
            _encode(fields)[:-1] + b',"delta":',
        )
        return self._event(
            "response.output_item.added", output_index=len(self._output), item=item
        ) + self._event(f"{part_name}.added", **self._place(), part=part)

    def _close(self) -> bytes:
        """End the text that is open, if one is."""
        item, self._open = self._open, None
        if item is None:
            return b""
        is_text, text = item["type"] == "message", "".join(self._pieces)
        name, part_name, index = _TEXT if is_text else _THOUGHT
        place = {"item_id": item["id"], "output_index": len(self._output), **index}
        if is_text:
            part: Item = text_part(text)
            done = {**item, "status": "completed", "content": [part]}
            more: Item = {"logprobs": []}
        else:
            part = {"type": "summary_text", "text": text}
            done, more = {**item, "summary": [part]}, {}
        out = self._event(f"{name}.done", **place, text=text, **more)
        out += self._event(f"{part_name}.done", **place, part=part)
        return out + self._finish(done)

    def _call(self, call: ToolCall) -> bytes:
        """Write the events of a tool call, which is whole by now."""
        done = self._document.call_item(call)
        is_plain = done["type"] == "custom_tool_call"
        field = "input" if is_plain else "arguments"
        name = "custom_tool_call_input" if is_plain else "function_call_arguments"
        place = {"item_id": done["id"], "output_index": len(self._output)}
        begun = {**done, "status": "in_progress", field: ""}
        out = self._event("response.output_item.added", output_index=len(self._output), item=begun)
        out += self._event(f"response.{name}.delta", **place, delta=done[field])
        more = {} if is_plain else {"name": call.name}
        out += self._event(f"response.{name}.done", **place, **{field: done[field]}, **more)
        return out + self._finish(done)

    def _finish(self, item: Item) -> bytes:
        index = len(self._output)
        self._output.append(item)
        return self._event("response.output_item.done", output_index=index, item=item)

    def _place(self) -> dict[str, Any]:
        item = self._open or {}
        _, _, index = _TEXT if item.get("type") == "message" else _THOUGHT
        return {"item_id": item.get("id"), "output_index": len(self._output), **index}

    def _event(self, kind: str, **fields: Any) -> bytes:
        payload = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), _encode(payload))
