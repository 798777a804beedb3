"""Grants: what an agent may use and touch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk import Agent, Category, ToolGrant

NAMES = st.sampled_from(["read_file", "write_file", "execute_command"])
CATEGORIES = st.sampled_from(Category)
PATHS = st.sampled_from(["README.md", "docs/plan.md", "src/app.py", "docs/notes.md.exe", "md"])
PATTERNS = st.sampled_from(["*.md", "docs/*", "src/app.py", "*"])
GRANTS = st.builds(
    ToolGrant,
    name=st.one_of(st.just("*"), NAMES),
    category=st.none() | CATEGORIES,
    paths=st.lists(PATTERNS, max_size=2).map(tuple),
)


def agent(*grants: ToolGrant, delegates_to: tuple[str, ...] = ()) -> Agent:
    return Agent(
        name="tester",
        title="Tester",
        description="Tests.",
        prompt="Test.",
        grants=grants,
        delegates_to=delegates_to,
    )


@given(NAMES, CATEGORIES, st.lists(PATHS).map(tuple))
def test_without_grants_nothing_is_allowed(
    tool: str, category: Category, paths: tuple[str, ...]
) -> None:
    assert not agent().may_use(tool, category, paths)


@given(NAMES, CATEGORIES, st.lists(PATHS).map(tuple))
def test_the_plain_grant_allows_everything(
    tool: str, category: Category, paths: tuple[str, ...]
) -> None:
    assert agent(ToolGrant()).may_use(tool, category, paths)


@given(st.lists(GRANTS), GRANTS, NAMES, CATEGORIES, st.lists(PATHS).map(tuple))
def test_a_further_grant_takes_nothing_away(
    grants: list[ToolGrant],
    further: ToolGrant,
    tool: str,
    category: Category,
    paths: tuple[str, ...],
) -> None:
    if agent(*grants).may_use(tool, category, paths):
        assert agent(*grants, further).may_use(tool, category, paths)


@given(st.lists(GRANTS), NAMES, CATEGORIES, st.lists(PATHS, min_size=1).map(tuple))
def test_several_paths_are_allowed_when_each_is(
    grants: list[ToolGrant], tool: str, category: Category, paths: tuple[str, ...]
) -> None:
    one = agent(*grants)
    each = all(one.may_use(tool, category, (path,)) for path in paths)
    assert one.may_use(tool, category, paths) == each


@given(GRANTS, NAMES, CATEGORIES)
def test_a_grant_speaks_only_of_its_tool_and_category(
    grant: ToolGrant, tool: str, category: Category
) -> None:
    if agent(grant).may_use(tool, category):
        assert grant.name in ("*", tool)
        assert grant.category in (None, category)


@given(st.text(max_size=30))
def test_a_pattern_without_a_slash_is_about_the_files_name(folder: str) -> None:
    documents = agent(ToolGrant(name="write_file", paths=("*.md",)))
    assert documents.may_use("write_file", Category.WRITE, (f"{folder}/plan.md",))
    assert not documents.may_use("write_file", Category.WRITE, (f"{folder}.md/plan.py",))


def test_a_pattern_with_a_slash_is_about_the_whole_path() -> None:
    grant = ToolGrant(paths=("docs/*.md",))
    assert grant.covers_path("docs/plan.md")
    assert not grant.covers_path("src/docs/plan.md")
    assert not grant.covers_path("plan.md")


def test_an_agent_never_delegates_to_itself() -> None:
    assert not agent(delegates_to=("*", "tester")).may_delegate_to("tester")
    assert agent(delegates_to=("*",)).may_delegate_to("coder")
    assert agent(delegates_to=("coder",)).may_delegate_to("coder")
    assert not agent(delegates_to=("coder",)).may_delegate_to("debug")
    assert not agent().may_delegate_to("coder")
