"""A terminal's socket: who may open it, what comes through, and what does not grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from codelab.workspace.api import WINDOW
from codelab.workspace.events import TerminalClosed
from tests.gateway.rig import ALLOWED_ORIGIN, PASSWORD, Replica, User

NewUser = Callable[..., Awaitable[User]]


class Seat:
    """A terminal of a user's, and ways to sit down at it."""

    def __init__(self, replica: Replica, user: User, base: str, terminal_id: str) -> None:
        self.replica = replica
        self.user = user
        self.base = base
        self.terminal_id = terminal_id

    async def ticket(self) -> str:
        """Ask for a ticket."""
        async with self.user.http(self.replica) as http:
            answer = await http.post(f"{self.base}/{self.terminal_id}/ticket")
            return str(answer.raise_for_status().json()["ticket"])

    def socket(self, ticket: str, offset: int = 0, **options: Any) -> connect:
        """Make a connection that has yet to be opened."""
        address = f"ws://127.0.0.1:{self.replica.port}{self.base}/{self.terminal_id}/ws"
        return connect(
            f"{address}?ticket={ticket}&offset={offset}",
            subprotocols=[Subprotocol("codelab.terminal.v1")],
            compression=None,
            max_size=2**21,
            **options,
        )


class Screen:
    """What a client has seen; it says so, unless it is a silent one."""

    def __init__(self, socket: ClientConnection, *, silent: bool = False) -> None:
        self.socket = socket
        self.silent = silent
        self.output = b""
        self.offset = 0
        self.frames: list[dict[str, Any]] = []

    async def see(self, wanted: bytes | str, within_s: float = 10) -> None:
        """Read until some bytes were printed, or a frame of a kind came."""
        async with asyncio.timeout(within_s):
            while not self._has(wanted):
                message = await self.socket.recv()
                if isinstance(message, str):
                    self.frames.append(msgspec.json.decode(message))
                    if self.frames[-1]["type"] == "ready":
                        self.offset = self.frames[-1]["data"]["offset"]
                    continue
                self.output += message
                self.offset += len(message)
                if not self.silent:
                    await self.send("ack", offset=self.offset)

    async def send(self, kind: str, **data: Any) -> None:
        """Send a frame."""
        await self.socket.send(msgspec.json.encode({"type": kind, "data": data}).decode())

    def _has(self, wanted: bytes | str) -> bool:
        if isinstance(wanted, bytes):
            return wanted in self.output
        return any(frame["type"] == wanted for frame in self.frames)


@pytest.fixture
async def seat(replica: Replica, ada: User, tmp_path: Path) -> AsyncIterator[Seat]:
    """A terminal of Ada's; where no box can be built, the test is skipped and says why."""
    standing = await replica.workspaces.sandbox()
    if standing.layer == "none":
        pytest.skip(f"no box can be built here: {standing.reason}")
    project = tmp_path / "terminal-project"
    project.mkdir()
    workspace = await replica.workspaces.create(ada.principal, str(project))
    base = f"/api/v1/workspaces/{workspace.id}/terminals"
    async with ada.http(replica) as http:
        answer = await http.post(base, json={"cols": 100, "rows": 30})
        terminal_id = answer.raise_for_status().json()["id"]
    yield Seat(replica, ada, base, terminal_id)


async def closed_with(socket: ClientConnection) -> int:
    """Wait for the end, and return its code."""
    async with asyncio.timeout(5):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as ended:
            return ended.rcvd.code if ended.rcvd else 0


async def test_what_is_typed_runs_and_a_client_that_comes_back_misses_nothing(seat: Seat) -> None:
    async with seat.socket(await seat.ticket()) as socket:
        assert socket.subprotocol == "codelab.terminal.v1"
        screen = Screen(socket)
        await socket.send(b"stty size; echo fir''st; tty\n")
        await screen.see(b"first\r\n")
        assert b"30 100\r\n" in screen.output
        await screen.send("resize", cols=90, rows=20)
        await socket.send(b"stty size; sleep 0.3; echo sec''ond\n")
        await screen.see(b"20 90\r\n")
    async with seat.socket(await seat.ticket(), screen.offset) as socket:
        again = Screen(socket)
        await again.see(b"second\r\n")
        assert again.frames[0]["data"]["offset"] == screen.offset
        assert b"first" not in again.output
    # A page that was loaded anew has nothing, and gets all of it.
    async with seat.socket(await seat.ticket()) as socket:
        whole = Screen(socket)
        await whole.see(b"second\r\n")
        assert whole.output.startswith(screen.output + again.output)
        await socket.send(b"exit 3\n")
        await whole.see("exit")
        assert whole.frames[-1]["data"]["exit_code"] == 3
        assert await closed_with(socket) == 4504


async def test_a_flood_waits_for_its_reader_and_ctrl_c_ends_it_at_once(seat: Seat) -> None:
    async with seat.socket(await seat.ticket()) as socket:
        screen = Screen(socket, silent=True)
        await socket.send(b"yes flood\n")
        # Nothing is said to have been shown, so that soon no more is sent, and little is read.
        with pytest.raises(TimeoutError):
            await screen.see(b"never", within_s=1)
        assert WINDOW <= len(screen.output) < WINDOW + 128 * 1024
        terminal = seat.replica.terminals.enter(
            seat.user.principal, seat.base.split("/")[4], seat.terminal_id
        )
        assert terminal.scrollback.end < WINDOW + 128 * 1024
        await screen.send("ack", offset=len(screen.output))
        await socket.send(b"\x03echo sto''pped\n")
        await Screen(socket).see(b"stopped\r\n", within_s=5)


