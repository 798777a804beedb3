import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.ids import first_id, is_id, new_id


def test_identifiers_are_unique_sorted_and_have_the_form_of_version_7() -> None:
    made = [new_id() for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert all(is_id(one) and one[12] == "7" and one[16] in "89ab" for one in made)


def test_identifiers_begin_with_the_millisecond_they_were_made_in() -> None:
    time.sleep(0.1)
    for _ in range(5):
        assert abs(int(new_id()[:12], 16) - time.time() * 1000) < 1000
        time.sleep(0.002)


def test_a_moment_divides_identifiers_into_earlier_and_later_ones() -> None:
    before = new_id()
    time.sleep(0.002)
    moment = first_id(datetime.now(UTC))
    assert is_id(moment)
    assert before < moment < new_id()


def test_identifiers_from_several_threads_are_unique() -> None:
    def make(_: int) -> list[str]:
        return [new_id() for _ in range(5000)]

    with ThreadPoolExecutor(4) as threads:
        made = [one for batch in threads.map(make, range(4)) for one in batch]
    assert len(set(made)) == 20_000


@given(st.text(max_size=40))
def test_other_texts_are_not_identifiers(text: str) -> None:
    assert is_id(text) == (len(text) == 32 and set(text) <= set("0123456789abcdef"))
    assert is_id(new_id() + text) == (text == "")
