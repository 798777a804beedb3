import time

from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.ids import is_id, new_id


def test_identifiers_are_unique_and_have_the_form_of_version_7() -> None:
    made = [new_id() for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert all(is_id(one) and one[12] == "7" and one[16] in "89ab" for one in made)


def test_identifiers_sort_by_the_millisecond_they_were_made_in() -> None:
    made = []
    for _ in range(20):
        made.append(new_id())
        time.sleep(0.002)
    assert made == sorted(made)
    assert abs(int(made[-1][:12], 16) - time.time() * 1000) < 1000


@given(st.text(max_size=40))
def test_other_texts_are_not_identifiers(text: str) -> None:
    assert is_id(text) == (len(text) == 32 and set(text) <= set("0123456789abcdef"))
    assert is_id(new_id() + text) == (text == "")
