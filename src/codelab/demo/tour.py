"""The script: a pure function from a conversation to the model's next answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from codelab.demo import words
from codelab.demo.conversation import Exchange
from codelab.demo.sample import BASKET, RIGHT, TEST_COMMAND, TESTS, WRONG
from codelab.demo.words import Words

_QUOTED = 600
_COMMIT_MESSAGE = "Give the bulk discount from ten pieces on"
_NO_COMMANDS = re.compile(r"commands are off|sandbox|bubblewrap", re.IGNORECASE)
_TESTS_RAN = re.compile(r"^Ran \d+ tests? in", re.MULTILINE)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that the script wants."""

    tool: str
    arguments: dict[str, Any]


class Answer(msgspec.Struct, frozen=True):
    """What the scripted model says, and the tool calls it asks for."""

    text: str
    asks: tuple[Ask, ...] = ()


def next_answer(exchange: Exchange) -> Answer:
    """Continue the turn by the script that its question asks for."""
    for pattern, script in _SCRIPTS:
        if pattern.search(exchange.question):
            return script(exchange)
    return _say(exchange, words.WELCOME)


def _fix(exchange: Exchange) -> Answer:
    return (
        _read_both(exchange)
        or _propose(exchange)
        or _test(exchange)
        or _commit(exchange)
        or _finish(exchange)
    )


def _read_both(exchange: Exchange) -> Answer | None:
    if exchange.result("read_file", BASKET) is None:
        asks = tuple(Ask(tool="read_file", arguments={"path": path}) for path in (TESTS, BASKET))
        return _say(exchange, words.READ_BOTH, asks)
    return None


def _propose(exchange: Exchange) -> Answer | None:
    read = exchange.result("read_file", BASKET)
    code = read.content if read else ""
    edited = exchange.result("edit_file")
    if edited is not None:
        return None if edited.ok else _stop(exchange, words.STOPPED, edited.content)
    if RIGHT.strip() in code:
        return _say(exchange, words.ALREADY_FIXED)
    if WRONG.strip() not in code:
        return _stop(exchange, words.OTHER_PROJECT, code)
    if "edit_file" not in exchange.tools:
        return _hand_over(exchange)
    edit = {"path": BASKET, "replacements": [{"old_text": WRONG, "new_text": RIGHT}]}
    return _say(exchange, words.PROPOSE, (Ask(tool="edit_file", arguments=edit),))


def _hand_over(exchange: Exchange) -> Answer:
    report = exchange.result("delegate")
    if report is not None:
        return _say(exchange, words.HANDED_OVER, report=report.content)
    if "delegate" not in exchange.tools:
        return _say(exchange, words.CANNOT_EDIT)
    task = "Исправь ошибку" if exchange.russian else "Fix the bug"
    if "update_plan" not in exchange.tools:
        handed = Ask(tool="delegate", arguments={"agent": "coder", "task": task})
        return _say(exchange, words.HAND_OVER, (handed,))
    find = words.STEP_FIND.pick(exchange.russian)
    steps = [
        {"id": "find", "title": find, "agent": "orchestrator", "status": "done"},
        {"id": "fix", "title": task, "agent": "coder", "status": "pending"},
    ]
    planned = Ask(tool="update_plan", arguments={"steps": steps})
    handed = Ask(tool="delegate", arguments={"agent": "coder", "task": task, "step": "fix"})
    return _say(exchange, words.HAND_OVER, (planned, handed))


def _test(exchange: Exchange) -> Answer | None:
    if exchange.result("execute_command"):
        return None
    return _say(exchange, words.RUN_TESTS, (_TEST,))


def _commit(exchange: Exchange) -> Answer | None:
    tested = exchange.result("execute_command")
    if tested is None or exchange.result("git_commit"):
        return None
    commit = Ask(tool="git_commit", arguments={"message": _COMMIT_MESSAGE, "paths": [BASKET]})
    if not tested.ok and _NO_COMMANDS.search(tested.content):
        return _stop(exchange, words.COMMIT_UNTESTED, tested.content, (commit,))
    if not tested.ok:
        return _stop(exchange, words.STOPPED, tested.content)
    return _say(exchange, words.COMMIT, (commit,))


def _finish(exchange: Exchange) -> Answer:
    committed = exchange.result("git_commit")
    if committed is None or not committed.ok:
        return _stop(exchange, words.STOPPED, committed.content if committed else "")
    return _say(exchange, words.DONE)


def _run_tests(exchange: Exchange) -> Answer:
    tested = exchange.result("execute_command")
    if tested is None:
        if "execute_command" not in exchange.tools:
            return _say(exchange, words.WELCOME)
        return _say(exchange, words.RUN_TESTS, (_TEST,))
    if not _TESTS_RAN.search(tested.content):
        return _stop(exchange, words.COMMANDS_OFF, tested.content)
    return _say(exchange, words.TESTS_PASS if tested.ok else words.TESTS_FAIL)


def _explain(exchange: Exchange) -> Answer:
    read = exchange.result("read_file", BASKET)
    if read is None:
        asks = (
            Ask(tool="list_files", arguments={"path": ".", "recursive": True}),
            *(Ask(tool="read_file", arguments={"path": path}) for path in ("README.md", BASKET)),
        )
        return _say(exchange, words.LOOK_AROUND, asks)
    if RIGHT.strip() not in read.content and WRONG.strip() not in read.content:
        return _stop(exchange, words.OTHER_PROJECT, read.content)
    found = words.BUG_FOUND if WRONG.strip() in read.content else words.NO_BUG
    return _say(exchange, words.EXPLANATION, finding=found.pick(exchange.russian))


def _stop(exchange: Exchange, text: Words, reason: str, asks: tuple[Ask, ...] = ()) -> Answer:
    quoted = reason if len(reason) <= _QUOTED else f"{reason[:_QUOTED]}…"
    return _say(exchange, text, asks, reason=f"\n\n```text\n{quoted}\n```")


def _say(exchange: Exchange, text: Words, asks: tuple[Ask, ...] = (), **values: str) -> Answer:
    mark = words.MARK.pick(exchange.russian)
    return Answer(f"*{mark}* {text.pick(exchange.russian, **values)}", asks)


_TEST = Ask(tool="execute_command", arguments={"command": TEST_COMMAND})
_SCRIPTS: tuple[tuple[re.Pattern[str], Callable[[Exchange], Answer]], ...] = (
    (re.compile(r"\b(fix|mend|repair|bug|wrong)|исправ|почин|ошибк|дефект", re.IGNORECASE), _fix),
    (re.compile(r"\btests?\b|тест", re.IGNORECASE), _run_tests),
    (
        re.compile(r"\b(what|how|why|explain|show)\b|что|как|почему|объясни|покажи", re.IGNORECASE),
        _explain,
    ),
)