async def test_strangers_are_turned_away(seat: Seat, new_user: NewUser) -> None:
    ticket = await seat.ticket()
    for origin in ("https://elsewhere.example.org", "null"):
        with pytest.raises(InvalidStatus) as refused:
            async with seat.socket(ticket, origin=Origin(origin)):
                pass
        assert refused.value.response.status_code == 403
    # A refused page has not used it up; once used, it opens nothing more.
    async with seat.socket(ticket, origin=Origin(ALLOWED_ORIGIN)) as socket:
        await Screen(socket).see("ready")
    async with seat.user.http(seat.replica) as http:
        general = (await http.post("/api/v1/auth/ws-ticket")).json()["ticket"]
    for wrong in (ticket, "", "made-up", general):
        with pytest.raises(InvalidStatus) as refused:
            async with seat.socket(wrong):
                pass
        assert refused.value.response.status_code == 401
    # Nor does a terminal's ticket open anything else.
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"ws://127.0.0.1:{seat.replica.port}/api/v1/ws?ticket={await seat.ticket()}"
        ):
            pass
    assert refused.value.response.status_code == 401
    bob = await new_user("bob")
    with pytest.raises(InvalidStatus) as refused:
        async with seat.socket("", additional_headers=bob.headers):
            pass
    assert refused.value.response.status_code == 404
    async with bob.http(seat.replica) as http:
        for method, path in (
            ("GET", seat.base),
            ("POST", f"{seat.base}/{seat.terminal_id}/ticket"),
            ("DELETE", f"{seat.base}/{seat.terminal_id}"),
        ):
            assert (await http.request(method, path)).status_code == 404


async def test_one_client_at_a_time_and_no_nonsense(seat: Seat) -> None:
    async with seat.socket(await seat.ticket()) as earlier:
        await Screen(earlier).see("ready")
        async with seat.socket(await seat.ticket()) as later:
            assert await closed_with(earlier) == 4503
            await Screen(later).see("ready")
            await later.send('{"type":"resize","data":{"cols":0,"rows":5000}}')
            assert await closed_with(later) == 4506
    # A program that reads nothing.
    async with seat.socket(await seat.ticket()) as socket:
        await socket.send(b"stty raw -echo; sleep 60\n")
        await asyncio.sleep(0.3)
        with pytest.raises(ConnectionClosed):
            for _ in range(4):
                await socket.send(b"x" * 2**19)
            await closed_with(socket)
            await socket.send(b"")
        assert socket.close_code == 4505


async def test_a_terminal_ends_with_its_users_rights(seat: Seat) -> None:
    ended = asyncio.Event()
    told: list[TerminalClosed] = []
    seat.replica.bus.subscribe(TerminalClosed, told.append)
    seat.replica.bus.subscribe(TerminalClosed, lambda _: ended.set())
    unused = await seat.ticket()
    async with seat.socket(await seat.ticket()) as socket:
        await Screen(socket).see("ready")
        await seat.replica.auth.change_password(
            seat.user.principal, PASSWORD, "another horse battery"
        )
        assert await closed_with(socket) in (4501, 4504)
    async with asyncio.timeout(5):
        await ended.wait()
    assert [one.reason for one in told] == ["signed_out"]
    with pytest.raises(InvalidStatus) as refused:
        async with seat.socket(unused):
            pass
    assert refused.value.response.status_code == 401


async def test_a_user_has_some_and_not_more(seat: Seat) -> None:
    async with seat.user.http(seat.replica) as http:
        second = await http.post(seat.base, json={})
        assert second.status_code == 201
        third = await http.post(seat.base, json={})
        assert (third.status_code, third.json()["code"]) == (409, "terminal_limit")
        listed = (await http.get(seat.base)).json()
        assert listed["allowed"] and listed["limit"] == 2
        assert [one["id"] for one in listed["terminals"]] == [
            seat.terminal_id,
            second.json()["id"],
        ]
        gone = await http.delete(f"{seat.base}/{seat.terminal_id}")
        assert gone.status_code == 204
        assert len((await http.get(seat.base)).json()["terminals"]) == 1


async def test_a_terminal_that_ended_makes_room(seat: Seat) -> None:
    async with seat.user.http(seat.replica) as http:
        assert (await http.post(seat.base, json={})).status_code == 201
        async with seat.socket(await seat.ticket()) as socket:
            await socket.send(b"echo last words; exit\n")
            await Screen(socket).see("exit")
        third = await http.post(seat.base, json={})
        assert third.status_code == 201
        kept = [one["id"] for one in (await http.get(seat.base)).json()["terminals"]]
        assert seat.terminal_id not in kept and third.json()["id"] in kept
        assert (await http.post(seat.base, json={})).json()["code"] == "terminal_limit"
