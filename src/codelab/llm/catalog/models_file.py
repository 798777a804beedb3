"""Reading `models.yaml`: LiteLLM's `model_list`, its fallbacks, and a section of our own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from codelab.llm.catalog.entries import Catalogue, ModelEntry, hide
from codelab.llm.catalog.role_defaults import roles_by_strength
from codelab.llm.errors import CatalogueInvalid
from codelab.sdk.agent import ModelRole

_PLACE = re.compile(
    r"^(?P<problem>.*?)(?: - at (?:`key` in )?`\$\.?(?P<place>[^`]*)`)?$", re.DOTALL
)
_ENTRY = re.compile(r"^model_list\[(\d+)\]")
_Fallbacks = list[str] | dict[str, list[str]]


class _Params(msgspec.Struct):
    model: str


class _Entry(msgspec.Struct):
    model_name: str
    litellm_params: dict[str, Any]
    model_info: dict[str, Any] = {}


class _LiteLLMSettings(msgspec.Struct):
    fallbacks: list[dict[str, list[str]]] = []
    default_fallbacks: list[str] = []


class _Ours(msgspec.Struct, forbid_unknown_fields=True):
    agents: dict[str, str] = {}
    roles: dict[ModelRole, str] = {}
    fallbacks: _Fallbacks = []
    default: str = ""


class _File(msgspec.Struct):
    model_list: list[_Entry]
    litellm_settings: _LiteLLMSettings = msgspec.field(default_factory=_LiteLLMSettings)
    codelab: _Ours = msgspec.field(default_factory=_Ours)


def read_models_file(path: Path, known: Collection[str] = ()) -> Catalogue:
    """Read the file.

    Args:
        path: Where it is.
        known: Models that plugins bring, which the file may name too.

    Raises:
        CatalogueInvalid: It cannot be used; the sentence names the entry and the field.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueInvalid(f"{path.name} cannot be read: {_reason(error)}.") from None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CatalogueInvalid(f"{path.name} is not valid YAML{_mark(error)}.") from None
    return build_catalogue(document, path.name, known)


def build_catalogue(document: Any, source: str, known: Collection[str] = ()) -> Catalogue:
    """Check the file's contents and build the catalogue.

    Args:
        document: The parsed file.
        source: What to call it in messages.
        known: Models that plugins bring, which the file may name too.

    Raises:
        CatalogueInvalid: It cannot be used; the sentence names the entry and the field.
    """
    try:
        file = msgspec.convert(document, _File)
        for place, item in enumerate(file.model_list):
            _check_params(item, place)
    except msgspec.ValidationError as error:
        raise CatalogueInvalid(f"{source}: {_sentence(str(error), document)}.") from None
    entries = _entries(file.model_list)
    fallbacks, chains = _fallbacks(file)
    catalogue = Catalogue(
        entries=entries,
        agents=file.codelab.agents,
        roles={**roles_by_strength(entries.values()), **file.codelab.roles},
        chains=chains,
        fallbacks=fallbacks,
        default=file.codelab.default,
    )
    _check_names(catalogue, source, known)
    return catalogue


def _check_params(item: _Entry, place: int) -> None:
    try:
        model = msgspec.convert(item.litellm_params, _Params).model
    except msgspec.ValidationError as error:
        problem = _PLACE.match(str(error))
        field = f".{problem['place']}" if problem and problem["place"] else ""
        text = problem["problem"] if problem else str(error)
        where = f"$.model_list[{place}].litellm_params{field}"
        raise msgspec.ValidationError(f"{text} - at `{where}`") from None
    if not item.model_name or "*" in model:
        field = "litellm_params.model" if item.model_name else "model_name"
        raise msgspec.ValidationError(
            f"Expected the name of one model - at `$.model_list[{place}].{field}`"
        )


def _entries(items: Iterable[_Entry]) -> dict[str, ModelEntry]:
    """Build the entries; one that repeats a name is numbered and follows the first as fallback."""
    entries: dict[str, ModelEntry] = {}
    for item in items:
        name, count = item.model_name, 1
        while name in entries:
            count += 1
            name = f"{item.model_name}#{count}"
        params = dict(item.litellm_params)
        model = params.pop("model")
        entries[name] = ModelEntry(
            name=name, model=model, params=hide(params), info=item.model_info
        )
    return entries


def _fallbacks(file: _File) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Gather the chain for all models and those of single models."""
    chains = {
        name: tuple(following)
        for group in file.litellm_settings.fallbacks
        for name, following in group.items()
    }
    ours = file.codelab.fallbacks
    if isinstance(ours, dict):
        chains |= {name: tuple(following) for name, following in ours.items()}
    everywhere = tuple(ours) if isinstance(ours, list) else ()
    everywhere = everywhere or tuple(file.litellm_settings.default_fallbacks)
    names: dict[str, list[str]] = {}
    for item in file.model_list:
        group = names.setdefault(item.model_name, [])
        group.append(f"{item.model_name}#{len(group) + 1}" if group else item.model_name)
    for name, copies in names.items():
        if len(copies) > 1:
            chains[name] = (*copies[1:], *chains.get(name, everywhere))
    return everywhere, chains


def _check_names(catalogue: Catalogue, source: str, known: Collection[str]) -> None:
    uses: dict[str, Mapping[Any, str]] = {
        "codelab.agents": catalogue.agents,
        "codelab.roles": catalogue.roles,
        "codelab.default": {"": catalogue.default} if catalogue.default else {},
        "fallbacks": {name: name for name in catalogue.chains}
        | {(name, n): n for name, chain in catalogue.chains.items() for n in chain}
        | {n: n for n in catalogue.fallbacks},
    }
    for section, names in uses.items():
        for key, name in names.items():
            if name not in catalogue.entries and name not in known:
                label = f"{section}.{key}" if isinstance(key, str) and key != name else section
                raise CatalogueInvalid(
                    f"{source}: {label.rstrip('.')} names the model {name!r}, which model_list "
                    "does not have."
                )


def _sentence(error: str, document: Any) -> str:
    match = _PLACE.match(error)
    problem, place = (match["problem"], match["place"]) if match else (error, None)
    if not place:
        return f"{problem} at the top"
    entry = _ENTRY.match(place)
    name = _name_of(document, int(entry[1])) if entry else None
    return f"{place}{f' ({name})' if name else ''}: {problem}"


def _name_of(document: Any, place: int) -> str | None:
    try:
        name = document["model_list"][place]["model_name"]
    except (KeyError, TypeError, IndexError):
        return None
    return name if isinstance(name, str) else None


def _mark(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark else ""


def _reason(error: Exception) -> str:
    return error.strerror or "" if isinstance(error, OSError) else "it is not UTF-8"
