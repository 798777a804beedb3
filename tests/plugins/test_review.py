"""codelab-review, installed as a user would install it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.plugins.distributions import REVIEW, ROOT, Site, write_project

CLASHES = {
    "agent": """\
from codelab.sdk import Agent, hookimpl

@hookimpl
def register_agents():
    return [Agent(name="reviewer", title="Mine", description="Mine.", prompt="Mine.")]
""",
    "tool": """\
import msgspec
from codelab.sdk import Tool, ToolResult, hookimpl

class Nothing(msgspec.Struct, frozen=True):
    pass

class Mine(Tool[Nothing]):
    name = "review_changes"
    description = "Mine."
    parameters = Nothing

    async def execute(self, context, parameters):
        return ToolResult(output="")

@hookimpl
def register_tools():
    return [Mine()]
""",
}
MISSPELLED = """\
from codelab.sdk import hookimpl

@hookimpl
def register_tool():
    return []
"""
UNKNOWN_EVENT = """\
from codelab.sdk import Subscription, hookimpl

@hookimpl
def register_subscribers():
    return [Subscription(event="TurnWentAway", handler=print)]
"""


def test_the_entry_point_brings_the_agent_the_tool_and_the_subscriber(review_site: Site) -> None:
    shown = review_site.codelab("plugins")
    assert shown.returncode == 0, shown.stderr
    plugin = shown.stdout[shown.stdout.index("review (codelab-review ") :]
    assert plugin.splitlines()[1:] == [
        "  agents: reviewer",
        "  tools: review_changes",
        "  listens to: TurnClosed",
    ]


def test_without_the_distribution_there_is_no_reviewer(site: Site) -> None:
    assert "reviewer" not in site.codelab("plugins").stdout


def test_its_own_tests_pass_on_the_installed_package(review_site: Site) -> None:
    done = review_site.pytest(review_site.folder / "sources" / REVIEW.name / "tests")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_the_server_accepts_what_it_brings_and_tells_it_of_turns(review_site: Site) -> None:
    done = review_site.run(sys.executable, ROOT / "tests" / "plugins" / "review_twice.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["cancelled: shown", "end: left out"]


def test_routing_finds_the_reviewer_among_the_built_in_agents(review_site: Site) -> None:
    messages = ("Review my changes", "Проверь мои изменения", "@reviewer add tests", "Add a test")
    done = review_site.run(sys.executable, ROOT / "tests" / "plugins" / "routed.py", *messages)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["reviewer", "reviewer", "reviewer", "coder"]


@pytest.mark.parametrize("kind", CLASHES)
def test_a_name_that_is_taken_stops_with_a_clear_error(
    kind: str, site: Site, tmp_path: Path
) -> None:
    site.install(REVIEW)
    site.install(write_project(tmp_path, "codelab-clash", CLASHES[kind]))
    shown = site.codelab("plugins")
    assert shown.returncode == 1
    assert f"the {kind} 'review" in shown.stderr
    assert "codelab-review" in shown.stderr and "codelab-clash" in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("module", "word"),
    [
        (MISSPELLED, "register_tool"),
        (UNKNOWN_EVENT, "TurnWentAway"),
        ("import nothing_of_this_name\n", "nothing_of_this_name"),
    ],
)
def test_a_broken_plugin_stops_with_a_clear_error(
    module: str, word: str, site: Site, tmp_path: Path
) -> None:
    site.install(write_project(tmp_path, "codelab-broken", module))
    shown = site.codelab("plugins")
    assert shown.returncode == 1
    assert word in shown.stderr and "codelab-broken" in shown.stderr
    assert "Traceback" not in shown.stderr
