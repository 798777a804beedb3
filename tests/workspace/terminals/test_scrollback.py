from hypothesis import given
from hypothesis import strategies as st

from codelab.workspace.terminals.scrollback import Scrollback


@given(st.lists(st.binary(max_size=700_000), max_size=6), st.integers(0, 5_000_000))
def test_what_is_kept_is_the_end_of_all_there_was(pieces: list[bytes], offset: int) -> None:
    kept, everything = Scrollback(100_000), b""
    for piece in pieces:
        kept.append(piece)
        everything += piece
    assert kept.end == len(everything)
    assert len(everything) - kept.start >= min(100_000 - 4096, len(everything))
    assert kept.end - kept.start <= 100_000 + 256 * 1024
    place = kept.place_for(offset)
    assert place == offset or place == kept.start
    assert kept.read(place, 10_000_000) == everything[place:]


def test_a_reader_begins_with_a_whole_line() -> None:
    kept = Scrollback(1000)
    kept.append(b"".join(b"line %d\n" % number for number in range(60_000)))
    assert kept.start > 0
    assert kept.read(kept.start, 5) == b"line "
