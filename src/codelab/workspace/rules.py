"""Which files of a workspace are nobody's business: hidden, excluded, ignored, kept from agents."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Callable, Iterable, Sequence

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

# Names, in git's own form, what agents may not read, whatever else allows it.
KEPT_FROM_AGENTS = ".codelabignore"
_IGNORE_FILE = ".gitignore"
# Where one of these changes, other files may belong to it than before.
IGNORE_FILES = frozenset({_IGNORE_FILE, KEPT_FROM_AGENTS})
_IGNORE_BYTES = 100_000
_IGNORE_LINES = 2000
_CACHED_FOLDERS = 2000
# A pattern becomes a backtracking expression: beyond this it could be made to take hours.
_STARS = 3
_REPOSITORY = re.compile(r"\.git[. ]*|git~\d", re.IGNORECASE)

Spec = pathspec.GitIgnoreSpec
_NOTHING = Spec.from_lines(())
_EVERYTHING = Spec.from_lines(("*",))


def is_repository(name: str) -> bool:
    """Tell whether a name is that of git's own folder, however a file system may spell it."""
    return _REPOSITORY.fullmatch(name) is not None


class Audience(enum.Enum):
    """Who looks at the folder."""

    AGENT = "agent"
    HUMAN = "human"
    # A human who shows an agent something: all but what is kept from agents.
    SHOWING = "showing"


class _Ignores(msgspec.Struct, frozen=True):
    stamp: tuple[int, int, int, int] | None
    spec: Spec


class Rules:
    """The exclusions of one workspace.

    Agents get neither hidden nor excluded files, not even by name. Humans may open every file of
    theirs but git's own; what is excluded stays out of their listings and searches too. What a
    `.codelabignore` names is kept from agents alone.

    Args:
        audience: Who looks.
        allowed_hidden: Hidden files and folders that agents may use, as gitignore patterns.
    """

    def __init__(self, audience: Audience, allowed_hidden: Sequence[str] = ()) -> None:
        self.audience = audience
        self.shows_hidden = audience is not Audience.AGENT
        self.allows_hidden = self.shows_hidden or bool(allowed_hidden)
        self._allowed = Spec.from_lines(allowed_hidden)
        self._excluded = Spec.from_lines(EXCLUDED)
        self._ignores: dict[str, _Ignores] = {}
        keeps = () if audience is Audience.HUMAN else (KEPT_FROM_AGENTS,)
        self._files = (_IGNORE_FILE, *keeps)

    def check(self, root: int, path: str, *, is_folder: bool = False) -> None:
        """Refuse a path that this audience may not open.

        Raises:
            PathRefused: The path is hidden or excluded; the text says which.
        """
        if any(map(is_repository, path.split("/"))):
            raise PathRefused(f"{path} belongs to git itself.", field="path")
        if self.audience is Audience.HUMAN:
            return
        if self._is_kept(root, path, is_folder=is_folder):
            raise PathRefused(
                f"{path} is kept from agents by {KEPT_FROM_AGENTS}, which only people change.",
                field="path",
            )
        if self.audience is Audience.SHOWING:
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
        named = [
            [(place, spec) for place in places if (spec := self._read(root, place, file)).patterns]
            for file in self._files
        ]

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
            if name == KEPT_FROM_AGENTS and len(self._files) > 1:
                return False
            path = f"{path}/" if is_folder else path
            return not any(_last_word(specs, path) for specs in named if specs)

        return belongs

    def listed(self, root: int, paths: Iterable[str]) -> frozenset[str]:
        """Return those of many files for which `lists` is true."""
        found = set()
        belongs_in: dict[str, Callable[..., bool] | None] = {}
        for path in paths:
            folder, _, name = path.rpartition("/")
            if folder not in belongs_in:
                is_listed = not folder or self.lists(root, folder, is_folder=True)
                belongs_in[folder] = self.within(root, folder) if is_listed else None
            belongs = belongs_in[folder]
            if belongs and belongs(name, is_folder=False):
                found.add(path)
        return frozenset(found)

    def is_hidden(self, path: str) -> bool:
        """Tell whether a component is hidden and not on the administrator's list."""
        return any(
            part.rsplit("/", 1)[-1].startswith(".")
            and not self._allowed.match_file(part)
            and not self._allowed.match_file(f"{part}/")
            for part in prefixes(path)
        )

    def is_excluded(self, root: int, path: str, *, is_folder: bool = False) -> bool:
        """Tell whether the path or one of its folders is excluded: built in, or by a file."""
        parts = prefixes(path)
        names = [part if part == path and not is_folder else f"{part}/" for part in parts]
        return (
            any(map(self._excluded.match_file, names))
            or self._is_named(root, path, _IGNORE_FILE, is_folder=is_folder)
            or self._is_kept(root, path, is_folder=is_folder)
        )

    def _is_kept(self, root: int, path: str, *, is_folder: bool) -> bool:
        if KEPT_FROM_AGENTS not in self._files:
            return False
        return path.rsplit("/", 1)[-1] == KEPT_FROM_AGENTS or self._is_named(
            root, path, KEPT_FROM_AGENTS, is_folder=is_folder
        )

    def _is_named(self, root: int, path: str, file: str, *, is_folder: bool) -> bool:
        folder = ""
        specs: list[tuple[str, Spec]] = []
        for part in prefixes(path):
            specs.append((folder, self._read(root, folder, file)))
            if _last_word(specs, part if part == path and not is_folder else f"{part}/"):
                return True
            folder = part
        return False

    def _read(self, root: int, folder: str, file: str) -> Spec:
        path = joined(folder, file)
        stamp = _stamp(root, path)
        known = self._ignores.get(path)
        if known is None or known.stamp != stamp:
            known = _Ignores(stamp, _spec(root, path, stamp, keeps=file == KEPT_FROM_AGENTS))
            if len(self._ignores) >= _CACHED_FOLDERS:
                self._ignores.clear()
            self._ignores[path] = known
        return known.spec


def _stamp(root: int, path: str) -> tuple[int, int, int, int] | None:
    """Return what tells one state of a file from another; none where there is surely no file."""
    try:
        status = os.stat(path, dir_fd=root, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return (0, 0, 0, 0)
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _spec(root: int, path: str, stamp: object, *, keeps: bool) -> Spec:
    if stamp is None:
        return _NOTHING
    try:
        with opened_file(root, path) as descriptor:
            data = os.read(descriptor, _IGNORE_BYTES + 1)
    except (CodeLabError, OSError):
        return _EVERYTHING if keeps else _NOTHING
    lines = data[:_IGNORE_BYTES].decode("utf-8", "replace").splitlines()
    usable = [line for line in lines[:_IGNORE_LINES] if _is_cheap(line)]
    if not _are_valid(usable):
        usable = [line for line in usable if _are_valid([line])]
    # What is kept from agents is never let out because its file cannot be understood in full.
    if keeps and (len(usable) < len(lines) or len(data) > _IGNORE_BYTES):
        return _EVERYTHING
    return Spec.from_lines(usable)


def _last_word(specs: list[tuple[str, Spec]], path: str) -> bool:
    # As in git: the file nearest to the path decides, in it the last line that matches.
    for folder, spec in reversed(specs):
        inside = path.removeprefix(f"{folder}/") if folder else path
        verdict = spec.check_file(inside).include
        if verdict is not None:
            return verdict
    return False


def _is_cheap(line: str) -> bool:
    return len(re.findall(r"\*+", line)) <= _STARS


def _are_valid(lines: Sequence[str]) -> bool:
    try:
        Spec.from_lines(lines)
    except ValueError:
        return False
    return True
