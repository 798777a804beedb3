"""Which files of a workspace are nobody's business: hidden, excluded, ignored by git."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Callable, Sequence

import msgspec
import pathspec

from codelab.kit.errors import CodeLabError
from codelab.workspace.errors import PathRefused
from codelab.workspace.names import joined, prefixes
from codelab.workspace.paths import opened_file

EXCLUDED = (
    "node_modules/",
    ".git/",
    "build/",
    "dist/",
    "*.pyc",
    "*.class",
    "*.o",
    "*.so",
    ".DS_Store",
    "Thumbs.db",
)

_EXCLUDED_FOLDERS = frozenset(line[:-1] for line in EXCLUDED if line.endswith("/"))
_EXCLUDED_ENDS = tuple(line[1:] for line in EXCLUDED if line.startswith("*"))
_EXCLUDED_NAMES = frozenset(line for line in EXCLUDED if line[0] != "*" and line[-1] != "/")

_IGNORE_FILE = ".gitignore"
_IGNORE_BYTES = 100_000
_IGNORE_LINES = 2000
_CACHED_FOLDERS = 2000
# A pattern becomes a backtracking expression: beyond this it could be made to take hours.
_STARS = 3
_REPOSITORY = re.compile(r"\.git[. ]*|git~\d", re.IGNORECASE)

Spec = pathspec.GitIgnoreSpec


def is_repository(name: str) -> bool:
    """Tell whether a name is that of git's own folder, however a file system may spell it."""
    return _REPOSITORY.fullmatch(name) is not None


class Audience(enum.Enum):
    """Who looks at the folder."""

    AGENT = "agent"
    HUMAN = "human"


class _Ignores(msgspec.Struct, frozen=True):
    stamp: tuple[int, int, int] | None
    spec: Spec


class Rules:
    """The exclusions of one workspace.

    Agents get neither hidden nor excluded files, not even by name. Humans may open every file of
    theirs but git's own; what is excluded stays out of their listings and searches too.

    Args:
        audience: Who looks.
        allowed_hidden: Hidden files and folders that agents may use, as gitignore patterns.
    """

    def __init__(self, audience: Audience, allowed_hidden: Sequence[str] = ()) -> None:
        self.audience = audience
        self.shows_hidden = audience is Audience.HUMAN
        self.allows_hidden = self.shows_hidden or bool(allowed_hidden)
        self._allowed = Spec.from_lines(allowed_hidden)
        self._excluded = Spec.from_lines(EXCLUDED)
        self._ignores: dict[str, _Ignores] = {}

    def check(self, root: int, path: str, *, is_folder: bool = False) -> None:
        """Refuse a path that this audience may not open.

        Raises:
            PathRefused: The path is hidden or excluded; the text says which.
        """
        if any(map(is_repository, path.split("/"))):
            raise PathRefused(f"{path} belongs to git itself.", field="path")
        if self.audience is Audience.HUMAN:
            return
        if self.is_hidden(path):
            raise PathRefused(
                f"{path} is hidden. Hidden files are off limits unless the administrator "
                "allows them.",
                field="path",
            )
        if self.is_excluded(root, path, is_folder=is_folder):
            raise PathRefused(
                f"{path} is excluded, as build output or by .gitignore.", field="path"
            )

    def check_target(self, root: int, path: str, target: str) -> None:
        """Refuse what a link leads to, if this audience may not open it or is not told of it.

        Whoever opens README.md, or lets an agent see it, has not said yes to .env.

        Raises:
            PathRefused: The target is hidden or excluded.
        """
        self.check(root, target)
        if self._is_withheld(root, target) and not self._is_withheld(root, path):
            raise PathRefused(
                f"{path} is a link to {target}, which is hidden or excluded; name that.",
                field="path",
            )

    def _is_withheld(self, root: int, path: str) -> bool:
        return self.is_hidden(path) or self.is_excluded(root, path)

    def lists(self, root: int, path: str, *, is_folder: bool = False) -> bool:
        """Tell whether the path belongs into listings and search results."""
        if any(map(is_repository, path.split("/"))):
            return False
        if not self.shows_hidden and self.is_hidden(path):
            return False
        return not self.is_excluded(root, path, is_folder=is_folder)

    def within(self, root: int, folder: str) -> Callable[..., bool]:
        """Return what tells of each name in a folder whether `lists` is true, and much faster.

        Args:
            root: The workspace.
            folder: A folder that belongs into listings itself.
        """
        places = ["", *prefixes(folder)]
        read = [(place, self._ignored_in(root, place)) for place in places]
        specs = [(place, spec) for place, spec in read if spec.patterns]

        def belongs(name: str, *, is_folder: bool) -> bool:
            if is_repository(name):
                return False
            path = joined(folder, name)
            if name.startswith(".") and not self.shows_hidden and self.is_hidden(path):
                return False
            if name.endswith(_EXCLUDED_ENDS) or name in _EXCLUDED_NAMES:
                return False
            if is_folder and name in _EXCLUDED_FOLDERS:
                return False
            return not (specs and _last_word(specs, f"{path}/" if is_folder else path))

        return belongs

    def is_hidden(self, path: str) -> bool:
        """Tell whether a component is hidden and not on the administrator's list."""
        return any(
            part.rsplit("/", 1)[-1].startswith(".")
            and not self._allowed.match_file(part)
            and not self._allowed.match_file(f"{part}/")
            for part in prefixes(path)
        )

    def is_excluded(self, root: int, path: str, *, is_folder: bool = False) -> bool:
        """Tell whether the path or one of its folders is excluded, built in or by .gitignore."""
        parts = prefixes(path)
        folder = ""
        specs: list[tuple[str, Spec]] = []
        for part in parts:
            name = part if part == path and not is_folder else f"{part}/"
            if self._excluded.match_file(name):
                return True
            specs.append((folder, self._ignored_in(root, folder)))
            if _last_word(specs, name):
                return True
            folder = part
        return False

    def _ignored_in(self, root: int, folder: str) -> Spec:
        path = joined(folder, _IGNORE_FILE)
        try:
            status = os.stat(path, dir_fd=root, follow_symlinks=False)
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            stamp = None
        known = self._ignores.get(folder)
        if known is None or known.stamp != stamp:
            known = _Ignores(stamp, _read_spec(root, path) if stamp else Spec.from_lines(()))
            if len(self._ignores) >= _CACHED_FOLDERS:
                self._ignores.clear()
            self._ignores[folder] = known
        return known.spec


def _last_word(specs: list[tuple[str, Spec]], path: str) -> bool:
    # As in git: the file nearest to the path decides, in it the last line that matches.
    for folder, spec in reversed(specs):
        inside = path.removeprefix(f"{folder}/") if folder else path
        verdict = spec.check_file(inside).include
        if verdict is not None:
            return verdict
    return False


def _read_spec(root: int, path: str) -> Spec:
    try:
        with opened_file(root, path) as descriptor:
            text = os.read(descriptor, _IGNORE_BYTES).decode("utf-8", "replace")
    except (CodeLabError, OSError):
        return Spec.from_lines(())
    lines = [line for line in text.splitlines()[:_IGNORE_LINES] if _is_cheap(line)]
    try:
        return Spec.from_lines(lines)
    except ValueError:
        return Spec.from_lines([line for line in lines if _is_valid(line)])


def _is_cheap(line: str) -> bool:
    return len(re.findall(r"\*+", line)) <= _STARS


def _is_valid(line: str) -> bool:
    try:
        Spec.from_lines([line])
    except ValueError:
        return False
    return True
