"""One client frame becomes one call of an api, and its outcome the frame that answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import structlog

from codelab.auth.api import Auth as AuthService
from codelab.auth.api import Principal
from codelab.gateway import frame_data
from codelab.gateway import server_frames as frames
from codelab.gateway.client_frames import (
    Auth,
    Cancel,
    Chat,
    ChatContext,
    ClientFrame,
    FrameInvalid,
    Ping,
    Resume,
    ToolApproval,
    UnwatchFiles,
    WatchFiles,
    decode,
    mark_of,
)
from codelab.gateway.connection import MAX_WATCHES, Connection
from codelab.gateway.encoding import encode, refusal
from codelab.gateway.file_watching import FileWatches
from codelab.gateway.stream import Stream
from codelab.gateway.watching import Sink, Watch
from codelab.kit.errors import CodeLabError, Forbidden, InvalidInput
from codelab.kit.ids import new_id
from codelab.sessions.api import SessionRecord, Sessions, TurnRef
from codelab.sessions.events import (
    MessageContext,
    Selection,
    SessionState,
    UserMessageReceived,
)

if TYPE_CHECKING:
    from codelab.hitl.api import Hitl

_LOOK_BACK = 500
_log = structlog.get_logger(__name__)


class InternalFailure(CodeLabError):
    """Something failed that should not; the log has the details under the number in the text."""

    code = "internal"
    retryable = True


class Dispatcher:
    """Carries out what clients ask for.

    Args:
        auth: Renews sign-ins.
        sessions: Starts and cancels turns.
        hitl: Takes answers to requests for approval.
        stream: Brings the frames back.
        files: Tells of changed files.
        opened: Told of each workspace that somebody begins to look at.
    """

    def __init__(
        self,
        auth: AuthService,
        sessions: Sessions,
        hitl: Hitl,
        stream: Stream,
        files: FileWatches,
        opened: Callable[[str], None] = lambda workspace_id: None,
    ) -> None:
        self._auth = auth
        self._sessions = sessions
        self._hitl = hitl
        self._stream = stream
        self._files = files
        self._opened = opened

    async def handle(self, connection: Connection, raw: str | bytes) -> None:
        """Carry out one frame and answer it; whatever is wrong with it, the connection stays."""
        mark, session_id = None, None
        try:
            if not isinstance(raw, str):
                raise FrameInvalid("Frames are text; this one is binary.")
            mark, session_id = mark_of(raw)
            frame = decode(raw)
            connection.count_frame(good=True)
            await self._once(connection, frame)
        except CodeLabError as error:
            connection.outbox.send(refusal(error, session_id=session_id, id=mark))
            if isinstance(error, FrameInvalid):
                connection.count_frame(good=False)
        except Exception:
            number = new_id()
            _log.exception("frame_failed", request_id=number, session_id=session_id)
            failure = InternalFailure(f"Something went wrong on the server (number {number}).")
            connection.outbox.send(refusal(failure, session_id=session_id, id=mark))

    def end(self, connection: Connection) -> None:
        """End what the connection watches."""
        for watch in connection.watches.values():
            self._stream.unwatch(watch)
        connection.watches.clear()
        self._files.end(connection)
        connection.end()

    async def start_turn(
        self, principal: Principal, chat: Chat, sink: Sink
    ) -> tuple[TurnRef, Watch]:
        """Start a turn and watch its session, from the user's message on, as yet held back."""
        watch = self._stream.watch(chat.session_id, principal, sink)
        try:
            return await self._start(principal, chat), watch
        except BaseException:
            self._stream.unwatch(watch)
            raise

    async def open(self, watch: Watch, turn: TurnRef) -> None:
        """Let the frames of a turn out, its user's message first."""
        seq = watch.join.held_seq(turn.message_id)
        if seq is not None:
            watch.open_after(seq - 1, complete=True)
        else:
            watch.open_after(await self._before(watch.principal, turn))

    async def _once(self, connection: Connection, frame: ClientFrame) -> None:
        mark = None if frame.id is None else (frame.session_id, frame.id)
        answer = connection.answered(mark) if mark else None
        if answer is not None:
            connection.outbox.send(answer)
            return
        match frame:
            case Ping():
                data = frame_data.PongData()
                pong = frames.Pong(session_id=frame.session_id, id=frame.id, data=data)
                connection.outbox.send(encode(pong))
                return
            case Chat():
                answer = await self._chat(connection, frame)
            case ToolApproval():
                answer = await self._answer_approval(connection, frame)
            case Cancel():
                answer = await self._cancel(connection, frame)
            case Resume():
                await self._resume(connection, frame)
                return
            case Auth():
                answer = await self._renew(connection, frame)
            case WatchFiles() | UnwatchFiles():
                answer = await self._watch_files(connection, frame)
        if mark:
            connection.remember(mark, answer)

    async def _chat(self, connection: Connection, frame: Chat) -> str:
        if frame.session_id in connection.watches:
            return _acknowledge(connection, frame, await self._start(connection.principal, frame))
        _check_room(connection)
        turn, watch = await self.start_turn(connection.principal, frame, connection)
        connection.watches[frame.session_id] = watch
        answer = _acknowledge(connection, frame, turn)
        await self.open(watch, turn)
        return answer

    async def _start(self, principal: Principal, frame: Chat) -> TurnRef:
        return await self._sessions.start_turn(
            principal,
            frame.session_id,
            frame.data.message,
            agent=frame.data.agent,
            model=frame.data.model,
            context=_context(frame.data.context),
            request_id=None if frame.id is None else str(frame.id),
        )

    async def _before(self, principal: Principal, turn: TurnRef) -> int:
        # The same request came earlier: its message is somewhere near the end of the log.
        record = await self._sessions.get(principal, turn.session_id)
        start = max(0, record.last_seq - _LOOK_BACK)
        page = await self._sessions.entries(principal, turn.session_id, start, _LOOK_BACK)
        for entry in page:
            fact = entry.fact
            if isinstance(fact, UserMessageReceived) and fact.message_id == turn.message_id:
                return entry.seq - 1
        return start

    async def _answer_approval(self, connection: Connection, frame: ToolApproval) -> str:
        record = await self._hitl.answer(
            connection.principal,
            frame.data.approval_id,
            frame.data.approved,
            frame.data.parameters,
            frame.data.feedback,
            always=frame.data.always,
        )
        data = frame_data.AckData(
            of="tool_approval", approval_id=frame.data.approval_id, status=record.status
        )
        return _send(connection, frame, data)

    async def _cancel(self, connection: Connection, frame: Cancel) -> str:
        turn_id = await self._sessions.request_cancel(connection.principal, frame.session_id)
        data = frame_data.AckData(of="cancel", turn_id=turn_id, status="cancelling")
        return _send(connection, frame, data)

    async def _resume(self, connection: Connection, frame: Resume) -> None:
        watch = connection.watches.get(frame.session_id)
        if watch is None:
            _check_room(connection)
            watch = self._stream.watch(frame.session_id, connection.principal, connection)
        # Read while watching: what changes from here on comes live, after what the record says.
        try:
            record = await self._sessions.get(connection.principal, frame.session_id)
        except BaseException:
            if frame.session_id not in connection.watches:
                self._stream.unwatch(watch)
            raise
        connection.watches[frame.session_id] = watch
        self._opened(record.workspace_id)
        wanted = frame.data
        fresh = wanted.last_seq == 0 or wanted.epoch in (None, record.epoch)
        ok = fresh and wanted.last_seq <= record.last_seq
        from_seq = wanted.last_seq if ok else 0
        _send(connection, frame, frame_data.AckData(of="resume"))
        recovered = frames.Recovered(
            session_id=frame.session_id,
            id=frame.id,
            epoch=record.epoch,
            data=frame_data.RecoveredData(ok=ok, from_seq=from_seq, last_seq=record.last_seq),
        )
        connection.outbox.send(encode(recovered))
        if (resting := _resting_state(record)) is not None:
            data = frame_data.StateData(state=resting, agent=record.agent or "")
            changed = frames.StateChanged(session_id=frame.session_id, data=data)
            connection.outbox.send(encode(changed))
        watch.open_after(from_seq)

    async def _watch_files(self, connection: Connection, frame: WatchFiles | UnwatchFiles) -> str:
        workspace_id = frame.data.workspace_id
        if isinstance(frame, WatchFiles):
            await self._files.watch(connection, workspace_id)
            self._opened(workspace_id)
            return _send(connection, frame, frame_data.AckData(of="watch"))
        self._files.unwatch(connection, workspace_id)
        return _send(connection, frame, frame_data.AckData(of="unwatch"))

    async def _renew(self, connection: Connection, frame: Auth) -> str:
        principal = await self._auth.authenticate(frame.data.token)
        if principal.user_id != connection.principal.user_id:
            raise Forbidden("This connection belongs to another user. Open a new one.")
        connection.sign_in(principal)
        return _send(connection, frame, frame_data.AckData(of="auth"))


def _resting_state(record: SessionRecord) -> SessionState | None:
    """Return the state of a session that no replica works on; who works on it tells its own."""
    if record.active_turn_id is None:
        return "idle"
    return "waiting" if record.lease_owner is None else None


def _context(context: ChatContext | None) -> MessageContext | None:
    if context is None:
        return None
    selected = context.selection
    selection = Selection(**msgspec.structs.asdict(selected)) if selected else None
    return MessageContext(open_files=context.open_files, selection=selection)


def _check_room(connection: Connection) -> None:
    if len(connection.watches) >= MAX_WATCHES:
        raise InvalidInput(
            f"One connection watches at most {MAX_WATCHES} sessions. Open another one.",
            field="session_id",
        )


def _acknowledge(connection: Connection, frame: Chat, turn: TurnRef) -> str:
    data = frame_data.AckData(of="chat", turn_id=turn.turn_id, message_id=turn.message_id)
    return _send(connection, frame, data)


def _send(connection: Connection, frame: ClientFrame, data: frame_data.AckData) -> str:
    answer = encode(frames.Ack(session_id=frame.session_id, id=frame.id, data=data))
    connection.outbox.send(answer)
    return answer
