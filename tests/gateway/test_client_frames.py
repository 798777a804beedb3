"""Every frame is decoded into a value or refused with the field named; nothing else can happen."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codelab.gateway.client_frames import (
    Auth,
    Cancel,
    Chat,
    ChatContext,
    ChatData,
    FrameInvalid,
    Ping,
    Resume,
    SelectedText,
    ToolApproval,
    ToolApprovalData,
    decode,
    mark_of,
)

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
name = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
an_id = st.text("0123456789abcdef", min_size=1, max_size=32)
mark = st.none() | st.integers(0, 2**40) | name
json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
context = st.builds(
    ChatContext,
    open_files=st.lists(name, max_size=3).map(tuple),
    selection=st.none()
    | st.builds(SelectedText, path=name, start_line=st.integers(1, 99), text=st.text(max_size=9)),
)
chats = st.builds(
    Chat,
    id=mark,
    session_id=an_id,
    data=st.builds(
        ChatData,
        message=text,
        agent=st.none() | name,
        model=st.none() | name,
        context=st.none() | context,
    ),
)
approvals = st.builds(
    ToolApproval,
    id=mark,
    session_id=st.none() | an_id,
    data=st.builds(
        ToolApprovalData,
        approval_id=an_id,
        approved=st.booleans(),
        parameters=st.none() | st.dictionaries(text, json_value, max_size=3),
        feedback=st.text(max_size=9),
    ),
)
cancels = st.builds(Cancel, id=mark, session_id=an_id)


def written(frame: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(frame)
    return {key: value for key, value in plain.items() if value is not None}


@given(st.one_of(chats, approvals, cancels))
def test_both_forms_are_the_same_value(frame: Any) -> None:
    envelope = written(frame)
    flat = {key: value for key, value in envelope.items() if key != "data"} | envelope["data"]
    assert decode(msgspec.json.encode(envelope)) == frame
    assert decode(msgspec.json.encode(flat).decode()) == frame


@given(st.binary(max_size=200) | st.text(max_size=200))
@example("[" * 100_000)
@example('{"type":"chat","data":' + '{"a":' * 50_000)
@example(b'{"type":"chat","session_id":"\xff"}')
@example('{"type":["chat"],"data":{}}')
@example('{"type":"chat","message":"\\ud800","session_id":"1"}')
@example("null")
def test_whatever_comes_is_refused_in_our_own_words(raw: Any) -> None:
    try:
        decode(raw)
    except FrameInvalid as refused:
        assert refused.message
        assert "Traceback" not in refused.message
    mark_of(raw)


frame_like = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["auth", "chat", "tool_approval", "cancel", "resume", "ping", "x"]),
        "session_id": json_value,
        "data": json_value | st.dictionaries(st.sampled_from(["message", "last_seq"]), json_value),
        "id": json_value,
        "message": json_value,
        "approved": json_value,
    },
)


@given(frame_like)
def test_what_nearly_is_a_frame_is_decoded_or_refused(frame: Any) -> None:
    try:
        decode(msgspec.json.encode(frame))
    except FrameInvalid as refused:
        assert refused.message


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ({}, "type"),
        ({"type": "shout"}, "type"),
        ({"type": 7}, "type"),
        ({"type": "chat", "message": "hi"}, "session_id"),
        ({"type": "chat", "session_id": "1"}, "message"),
        ({"type": "chat", "session_id": "1", "data": {}}, "data.message"),
        ({"type": "chat", "session_id": "1", "data": {"message": 5}}, "data.message"),
        ({"type": "chat", "session_id": "1", "data": {"message": ""}}, "data.message"),
        ({"type": "chat", "session_id": "1", "data": {"message": "x", "agnet": "y"}}, "data.agnet"),
        ({"type": "chat", "session_id": "1", "message": "x", "agnet": "y"}, "agnet"),
        ({"type": "chat", "session_id": "../1", "message": "x"}, "session_id"),
        ({"type": "chat", "session_id": "1\x00", "message": "x"}, "session_id"),
        (
            {"type": "chat", "session_id": "1", "message": "x", "context": {"open_files": [1]}},
            "context.open_files.0",
        ),
        ({"type": "chat", "session_id": "1", "message": "x" * 200_001}, "message"),
        ({"type": "tool_approval", "approval_id": "1"}, "approved"),
        ({"type": "tool_approval", "approval_id": "1", "approved": "yes"}, "approved"),
        ({"type": "resume", "session_id": "1", "data": {"last_seq": -1}}, "data.last_seq"),
        ({"type": "resume", "session_id": "1"}, "data"),
        ({"type": "ping", "id": [1]}, "id"),
    ],
)
def test_the_field_that_is_wrong_is_named(frame: object, field: str) -> None:
    with pytest.raises(FrameInvalid) as refused:
        decode(msgspec.json.encode(frame))
    assert refused.value.field == field


def test_the_other_frames_have_one_form() -> None:
    assert isinstance(decode('{"type":"auth","data":{"token":"t"}}'), Auth)
    assert isinstance(decode('{"type":"ping"}'), Ping)
    resume = decode('{"type":"resume","session_id":"1","data":{"last_seq":3,"epoch":1}}')
    assert isinstance(resume, Resume)
    assert (resume.data.last_seq, resume.data.epoch) == (3, 1)


def test_the_mark_of_an_invalid_frame_is_still_readable() -> None:
    assert mark_of('{"type":"nonsense","id":"a1","session_id":"s"}') == ("a1", "s")
    assert mark_of('{"id":{"deep":1}}') == (None, None)
    assert mark_of("not json") == (None, None)
