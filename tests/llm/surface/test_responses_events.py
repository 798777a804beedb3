"""The events of a response hold together, whatever the model sends in which order."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.errors import CodeLabError
from codelab.llm.surface.responses import ResponseRequest, Tool, read_response
from codelab.llm.surface.responses_events import ResponseEvents
from codelab.llm.surface.responses_output import ResponseDocument
from codelab.sdk.messages import ToolCall
from codelab.sdk.model import Completion, Delta

DELTAS = st.lists(st.builds(Delta, st.text(max_size=9), st.text(max_size=9)), max_size=12)
CALLS = st.lists(
    st.builds(
        ToolCall,
        id=st.text(min_size=1, max_size=9),
        name=st.sampled_from(["look", "patch"]),
        arguments=st.sampled_from(["{}", '{"input": "a"}', '{"input": 1}', "broken", ""]),
    ),
    max_size=3,
)


def events_of(written: bytes) -> list[dict[str, Any]]:
    """Read a stream, as its clients do."""
    found = []
    for event in written.decode().split("\n\n")[:-1]:
        name, data = event.split("\n")
        payload = msgspec.json.decode(data.removeprefix("data: "))
        assert payload["type"] == name.removeprefix("event: ")
        found.append(payload)
    return found


def writer() -> ResponseEvents:
    tools = [Tool(type="function", name="look"), Tool(type="custom", name="patch")]
    asked = ResponseRequest(model="m", input="Hi", tools=tools)
    return ResponseEvents(ResponseDocument(asked, read_response(asked)))


@given(DELTAS, CALLS, st.booleans())
def test_a_client_that_follows_the_events_has_what_the_last_one_says(
    deltas: list[Delta], calls: list[ToolCall], fails: bool
) -> None:
    events = writer()
    written = events.start() + b"".join(events.piece(delta) for delta in deltas)
    if fails:
        written += events.failure(CodeLabError("It broke."))
    else:
        written += events.end(Completion(model="m", tool_calls=tuple(calls)))
    found = events_of(written)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))

    items: list[dict[str, Any]] = []
    pieces = ""
    for event in found[2:-1]:
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert event["output_index"] == len(items)
            pieces, open_id = "", event["item"]["id"]
        elif kind == "output_item.done":
            assert event["item"]["id"] == open_id
            items.append(event["item"])
        else:
            assert (event["item_id"], event["output_index"]) == (open_id, len(items))
        if kind.endswith(".delta"):
            pieces += event["delta"]
        if kind.endswith(("text.done", "arguments.done", "input.done")):
            whole = event.get("text", event.get("arguments", event.get("input")))
            assert whole == pieces
    response = found[-1]["response"]
    assert response["output"] == items
    assert response["status"] == ("failed" if fails else "completed")
    assert "".join(delta.text for delta in deltas) == "".join(
        part["text"] for item in items if item["type"] == "message" for part in item["content"]
    )
    if not fails:
        made = [item["call_id"] for item in items if "call_id" in item]
        assert made == [call.id for call in calls]
