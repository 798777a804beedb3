from hypothesis import given
from hypothesis import strategies as st

from codelab.workspace.sandbox.output import HEAD, TAIL, Transcript


def test_short_output_is_kept_whole() -> None:
    seen: list[str] = []
    transcript = Transcript(seen.append)
    transcript.feed(b"one ")
    transcript.feed("два".encode()[:3])
    transcript.feed("два".encode()[3:], final=True)
    assert transcript.text() == "one два"
    assert "".join(seen) == "one два"
    assert not transcript.truncated


def test_of_long_output_head_and_tail_are_kept() -> None:
    transcript = Transcript()
    for number in range(100_000):
        transcript.feed(f"line {number}\n".encode())
    text = transcript.text()
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 99999\n")
    assert "characters left out" in text
    assert len(text) <= 48_000
    assert transcript.truncated


def test_what_is_shown_live_is_bounded() -> None:
    seen: list[str] = []
    transcript = Transcript(seen.append)
    for _ in range(1000):
        transcript.feed(b"x" * 1000)
    assert sum(map(len, seen)) < 201_000
    assert "not shown" in seen[-1]


@given(st.lists(st.binary(max_size=50)), st.integers(1, 40), st.integers(0, 40))
def test_nothing_is_lost_but_the_middle(pieces: list[bytes], head: int, tail: int) -> None:
    transcript = Transcript(head=head, tail=tail)
    for piece in pieces:
        transcript.feed(piece)
    transcript.feed(b"", final=True)
    whole = b"".join(pieces).decode("utf-8", "replace")
    text = transcript.text()
    if len(whole) <= head + tail:
        assert text == whole
        assert not transcript.truncated
        return
    first, _, last = text.partition(f"\n… {len(whole) - head - tail} characters left out …\n")
    assert first == whole[:head]
    assert last == (whole[-tail:] if tail else "")


def test_the_bound_holds_with_the_note() -> None:
    assert HEAD + TAIL + 100 <= 48_000
