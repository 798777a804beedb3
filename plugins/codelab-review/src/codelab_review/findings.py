"""Mechanical suspicions about a change: each rule is a pure function from files to findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from codelab_review.diff import FileChange
from codelab_review.secrets import holds_secrets, secret_in

LONG_FILE = 1000
LARGE_ADDITION = 500
LONG_LINE = 500

Severity = Literal["high", "medium", "low"]

_CONFLICT = re.compile(r"(<{7}|>{7}|\|{7})( |$)")
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Spelled so that this file does not report itself.
_STOPS = {
    "py": re.compile(r"\bbreakpoint\(\)|\b(?:i?pdb|pudb)\.set_trace\("),
    "js": re.compile(r"^\s*debugger\b"),
    "rb": re.compile(r"\bbinding\.(?:pry|irb)\b"),
    "php": re.compile(r"\b(?:var_dump|dd)\("),
}
_PRINTS = {
    "py": re.compile(r"^\s*print\("),
    "js": re.compile(r"\bconsole\.(?:log|debug|trace)\("),
    "rs": re.compile(r"\bdbg!\("),
}
_LANGUAGES = {
    **dict.fromkeys(("js", "jsx", "ts", "tsx", "mjs", "cjs", "vue", "svelte"), "js"),
    **{name: name for name in ("py", "rb", "php", "rs")},
}
_MANIFESTS = {
    **dict.fromkeys(
        ("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"), "package.json"
    ),
    **dict.fromkeys(("poetry.lock", "uv.lock", "pdm.lock"), "pyproject.toml"),
    "Pipfile.lock": "Pipfile",
    "Cargo.lock": "Cargo.toml",
    "Gemfile.lock": "Gemfile",
    "composer.lock": "composer.json",
    "go.sum": "go.mod",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A suspicion for the reviewer to confirm or drop.

    Args:
        severity: How bad it would be.
        rule: The rule's name.
        path: The file.
        line: The new line's number; none for the whole file.
        message: What was seen; never the secret itself.
    """

    severity: Severity
    rule: str
    path: str
    line: int | None
    message: str


Rule = Callable[[FileChange], Iterator[Finding]]

_ORDER = {"high": 0, "medium": 1, "low": 2}


def find(changes: Sequence[FileChange]) -> list[Finding]:
    """Apply every rule, the worst findings first."""
    found = [finding for change in changes for rule in RULES for finding in rule(change)]
    found += locks_without_manifest(changes)
    return sorted(found, key=lambda each: (_ORDER[each.severity], each.path, each.line or 0))


def secrets(change: FileChange) -> Iterator[Finding]:
    """Find added lines that hold a secret, and files that usually do."""
    if change.status != "deleted" and holds_secrets(change.path):
        yield _about(change, "high", "secret", "a file of this kind usually holds secrets")
    for line in change.added_lines():
        if what := secret_in(line.text):
            yield _at(change, line.new, "high", "secret", f"looks like {what}")


def conflict_markers(change: FileChange) -> Iterator[Finding]:
    """Find what a merge left behind."""
    for line in change.added_lines():
        if _CONFLICT.match(line.text):
            yield _at(change, line.new, "high", "conflict", "a marker of an unfinished merge")


def unseen_characters(change: FileChange) -> Iterator[Finding]:
    """Find characters that make code look like something else than it is."""
    for line in change.added_lines():
        if match := _UNSEEN.search(line.text):
            what = f"the invisible character U+{ord(match[0]):04X}"
            yield _at(change, line.new, "high", "unseen-character", what)


def debug_leftovers(change: FileChange) -> Iterator[Finding]:
    """Find stops for a debugger, and prints outside tests and scripts."""
    language = _LANGUAGES.get(change.path.rpartition(".")[2], "")
    stops, prints = _STOPS.get(language), _PRINTS.get(language)
    for line in change.added_lines():
        if stops and stops.search(line.text):
            yield _at(change, line.new, "medium", "debugger", "a stop for a debugger")
        elif prints and prints.search(line.text) and not _may_print(change.path):
            yield _at(change, line.new, "low", "debug-output", "output that may be left over")


def size(change: FileChange) -> Iterator[Finding]:
    """Find what is too large to be reviewed or read well."""
    if _is_lock(change.path) or change.status == "deleted":
        return
    last = max((line.new or 0 for line in change.added_lines()), default=0)
    if last > LONG_FILE:
        yield _about(change, "low", "long-file", f"has more than {LONG_FILE} lines and grows")
    elif change.added > LARGE_ADDITION:
        yield _about(change, "low", "large-addition", f"{change.added} new lines at once")
    for line in change.added_lines():
        if len(line.text) > LONG_LINE:
            what = f"a line of {len(line.text)} characters: generated?"
            yield _at(change, line.new, "low", "long-line", what)
            return


def missing_newline(change: FileChange) -> Iterator[Finding]:
    """Find a last line that does not end."""
    if change.ends_without_newline and change.status != "deleted":
        yield _about(change, "low", "final-newline", "the last line has no end")


def locks_without_manifest(changes: Sequence[FileChange]) -> Iterator[Finding]:
    """Find lock files that changed although no manifest did."""
    names = {change.path.rpartition("/")[2] for change in changes}
    for change in changes:
        manifest = _MANIFESTS.get(change.path.rpartition("/")[2])
        if manifest and manifest not in names:
            yield _about(change, "medium", "lock-alone", f"changed, and no {manifest} did")


RULES: tuple[Rule, ...] = (
    secrets,
    conflict_markers,
    unseen_characters,
    debug_leftovers,
    size,
    missing_newline,
)


def _is_lock(path: str) -> bool:
    return path.rpartition("/")[2] in _MANIFESTS


def _may_print(path: str) -> bool:
    parts = path.lower().split("/")
    return any(part in ("tests", "test", "scripts", "bench", "examples") for part in parts[:-1])


def _about(change: FileChange, severity: Severity, rule: str, message: str) -> Finding:
    return _at(change, None, severity, rule, message)


def _at(
    change: FileChange, line: int | None, severity: Severity, rule: str, message: str
) -> Finding:
    return Finding(severity=severity, rule=rule, path=change.path, line=line, message=message)
