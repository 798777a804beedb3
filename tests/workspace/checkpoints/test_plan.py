"""The way back touches what the agent left as it is, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from codelab.workspace.checkpoints.plan import FileChange, FileState, paths_of, plan

PATHS = ("a", "b", "c")
CONTENTS = st.sampled_from([None, "1", "2", "3"])


def state(content: str | None) -> FileState | None:
    return None if content is None else FileState(content, "100644")


def change(path: str, before: str | None, after: str | None) -> FileChange:
    return FileChange(path=path, before=state(before), after=state(after))


def test_what_the_agent_wrote_goes_back() -> None:
    found = plan([[change("a", "1", "2")], [change("a", "2", "3")]], {"a": state("3")})
    assert [(step.path, step.target) for step in found.steps] == [("a", state("1"))]
    assert not found.conflicts


def test_what_somebody_changed_since_is_left_alone() -> None:
    found = plan([[change("a", "1", "2")]], {"a": state("3")})
    assert [(one.path, one.reason) for one in found.conflicts] == [("a", "changed_since")]
    assert not found.steps


def test_what_somebody_changed_between_two_calls_is_left_alone() -> None:
    found = plan([[change("a", "1", "2")], [change("a", "x", "3")]], {"a": state("3")})
    assert [(one.path, one.reason) for one in found.conflicts] == [("a", "changed_between")]


def test_what_somebody_may_have_changed_at_the_same_time_is_left_alone() -> None:
    unsure = FileChange(path="a", before=state("1"), after=state("2"), shared=True)
    for calls in (
        [[unsure]],
        [[unsure], [change("a", "2", "3")]],
        [[change("a", "0", "1")], [unsure]],
    ):
        now = calls[-1][0].after
        found = plan(calls, {"a": now})
        assert [(one.path, one.reason) for one in found.conflicts] == [("a", "changed_meanwhile")]


def test_what_is_back_already_needs_nothing() -> None:
    found = plan([[change("a", None, "2")]], {"a": None})
    assert not found.steps
    assert not found.conflicts


def test_links_are_left_alone() -> None:
    link = FileState("l", "120000")
    changes = [[FileChange(path="a", before=None, after=link)]]
    assert [one.reason for one in plan(changes, {"a": link}).conflicts] == ["not_a_file"]


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(PATHS), CONTENTS), min_size=1, max_size=12)
)
def test_nobody_elses_edit_is_ever_lost(edits: list[tuple[bool, str, str | None]]) -> None:
    """Play the edits of an agent and of a human; a file that a human has touched stays as it is."""
    files: dict[str, str | None] = {path: "0" for path in PATHS}
    start = dict(files)
    calls = []
    agents: set[str] = set()
    humans: set[str] = set()
    for by_agent, path, content in edits:
        if files[path] == content:
            continue
        if by_agent:
            calls.append([change(path, files[path], content)])
            agents.add(path)
        elif path in agents:
            humans.add(path)
        else:
            start[path] = content
        files[path] = content
    found = plan(calls, {path: state(files[path]) for path in paths_of(calls)})
    for step in found.steps:
        assert step.now == state(files[step.path])
        assert step.target == state(start[step.path])
        files[step.path] = start[step.path]
    for path in agents - humans:
        assert files[path] == start[path]
    touched = {step.path for step in found.steps}
    # A human's edit that happens to be what the agent wrote cannot be told from it.
    for path in humans & touched:
        assert files[path] == start[path]
    assert {one.path for one in found.conflicts} <= humans
