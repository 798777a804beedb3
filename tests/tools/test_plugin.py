"""The built-in tools come in through the same hook as everybody's, and are what product.md says."""

import pluggy

from codelab.sdk import hookspecs
from codelab.sdk.tool import Category, Risk
from codelab.tools.builtin import plugin

TABLE = {
    "read_file": (Category.READ, Risk.LOW, False),
    "list_files": (Category.READ, Risk.LOW, False),
    "search_files": (Category.READ, Risk.LOW, False),
    "related_files": (Category.READ, Risk.LOW, False),
    "search_code": (Category.READ, Risk.LOW, False),
    "find_symbol": (Category.READ, Risk.LOW, False),
    "find_references": (Category.READ, Risk.LOW, False),
    "repo_map": (Category.READ, Risk.LOW, False),
    "write_file": (Category.WRITE, Risk.HIGH, True),
    "edit_file": (Category.WRITE, Risk.HIGH, True),
    "delete_file": (Category.WRITE, Risk.CRITICAL, True),
    "execute_command": (Category.RUN, Risk.CRITICAL, True),
    "git_status": (Category.READ, Risk.LOW, False),
    "git_diff": (Category.READ, Risk.LOW, False),
    "git_log": (Category.READ, Risk.LOW, False),
    "git_branches": (Category.READ, Risk.LOW, False),
    "git_commit": (Category.WRITE, Risk.MEDIUM, True),
    "git_branch": (Category.WRITE, Risk.MEDIUM, True),
    "git_checkout": (Category.WRITE, Risk.MEDIUM, True),
    "git_merge": (Category.WRITE, Risk.MEDIUM, True),
    "git_pull": (Category.WRITE, Risk.HIGH, True),
    "git_push": (Category.WRITE, Risk.HIGH, True),
}


def test_the_hook_gives_every_tool() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    (tools,) = manager.hook.register_tools()
    assert {tool.name: (tool.category, tool.risk, tool.protected) for tool in tools} == TABLE


def test_approvals_of_commands_and_of_git_name_the_box() -> None:
    for tool in plugin.register_tools():
        starts_programs = tool.name == "execute_command" or tool.name.startswith("git_")
        assert tool.boxed is (tool.protected and starts_programs)


def test_what_asks_a_human_is_never_repeated_by_itself() -> None:
    for tool in plugin.register_tools():
        assert tool.repeatable is not tool.protected
