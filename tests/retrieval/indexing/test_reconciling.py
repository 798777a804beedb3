from hypothesis import given
from hypothesis import strategies as st

from codelab.retrieval.index.entries import Stat
from codelab.retrieval.indexing.reconciling import SETTLED_NS, Reconciliation, noted

NOW = 10**18
paths = st.sampled_from([f"{name}.py" for name in "abcdef"])
times = st.integers(min_value=1, max_value=NOW)
states = st.builds(
    Stat,
    size=st.integers(0, 3),
    mtime_ns=times,
    ctime_ns=times,
    inode=st.integers(1, 3),
    device=st.just(1),
)
folders = st.dictionaries(paths, states)


def looked_at(known: dict[str, Stat], seen: dict[str, Stat]) -> tuple[set[str], set[str]]:
    comparison = Reconciliation(known)
    changed = {path for path, stat in seen.items() if comparison.is_changed(path, stat)}
    return changed, set(comparison.gone())


@given(folders, folders)
def test_each_file_is_new_changed_gone_or_as_it_was(
    known: dict[str, Stat], seen: dict[str, Stat]
) -> None:
    changed, gone = looked_at(known, seen)
    assert gone == known.keys() - seen.keys()
    assert changed == {path for path, stat in seen.items() if known.get(path) != stat}


@given(folders)
def test_what_was_read_when_it_had_settled_is_not_read_again(seen: dict[str, Stat]) -> None:
    known = {path: noted(stat, NOW + SETTLED_NS + 1) for path, stat in seen.items()}
    assert looked_at(known, seen) == (set(), set())


@given(states, st.integers(min_value=-SETTLED_NS, max_value=SETTLED_NS))
def test_what_had_changed_just_before_it_was_read_is_read_again(stat: Stat, later: int) -> None:
    read_at = max(stat.mtime_ns, stat.ctime_ns) + later
    kept = noted(stat, read_at)
    assert looked_at({"a": kept}, {"a": stat}) == ({"a"}, set())
    # Whatever the file system says, a state without times is never taken for an unchanged one.
    assert looked_at({"a": kept}, {"a": kept}) == ({"a"}, set())


@given(folders, paths, states)
def test_any_difference_counts(known: dict[str, Stat], path: str, stat: Stat) -> None:
    for field, value in (("size", 9), ("mtime_ns", NOW + 1), ("ctime_ns", NOW + 1), ("inode", 9)):
        other = Stat(**{**{f: getattr(stat, f) for f in Stat.__struct_fields__}, field: value})
        assert looked_at({**known, path: stat}, {**known, path: other}) == ({path}, set())
