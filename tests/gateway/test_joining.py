"""However log and live stream interleave, a client gets every durable frame once, in order."""

from hypothesis import given
from hypothesis import strategies as st

from codelab.gateway.encoding import Item
from codelab.gateway.joining import Join


def durable(seq: int) -> Item:
    return Item("message", f'{{"seq":{seq}}}', seq, f"m{seq}")


def passing(key: str) -> Item:
    return Item("token", "{}", 0, key)


class Client:
    """A client, and the watch's duties towards it, with the reading done in steps."""

    def __init__(self, log: list[Item], cursor: int) -> None:
        self.log = log
        self.join = Join()
        self.join.reset(cursor)
        self.seen: list[Item] = []

    def live(self, item: Item) -> None:
        if self.join.live(item):
            self.seen.append(item)

    def read(self, limit: int) -> None:
        page = [item for item in self.log if item.seq > self.join.cursor][:limit]
        self.seen += [item for item in page if self.join.stored(item)]
        if len(page) < limit:
            self.seen += self.join.release()

    @property
    def numbers(self) -> list[int]:
        return [item.seq for item in self.seen if item.seq]


step = st.one_of(
    st.just("commit"),
    st.just("lose"),
    st.just("token"),
    st.just("late"),
    st.just("repeat"),
    st.integers(1, 4).map(lambda limit: f"read {limit}"),
)


@given(st.lists(step, max_size=120), st.integers(0, 5))
def test_the_transcript_equals_the_record(steps: list[str], cursor: int) -> None:
    log = [durable(seq) for seq in range(1, 6)]
    client = Client(log, cursor)
    delayed: list[Item] = []
    for what in steps:
        match what.split():
            case ["commit"]:
                log.append(durable(len(log) + 1))
                client.live(log[-1])
            case ["lose"]:
                # It is in the log; the copy comes late or never.
                log.append(durable(len(log) + 1))
                delayed.append(log[-1])
            case ["late"] if delayed:
                client.live(delayed.pop(0))
            case ["repeat"]:
                client.live(log[-1])
            case ["token"]:
                client.live(passing(f"m{len(log) + 1}"))
            case ["read", limit] if client.join.holding:
                client.read(int(limit))
        assert client.numbers == list(range(cursor + 1, cursor + 1 + len(client.numbers)))
    client.join.lacks(len(log))
    while client.join.holding:
        client.read(3)
    assert client.numbers == list(range(cursor + 1, len(log) + 1))
    finished: set[str] = set()
    for item in client.seen:
        if item.seq:
            finished.add(item.key)
        else:
            assert item.key not in finished


def test_a_piece_of_a_finished_message_is_dropped() -> None:
    join = Join()
    join.reset(0)
    assert not join.live(passing("m1"))
    assert join.stored(durable(1))
    assert join.release() == []
    assert not join.live(passing("m1"))
    assert join.live(passing("m2"))


def test_pieces_that_came_while_reading_follow() -> None:
    join = Join()
    join.reset(1)
    held = [passing("m9"), durable(2), passing("m10")]
    assert not any(join.live(item) for item in held)
    assert list(join.release()) == held


def test_a_text_that_is_sent_whole_is_not_sent_in_pieces() -> None:
    join = Join()
    join.reset(0)
    join.live(passing("m9"))
    join.live(passing("m10"))
    assert list(join.release({"m9"})) == [passing("m10")]


def test_what_is_held_is_bounded_and_what_is_dropped_is_read_again() -> None:
    log = [durable(seq) for seq in range(1, 30_001)]
    client = Client(log, 0)
    for item in log:
        client.live(item)
        client.live(passing("x"))
    assert len(client.join._held) <= 10_001
    reads = 0
    while client.join.holding:
        client.read(1000)
        reads += 1
    assert client.numbers == list(range(1, 30_001))
