"""What always asks, whatever is allowed: files that steer the agents, the policy or git itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from codelab.hitl.commands.folders import NOWHERE, named, placed, walk
from codelab.hitl.commands.shell import Word
from codelab.hitl.commands.wrappers import Step

# In any folder, as a file or with all that is below.
_NAMES = frozenset(
    (
        ".codelab",
        ".codelabignore",
        "agents.md",
        "agents.override.md",
        "claude.md",
        "claude.local.md",
        "gemini.md",
        ".cursorrules",
        ".windsurfrules",
        ".clinerules",
    )
)
_PAIRS = frozenset(
    (
        (".cursor", "rules"),
        (".windsurf", "rules"),
        (".github", "copilot-instructions.md"),
        (".github", "instructions"),
        (".git", "hooks"),
        (".git", "config"),
        (".git", "config.worktree"),
        (".git", "modules"),
        (".git", "worktrees"),
    )
)
# Without one of these in it, a command names none of the above.
_HINTS = re.compile("|".join(map(re.escape, sorted({pair[0] for pair in _PAIRS} | _NAMES))))
_GIT_FOLDER = ".git"
_HOOKS_SETTING = "core.hookspath"

# Where a path may begin or end within a word: --opt=path, host:path, open("path").
_PIECES = re.compile(r"[\s=:,;@'\"`()\[\]{}<>|&]+")
_SHORT_OPTION = re.compile(r"-[A-Za-z](?=.)")
_EXCLUDES = re.compile(r"--(exclude|exclude-dir|ignore)=\.git/?")

# Settings of git that run nothing and lead nowhere.
_HARMLESS = re.compile(r"(advice|color|column|i18n|log|status|user)\.[\w.]+|core\.quotepath")
_READS = frozenset(("get", "list", "--list", "-l", "--get", "--get-all", "--get-regexp"))
_GIT_VALUED = frozenset(("-C", "--git-dir", "--work-tree", "--namespace"))


def guard_paths(paths: Iterable[str], root: str | None, more: Iterable[str] = ()) -> str:
    """Say why a human is asked about files; nothing when none of them is guarded.

    Args:
        paths: Paths that would be touched, relative to the workspace.
        root: The workspace's folder, if it is known.
        more: Further guarded paths, relative to the workspace.
    """
    guard = _Guard(root, more)
    return next((guard.reason(path) for path in paths if guard.holds(guard.place(path))), "")


def guard_command(
    steps: Iterable[Step], root: str | None, folder: str = "", more: Iterable[str] = ()
) -> str:
    """Say why a human is asked about a command; nothing when it names nothing guarded.

    Args:
        steps: All that the command runs.
        root: The workspace's folder, if it is known.
        folder: Where in it the command runs.
        more: Further guarded paths, relative to the workspace.
    """
    guard = _Guard(root, more)
    start = guard.place(folder)
    walked = [*walk(steps, frozenset((start,)))]
    texts = "\n".join(word.text for step, _ in walked for word in step.words).casefold()
    if _HOOKS_SETTING in texts:
        return "It names git's setting for hooks."
    for step, _ in walked:
        if step.name == "git" and (setting := _git_setting(step)):
            return f"It changes git's setting {setting}."
    if not guard.may_hold(f"{texts}\n{folder.casefold()}"):
        return ""
    for step, folders in walked:
        for word in step.words:
            for piece in _pieces(word):
                if any(guard.holds(path) for path in named(piece, folders)):
                    return guard.reason(piece.text)
    return ""


class _Guard:
    """Knows the guarded files of one workspace."""

    def __init__(self, root: str | None, more: Iterable[str]) -> None:
        self._root = placed("/", root or NOWHERE)
        self._more = tuple(self.place(path).casefold() for path in more)

    def place(self, path: str) -> str:
        return placed(self._root, path)

    def reason(self, path: str) -> str:
        return f"It names {path}, which steers agents, the policy or git."

    def may_hold(self, text: str) -> bool:
        """Tell quickly whether a text in small letters can name anything guarded at all."""
        if _HINTS.search(text):
            return True
        # A folder on the way to a guarded file is as good as the file.
        inside = (path.removeprefix(self._root.casefold()) for path in self._more)
        return any(part in text for path in inside for part in path.split("/") if part)

    def holds(self, path: str) -> bool:
        """Tell whether an absolute path is guarded."""
        plain, root = path.casefold(), self._root.casefold()
        if any(_is_inside(plain, one) or _is_inside(one, plain) for one in self._more) and not (
            _is_inside(root, plain)
        ):
            return True
        # Where the workspace itself lies says nothing about what is in it.
        inner = plain[len(root) :] if _is_inside(plain, root) else plain
        parts = inner.split("/")
        return (
            parts[-1] == _GIT_FOLDER
            or not _NAMES.isdisjoint(parts)
            or any(pair in _PAIRS for pair in pairwise(parts))
        )


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _pieces(word: Word) -> Iterator[Word]:
    """Split a word into what may be paths in it."""
    yield word
    if _EXCLUDES.fullmatch(word.text):
        return
    text = _SHORT_OPTION.sub("", word.text, count=1) if word.text[:1] == "-" else word.text
    for piece in (text, *_PIECES.split(text)):
        if piece and piece != word.text:
            yield Word(piece, word.live)


def _git_setting(step: Step) -> str:
    """Name a setting that a call of git makes, if it may run a program or lead elsewhere."""
    texts = [word.text for word in step.words[1:]]
    at = 0
    while at < len(texts) and texts[at].startswith("-"):
        text = texts[at]
        if text.startswith(("--config-env", "--exec-path=")):
            return text
        if text.startswith("-c"):
            at += text == "-c"
            setting = texts[at] if text == "-c" and at < len(texts) else text[2:]
            if not _is_harmless(setting):
                return setting.partition("=")[0]
        at += 2 if text in _GIT_VALUED else 1
    if texts[at : at + 1] != ["config"] or not _READS.isdisjoint(texts[at + 1 :]):
        return ""
    names = [text for text in texts[at + 1 :] if not text.startswith("-") and "." in text]
    return names[0] if names and not _is_harmless(names[0]) else ""


def _is_harmless(setting: str) -> bool:
    return _HARMLESS.fullmatch(setting.partition("=")[0].casefold()) is not None
