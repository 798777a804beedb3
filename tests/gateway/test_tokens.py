"""Pieces of text keep their order and lose nothing, however they are joined."""

from collections.abc import Callable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from codelab.gateway.encoding import Item
from codelab.gateway.tokens import Pace, TokenBuffer
from codelab.sessions.events import TokenStreamed, ToolOutputStreamed


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def read(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], None]) -> None:
        self.due.append((self.now + delay, call))

    def advance(self, seconds: float) -> None:
        self.now += seconds
        while self.due and self.due[0][0] <= self.now:
            self.due.pop(0)[1]()


class Collector:
    """What was handed out, and when."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.frames: list[tuple[str, Item]] = []
        self.times: list[float] = []

    def take(self, session_id: str, item: Item) -> None:
        self.frames.append((session_id, item))
        self.times.append(self.clock.now)

    def text(self, session_id: str, key: str) -> str:
        """Put a message together as a client does, checking each offset."""
        whole = ""
        for owner, item in self.frames:
            if owner == session_id and item.key == key:
                data = msgspec.json.decode(item.frame)["data"]
                if item.kind == "token":
                    assert data["offset"] == len(whole)
                whole += data["text"]
        return whole


def buffer(pace: Pace | None = None) -> tuple[TokenBuffer, Clock, Collector]:
    clock = Clock()
    collector = Collector(clock)
    made = TokenBuffer(collector.take, clock=clock.read, call_later=clock.call_later, pace=pace)
    return made, clock, collector


def piece(session_id: str, message_id: str, text: str, offset: int) -> TokenStreamed:
    return TokenStreamed(
        session_id=session_id, message_id=message_id, agent="coder", text=text, offset=offset
    )


step = st.tuples(
    st.sampled_from(["s1", "s2"]),
    st.sampled_from(["m1", "m2", "call"]),
    st.text("abcdeж🙂", min_size=1, max_size=5),
    st.floats(0, 0.03),
    st.booleans(),
)


@given(st.lists(step, max_size=200), st.sampled_from([1, 50, 1000, 100_000]))
def test_nothing_is_lost_or_reordered(
    steps: list[tuple[str, str, str, float, bool]], idle_rate: int
) -> None:
    buffered, clock, collector = buffer(Pace(idle_rate=idle_rate, full_rate=idle_rate * 3))
    whole: dict[tuple[str, str], str] = {}
    for session_id, key, text, pause, flush in steps:
        so_far = whole.get((session_id, key), "")
        if key == "call":
            buffered.add(ToolOutputStreamed(session_id=session_id, call_id=key, text=text))
        else:
            buffered.add(piece(session_id, key, text, len(so_far)))
        whole[session_id, key] = so_far + text
        if flush:
            buffered.flush(session_id)
            assert collector.text(session_id, key) == whole[session_id, key]
        clock.advance(pause)
    clock.advance(1)
    for (session_id, key), text in whole.items():
        assert collector.text(session_id, key) == text


def test_while_idle_every_piece_goes_out_at_once() -> None:
    buffered, clock, collector = buffer()
    for number in range(200):
        buffered.add(piece("s", "m", "x", number))
        assert len(collector.frames) == number + 1
        clock.advance(0.02)
    assert clock.due == []


def test_under_load_pieces_wait_for_company_but_never_long() -> None:
    buffered, clock, collector = buffer()
    sent: dict[int, float] = {}
    for number in range(10_000):
        sent[number] = clock.now
        buffered.add(piece("s", "m", "x", number))
        clock.advance(0.0001)
    for _ in range(1000):
        clock.advance(0.0001)
    assert collector.text("s", "m") == "x" * 10_000
    # 10,000 pieces in a second make some thirty frames once the load is noticed.
    assert len(collector.frames) < 200
    for at, (_, item) in zip(collector.times, collector.frames, strict=True):
        data = msgspec.json.decode(item.frame)["data"]
        assert at - sent[data["offset"]] <= 0.051


def test_the_more_load_the_longer_the_wait() -> None:
    waits = []
    for rate in (500, 1500, 2000, 2500, 3000, 9000):
        pace, now, wait = Pace(), 0.0, 0.0
        for _ in range(rate):
            now += 1 / rate
            wait = pace.count(now)
        waits.append(wait)
    assert waits[0] == 0
    assert waits == sorted(waits)
    assert 0.033 <= waits[-1] <= 0.05


def test_the_first_piece_of_a_message_never_waits() -> None:
    buffered, clock, collector = buffer(Pace(idle_rate=0.001, full_rate=0.002))
    buffered.add(piece("s", "m1", "a", 0))
    buffered.add(piece("s", "m1", "b", 1))
    buffered.add(piece("s", "m2", "c", 0))
    assert [item.key for _, item in collector.frames] == ["m1", "m2"]
    clock.advance(0.05)
    assert collector.text("s", "m1") == "ab"


def test_one_ticker_serves_all_sessions() -> None:
    buffered, clock, collector = buffer(Pace(idle_rate=0.001, full_rate=0.002))
    for number in range(1, 50):
        buffered.add(piece(f"s{number}", "m", "x", number))
    assert len(clock.due) == 1
    clock.advance(0.05)
    assert len(collector.frames) == 49
    assert clock.due == []
