"""The frames a client may send, in their two forms, decoded into the same values."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec

from codelab.gateway.field_names import dotted
from codelab.kit.errors import CodeLabError

MAX_FRAME_BYTES = 1024 * 1024
MAX_MESSAGE_CHARACTERS = 200_000

_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"

Id = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Name = Annotated[str, msgspec.Meta(max_length=200, pattern=_PRINTABLE)]
Path = Annotated[str, msgspec.Meta(max_length=4096)]
Line = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Mark = Annotated[str, msgspec.Meta(max_length=100, pattern=_PRINTABLE)]


class FrameInvalid(CodeLabError):
    """A frame is not one of the protocol's."""

    code = "frame_invalid"
    title = "Invalid frame"
    status = 422


class _Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


D = TypeVar("D", bound=_Data)


class SelectedText(_Data, frozen=True, kw_only=True):
    """What is selected in the editor; lines start at 1."""

    path: Path
    start_line: Line = 1
    end_line: Line = 1
    text: Annotated[str, msgspec.Meta(max_length=MAX_MESSAGE_CHARACTERS)] = ""


class ChatContext(_Data, frozen=True, kw_only=True):
    """What the user is looking at while asking."""

    open_files: Annotated[tuple[Path, ...], msgspec.Meta(max_length=200)] = ()
    selection: SelectedText | None = None


class AuthData(_Data, frozen=True, kw_only=True):
    """An access token."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]


class ChatData(_Data, frozen=True, kw_only=True):
    """A message to the agents."""

    message: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_MESSAGE_CHARACTERS)]
    agent: Name | None = None
    model: Name | None = None
    context: ChatContext | None = None


class ToolApprovalData(_Data, frozen=True, kw_only=True):
    """An answer to a request for approval.

    With `always`, the same call may run without asking for the rest of the session.
    """

    approval_id: Id
    approved: bool
    always: bool = False
    parameters: dict[str, Any] | None = None
    feedback: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


class CancelData(_Data, frozen=True, kw_only=True):
    """Nothing more than the session."""


class ResumeData(_Data, frozen=True, kw_only=True):
    """The last durable frame the client has; 0 replays all."""

    last_seq: Seq
    epoch: Seq | None = None


class WatchData(_Data, frozen=True, kw_only=True):
    """A workspace whose files somebody looks at."""

    workspace_id: Id


class PingData(_Data, frozen=True, kw_only=True):
    """Nothing."""


class _Frame(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    id: Mark | int | None = None


class Auth(_Frame, frozen=True, kw_only=True, tag="auth"):
    """Sign in on an open socket, or renew a sign-in before its token ends."""

    data: AuthData
    session_id: Id | None = None


class Chat(_Frame, frozen=True, kw_only=True, tag="chat"):
    """Ask the agents for something."""

    session_id: Id
    data: ChatData


class ToolApproval(_Frame, frozen=True, kw_only=True, tag="tool_approval"):
    """Approve or reject a tool call."""

    data: ToolApprovalData
    session_id: Id | None = None


class Cancel(_Frame, frozen=True, kw_only=True, tag="cancel"):
    """Stop the session's running turn."""

    session_id: Id
    data: CancelData = CancelData()


class Resume(_Frame, frozen=True, kw_only=True, tag="resume"):
    """Watch a session, and get what was missed."""

    session_id: Id
    data: ResumeData


class Ping(_Frame, frozen=True, kw_only=True, tag="ping"):
    """Ask for a sign of life."""

    session_id: Id | None = None
    data: PingData = PingData()


class WatchFiles(_Frame, frozen=True, kw_only=True, tag="watch"):
    """Be told of changes of a workspace's files."""

    data: WatchData
    session_id: Id | None = None


class UnwatchFiles(_Frame, frozen=True, kw_only=True, tag="unwatch"):
    """Be told of them no more."""

    data: WatchData
    session_id: Id | None = None


ClientFrame = Auth | Chat | ToolApproval | Cancel | Resume | Ping | WatchFiles | UnwatchFiles


class FlatChat(ChatData, frozen=True, kw_only=True, tag_field="type", tag="chat"):
    """The short form of `chat`."""

    session_id: Id
    id: Mark | int | None = None


class FlatToolApproval(
    ToolApprovalData, frozen=True, kw_only=True, tag_field="type", tag="tool_approval"
):
    """The short form of `tool_approval`."""

    session_id: Id | None = None
    id: Mark | int | None = None


class FlatCancel(CancelData, frozen=True, kw_only=True, tag_field="type", tag="cancel"):
    """The short form of `cancel`."""

    session_id: Id
    id: Mark | int | None = None


FlatFrame = FlatChat | FlatToolApproval | FlatCancel


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """As much of a frame as tells its form, and whom an answer is for."""

    type: Any = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    id: Any = None
    session_id: Any = None


_head = msgspec.json.Decoder(_Head)
_envelope: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_flat: msgspec.json.Decoder[FlatFrame] = msgspec.json.Decoder(FlatFrame)
_FLAT_TYPES = ("chat", "tool_approval", "cancel")


def decode(raw: str | bytes) -> ClientFrame:
    """Read one frame in either form.

    Raises:
        FrameInvalid: It names the field that is wrong, in dotted form.
    """
    try:
        head = _head.decode(raw)
        if head.data is msgspec.UNSET and head.type in _FLAT_TYPES:
            return _unfold(_flat.decode(raw))
        return _envelope.decode(raw)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise FrameInvalid("The frame is not JSON, or nests too deeply.") from None


def mark_of(raw: str | bytes) -> tuple[str | int | None, str | None]:
    """Read the `id` and `session_id` of a frame that may be invalid otherwise."""
    try:
        head = _head.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None, None
    mark = head.id if isinstance(head.id, str | int) and len(str(head.id)) <= 100 else None
    session_id = head.session_id if isinstance(head.session_id, str) else None
    return mark, session_id[:64] if session_id else None


def _unfold(flat: FlatFrame) -> ClientFrame:
    match flat:
        case FlatChat():
            return Chat(id=flat.id, session_id=flat.session_id, data=_part(flat, ChatData))
        case FlatToolApproval():
            data = _part(flat, ToolApprovalData)
            return ToolApproval(id=flat.id, session_id=flat.session_id, data=data)
        case FlatCancel():
            return Cancel(id=flat.id, session_id=flat.session_id)


def _part(flat: _Data, kind: type[D]) -> D:
    return kind(**{name: getattr(flat, name) for name in kind.__struct_fields__})


def _refusal(message: str) -> FrameInvalid:
    sentence, field = dotted(message)
    return FrameInvalid(f"{sentence}.", field=field)
