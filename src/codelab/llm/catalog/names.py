"""Whether the names in a models file mean models, and which."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.catalog.places import Path, line_at
from codelab.llm.errors import CatalogueInvalid


class NameCheck:
    """Turns names into those of entries, and refuses what names nothing.

    Args:
        entries: The models.
        source: What to call the file.
        lines: The line of each field.
        known: Models that plugins bring.
    """

    def __init__(
        self,
        entries: Mapping[str, ModelEntry],
        source: str,
        lines: Mapping[Path, int],
        known: Collection[str] = (),
    ) -> None:
        self._entries = entries
        self._known = known
        self._source = source
        self._lines = lines
        self._aliases: Mapping[str, str] = {}

    def aliases(self, written: Mapping[str, tuple[Path, str]]) -> dict[str, str]:
        """Follow each alias to its model; from then on aliases are understood.

        Raises:
            CatalogueInvalid: One is a model's own name, leads round, or leads nowhere.
        """
        found = {}
        for alias, (place, target) in written.items():
            if alias in self._entries:
                raise self._complaint(place, "is the name of a model already")
            seen = {alias}
            while target in written and target not in self._entries:
                if target in seen:
                    raise self._complaint(place, "leads round in a circle")
                seen.add(target)
                target = written[target][1]
            if target not in self._entries and target not in self._known:
                raise self._unknown(place, target)
            found[alias] = target
        self._aliases = found
        return found

    def model(self, place: Path, name: str) -> str:
        """Return the entry's name.

        Raises:
            CatalogueInvalid: There is none, or it holds no conversations.
        """
        target = self._aliases.get(name, name)
        entry = self._entries.get(target)
        if entry is None and target in self._known:
            return target
        if entry is None:
            raise self._unknown(place, name)
        if entry.is_embedding:
            raise self._complaint(place, f"names {name!r}, which only turns texts into vectors")
        return target

    def models(self, place: Path, chain: str | list[str]) -> tuple[str, ...]:
        """Return an agent's chain.

        Raises:
            CatalogueInvalid: It is empty, or one of its names means no model.
        """
        if isinstance(chain, str):
            return (self.model(place, chain),)
        if not chain:
            raise self._complaint(place, "names no model at all")
        return tuple(self.model((*place, n), name) for n, name in enumerate(chain))

    def _unknown(self, place: Path, name: str) -> CatalogueInvalid:
        hint = did_you_mean(name, [*self._entries, *self._aliases, *self._known])
        return self._complaint(
            place, f"names the model {name!r}, which model_list does not have{hint}"
        )

    def _complaint(self, place: Path, problem: str) -> CatalogueInvalid:
        label = _written(place)
        return CatalogueInvalid(f"{at_line(self._source, place, self._lines)}: {label} {problem}.")


def at_line(source: str, place: Path, lines: Mapping[Path, int]) -> str:
    """Name the file, and the line where it is known."""
    line = line_at(place, lines)
    return source if line is None else f"{source}, line {line}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest name, if there is a near one."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _written(place: Path) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in place]
    return "".join(parts).lstrip(".")
