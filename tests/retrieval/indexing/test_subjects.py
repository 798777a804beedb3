from hypothesis import given
from hypothesis import strategies as st

from codelab.retrieval.indexing.subjects import (
    Commit,
    changes,
    commits_in,
    kept,
    merged,
    missing,
    names_in,
    opened,
)


def name(number: int) -> str:
    return f"{number:040x}"


def printed(*commits: Commit) -> bytes:
    """Write commits as git does."""
    texts = []
    for one in commits:
        files = "".join(f"{path}\0" for path in one.paths)
        texts.append(f"\0{one.name}\0{one.subject}\0" + (f"\n{files}" if files else ""))
    return "".join(texts).encode()


path = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), min_size=1)
commit = st.builds(
    Commit,
    name=st.integers(0, 2**160 - 1).map(name),
    subject=st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"])),
    paths=st.lists(path, max_size=20).map(tuple),
)


@given(st.lists(commit))
def test_what_git_prints_is_read(commits: list[Commit]) -> None:
    assert commits_in(printed(*commits), truncated=False) == commits
    assert commits_in(printed(*commits), truncated=True) == commits[:-1]


@given(st.binary())
def test_whatever_is_printed_is_borne(data: bytes) -> None:
    commits_in(data, truncated=False)
    names_in(data)
    opened(data.decode("latin-1"))


def test_large_commits_say_nothing_of_a_file() -> None:
    many = Commit(name(1), "All of it", tuple(f"{n}.py" for n in range(21)))
    assert commits_in(printed(many), truncated=False) == [Commit(name(1), "All of it", ())]


@given(st.lists(commit, unique_by=lambda one: one.name), st.data())
def test_only_what_is_unknown_is_asked_for(commits: list[Commit], data: st.DataObject) -> None:
    names = [one.name for one in commits]
    chosen = data.draw(st.sets(st.sampled_from(names))) if names else set()
    known = {one.name: one for one in commits if one.name in chosen}
    wanted = missing(names, known)
    assert {one.name for one in commits[:wanted]} | chosen == set(names)
    assert wanted == 0 or names[wanted - 1] not in known
    assert [*merged(names, known, commits[:wanted]).values()] == commits
    assert opened(kept({one.name: one for one in commits})) == {one.name: one for one in commits}


def test_the_terms_of_touched_paths_are_told_anew() -> None:
    first = Commit(name(1), "Parse headers (#12)", ("a.py",))
    second = Commit(name(2), "Close sockets #7", ("a.py", "b.py"))
    third = Commit(name(3), "Rename things", ("c.py",))
    before = {one.name: one for one in (second, first)}
    assert dict(changes({}, before)) == {
        "a.py": ["close", "socket", "pars", "header"],
        "b.py": ["close", "socket"],
    }
    # On another branch: one commit is new, one is no longer among the past.
    after = {one.name: one for one in (third, first)}
    assert dict(changes(before, after)) == {
        "a.py": ["pars", "header"],
        "b.py": [],
        "c.py": ["renam", "thing"],
    }
    assert dict(changes(after, after)) == {}


def test_what_git_could_not_print_in_full_is_not_asked_for_again() -> None:
    names = [name(1), name(2)]
    first = Commit(name(1), "Parse headers", ("a.py",))
    now = merged(names, {}, [first])
    assert missing(names, now) == 0
    assert dict(changes({}, now)) == {"a.py": ["pars", "header"]}
