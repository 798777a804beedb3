from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.auth import policy
from codelab.auth.errors import LastAdministrator
from codelab.auth.policy import Failure
from codelab.kit.errors import InvalidInput

NOW = datetime(2026, 1, 1, tzinfo=UTC)
subjects = st.sampled_from(["anna", "boris"])
places = st.sampled_from(["192.0.2.1", "192.0.2.2"])
failures = st.lists(
    st.builds(
        Failure,
        subjects,
        places,
        st.integers(-120, 0).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    ),
    max_size=80,
)


@pytest.mark.parametrize(
    "name", ["a", "Anna", "anna.b-c_d+e@example.org", "Анна", "7of9", "x" * 64]
)
def test_sane_names_are_taken_as_they_are(name: str) -> None:
    assert policy.clean_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " anna", "an na", "anna\n", "a\x00b", "<b>", "../x", ".anna", "a\u202eb", "x" * 65, "a/b"],
)
def test_other_names_are_refused_with_the_field_named(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        policy.clean_name(name)
    assert refused.value.field == "username"


@given(st.text(max_size=80))
def test_a_name_that_was_cleaned_is_clean_and_its_key_ignores_case(name: str) -> None:
    try:
        clean = policy.clean_name(name)
    except InvalidInput:
        return
    assert policy.clean_name(clean) == clean
    key = policy.name_key(clean)
    assert policy.name_key(key) == key
    assert policy.name_key(clean.casefold()) == key


@pytest.mark.parametrize("spelling", ["ANNA", "anna", "\uff21\uff4e\uff4e\uff41"])
def test_spellings_of_one_name_have_one_key(spelling: str) -> None:
    assert policy.name_key(spelling) == policy.name_key("Anna")


@given(st.text(max_size=1100), st.sampled_from(["anna", "a-rather-long-name"]))
def test_a_password_is_long_enough_not_too_long_and_not_the_name(password: str, name: str) -> None:
    good = 10 <= len(password) <= 1024 and password.casefold() != name
    try:
        policy.check_password(password, name)
        assert good
    except InvalidInput as error:
        assert not good
        assert error.field == "password"


@pytest.mark.parametrize(
    "password", ["a-rather-long-name", "A-Rather-Long-Name", "x" * 1025, "x" * 9]
)
def test_weak_passwords_are_refused_without_repeating_them(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        policy.check_password(password, "a-rather-long-name")
    assert password not in refused.value.message


def at_once(count: int, subject: str, place: str) -> list[Failure]:
    return [Failure(subject, place, NOW - timedelta(seconds=10)) for _ in range(count)]


def test_guessing_one_name_is_slowed_down_and_other_names_go_on() -> None:
    guesses = at_once(policy.FAILURES_PER_NAME_AND_PLACE, "anna", "192.0.2.1")

    def wait(subject: str, place: str, familiar: bool = False) -> float:
        return policy.throttled_s(guesses, subject, place, NOW, familiar=familiar)

    assert wait("anna", "192.0.2.1") == 50
    assert wait("anna", "192.0.2.1", familiar=True) == 50
    assert wait("boris", "192.0.2.1") == 0
    assert wait("anna", "192.0.2.2") == 0


def test_guessing_many_names_from_one_place_is_slowed_down_but_not_for_who_belongs_there() -> None:
    guesses = [
        failure
        for number in range(policy.FAILURES_PER_PLACE)
        for failure in at_once(1, f"name{number}", "192.0.2.1")
    ]

    assert policy.throttled_s(guesses, "anna", "192.0.2.1", NOW, familiar=False) == 50
    assert policy.throttled_s(guesses, "anna", "192.0.2.1", NOW, familiar=True) == 0
    assert policy.throttled_s(guesses, "anna", "192.0.2.2", NOW, familiar=False) == 0


def test_guessing_one_name_from_many_places_is_slowed_down_but_not_for_its_owner() -> None:
    guesses = [
        failure
        for number in range(policy.FAILURES_PER_NAME)
        for failure in at_once(1, "anna", f"198.51.100.{number}")
    ]

    assert policy.throttled_s(guesses, "anna", "192.0.2.1", NOW, familiar=False) == 50
    assert policy.throttled_s(guesses, "anna", "192.0.2.1", NOW, familiar=True) == 0


@given(failures, subjects, places, st.booleans())
def test_waiting_as_long_as_told_is_enough(
    past: list[Failure], subject: str, place: str, familiar: bool
) -> None:
    wait_s = policy.throttled_s(past, subject, place, NOW, familiar=familiar)
    assert 0 <= wait_s <= 60
    later = NOW + timedelta(seconds=wait_s)
    assert policy.throttled_s(past, subject, place, later, familiar=familiar) == 0


@given(failures, subjects, places)
def test_one_more_failure_never_shortens_the_wait(
    past: list[Failure], subject: str, place: str
) -> None:
    before = policy.throttled_s(past, subject, place, NOW, familiar=False)
    more = [*past, Failure(subject, place, NOW)]
    assert policy.throttled_s(more, subject, place, NOW, familiar=False) >= before


@given(st.sets(st.sampled_from("abc")), st.sampled_from("abcd"))
def test_one_administrator_is_always_left(admins: set[str], leaving: str) -> None:
    if admins == {leaving}:
        with pytest.raises(LastAdministrator):
            policy.keep_an_administrator(admins, leaving)
    else:
        policy.keep_an_administrator(admins, leaving)
        assert not admins or admins - {leaving}
