"""Reading `models.yaml`: LiteLLM's `model_list`, its fallbacks, and a section of our own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path as File
from typing import Any

import msgspec
import yaml

from codelab.llm.catalog.complaints import PLACE, complaint_about
from codelab.llm.catalog.entries import EMBEDDING, Catalogue, ModelEntry, hide, is_embedding_name
from codelab.llm.catalog.names import NameCheck, at_line
from codelab.llm.catalog.places import DuplicateKey, Path, lines_of
from codelab.llm.catalog.role_defaults import roles_by_strength
from codelab.llm.errors import CatalogueInvalid
from codelab.sdk.agent import ModelRole

_OPEN = ("ollama_chat/*", "ollama/*")
Listed = Callable[[ModelEntry], Collection[str]]
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


class _GroupAlias(msgspec.Struct):
    model: str


class _RouterSettings(msgspec.Struct):
    model_group_alias: dict[str, str | _GroupAlias] = {}


class _Ours(msgspec.Struct, forbid_unknown_fields=True):
    aliases: dict[str, str] = {}
    agents: dict[str, str | list[str]] = {}
    roles: dict[ModelRole, str] = {}
    fallbacks: _Fallbacks = []
    default: str = ""


class _File(msgspec.Struct):
    model_list: list[_Entry]
    litellm_settings: _LiteLLMSettings = msgspec.field(default_factory=_LiteLLMSettings)
    router_settings: _RouterSettings = msgspec.field(default_factory=_RouterSettings)
    codelab: _Ours = msgspec.field(default_factory=_Ours)


class ModelsFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is YAML, not checked yet.

    Args:
        document: What it holds.
        source: What to call it in messages.
        lines: The line of each field.
    """

    document: Any
    source: str
    lines: Mapping[Path, int]


def read_models_file(path: File, known: Collection[str] = ()) -> Catalogue:
    """Read the file.

    Args:
        path: Where it is.
        known: Models that plugins bring, which the file may name too.

    Raises:
        CatalogueInvalid: It cannot be used; the sentence names the line, the entry and the field.
    """
    file = parse_models_file(path)
    return build_catalogue(file.document, file.source, known, file.lines)


def parse_models_file(path: File) -> ModelsFile:
    """Read the file as YAML.

    Raises:
        CatalogueInvalid: It cannot be read, or is no YAML.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueInvalid(f"{path.name} cannot be read: {_reason(error)}.") from None
    try:
        document, lines = yaml.safe_load(text), lines_of(text)
    except DuplicateKey as error:
        raise CatalogueInvalid(f"{path.name}{_mark(error)}: {error.problem}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CatalogueInvalid(f"{path.name} is not valid YAML{_mark(error)}.") from None
    return ModelsFile(document=document, source=path.name, lines=lines)


def build_catalogue(
    document: Any,
    source: str,
    known: Collection[str] = (),
    lines: Mapping[Path, int] = {},
    listed: Listed = lambda entry: (),
) -> Catalogue:
    """Check the file's contents and build the catalogue.

    Args:
        document: The parsed file.
        source: What to call it in messages.
        known: Models that plugins bring, which the file may name too.
        lines: The line of each field.
        listed: Tells what the Ollama has that an entry with a `*` stands for.

    Raises:
        CatalogueInvalid: It cannot be used; the sentence names the line, the entry and the field.
    """
    try:
        file = msgspec.convert(document, _File)
        for place, item in enumerate(file.model_list):
            _check_params(item, place)
    except msgspec.ValidationError as error:
        raise complaint_about(
            str(error), document, source, lines, fails=_fails, fields=_Ours.__struct_fields__
        ) from None
    origins = {
        item.model_name: at_line(source, ("model_list", place), lines)
        for place, item in reversed(list(enumerate(file.model_list)))
    }
    wildcards = tuple(_entry(item, item.model_name) for item in file.model_list if _is_open(item))
    expanded = _expand(file.model_list, listed, _named(file))
    file.model_list = [item for item, _ in expanded]
    origins |= {item.model_name: origins[pattern] for item, pattern in expanded}
    entries = _entries(file.model_list)
    check = NameCheck(entries, source, lines, known)
    aliases = check.aliases(_aliases(file))
    ours = file.codelab
    for where, name in _named_in_fallbacks(file):
        check.model(where, name)
    fallbacks, chains = _fallbacks(file)
    return Catalogue(
        entries=entries,
        agents={
            agent: check.models(("codelab", "agents", agent), chain)
            for agent, chain in ours.agents.items()
        },
        roles=roles_by_strength(entries.values())
        | {
            role: check.model(("codelab", "roles", role.value), name)
            for role, name in ours.roles.items()
        },
        chains={
            aliases.get(name, name): tuple(aliases.get(one, one) for one in following)
            for name, following in chains.items()
        },
        fallbacks=tuple(aliases.get(name, name) for name in fallbacks),
        default=check.model(("codelab", "default"), ours.default) if ours.default else "",
        aliases=aliases,
        wildcards=wildcards,
        origins=origins,
    )


def _aliases(file: _File) -> dict[str, tuple[Path, str]]:
    """Gather LiteLLM's aliases and ours, each with its place; ours win."""
    theirs = file.router_settings.model_group_alias.items()
    found: dict[str, tuple[Path, str]] = {
        name: (
            ("router_settings", "model_group_alias", name),
            target if isinstance(target, str) else target.model,
        )
        for name, target in theirs
    }
    ours = file.codelab.aliases.items()
    return found | {name: (("codelab", "aliases", name), target) for name, target in ours}


def _check_params(item: _Entry, place: int) -> None:
    try:
        model = msgspec.convert(item.litellm_params, _Params).model
    except msgspec.ValidationError as error:
        problem = PLACE.match(str(error))
        field = f".{problem['place']}" if problem and problem["place"] else ""
        text = problem["problem"] if problem else str(error)
        where = f"$.model_list[{place}].litellm_params{field}"
        raise msgspec.ValidationError(f"{text} - at `{where}`") from None
    if not item.model_name:
        raise _at(place, "model_name", "Expected the name of one model")
    if "*" in model or "*" in item.model_name:
        _check_wildcard(item, model, place)


def _check_wildcard(item: _Entry, model: str, place: int) -> None:
    if model not in _OPEN:
        problem = "A * stands for Ollama's models only (ollama_chat/*); name each model"
        raise _at(place, "litellm_params.model", problem)
    if item.model_name.count("*") != 1:
        raise _at(place, "model_name", "Expected one * for the names of Ollama's models")


def _at(place: int, field: str, problem: str) -> msgspec.ValidationError:
    return msgspec.ValidationError(f"{problem} - at `$.model_list[{place}].{field}`")


def _is_open(item: _Entry) -> bool:
    """Tell whether an entry stands for whatever an Ollama has."""
    return item.litellm_params["model"] in _OPEN


def _expand(
    items: list[_Entry], listed: Listed, named: Collection[str]
) -> list[tuple[_Entry, str]]:
    """Put in the place of each entry with a `*` what it stands for; one written out wins.

    Args:
        items: The entries.
        listed: Tells what an Ollama has.
        named: Models that the file names elsewhere: they exist, whether Ollama has been heard or
            not.

    Returns:
        The entries, each with the name of the one that it stands for.
    """
    found: list[tuple[_Entry, str]] = []
    written = {item.model_name for item in items}
    for item in items:
        if not _is_open(item):
            found.append((item, item.model_name))
            continue
        before, after = item.model_name.split("*")
        meant = [
            name[len(before) : len(name) - len(after)]
            for name in named
            if name.startswith(before) and name.endswith(after) and len(name) > len(before + after)
        ]
        for model in dict.fromkeys((*listed(_entry(item, item.model_name)), *meant)):
            if (name := f"{before}{model}{after}") not in written:
                found.append((_one(item, name, model), item.model_name))
    return found


def _one(item: _Entry, name: str, model: str) -> _Entry:
    vectors = is_embedding_name(model)
    # litellm knows Ollama's embeddings by its plain name only.
    provider = "ollama" if vectors else item.litellm_params["model"].partition("/")[0]
    return _Entry(
        model_name=name,
        litellm_params={**item.litellm_params, "model": f"{provider}/{model}"},
        model_info={**item.model_info, **(EMBEDDING if vectors else {})},
    )


def _named(file: _File) -> list[str]:
    """Gather the names that stand for models anywhere but in `model_list`; aliases among them."""
    chains = [
        [chain] if isinstance(chain, str) else chain for chain in file.codelab.agents.values()
    ]
    aliases = _aliases(file)
    names = [
        *(name for _, name in _named_in_fallbacks(file)),
        *(name for chain in chains for name in chain),
        *file.codelab.roles.values(),
        file.codelab.default,
        *(target for _, target in aliases.values()),
    ]
    return [name for name in dict.fromkeys(names) if name and name not in aliases]


def _entry(item: _Entry, name: str) -> ModelEntry:
    params = dict(item.litellm_params)
    model = params.pop("model")
    return ModelEntry(name=name, model=model, params=hide(params), info=item.model_info)


def _entries(items: Iterable[_Entry]) -> dict[str, ModelEntry]:
    """Build the entries; one that repeats a name is numbered and follows the first as fallback."""
    entries: dict[str, ModelEntry] = {}
    for item in items:
        name, count = item.model_name, 1
        while name in entries:
            count += 1
            name = f"{item.model_name}#{count}"
        entries[name] = _entry(item, name)
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


def _named_in_fallbacks(file: _File) -> Iterator[tuple[Path, str]]:
    """Go through the models that chains name, each with its place."""
    theirs = file.litellm_settings
    maps: list[tuple[Path, Mapping[str, list[str]]]] = [
        (("litellm_settings", "fallbacks", place), group)
        for place, group in enumerate(theirs.fallbacks)
    ]
    lists: list[tuple[Path, list[str]]] = [
        (("litellm_settings", "default_fallbacks"), theirs.default_fallbacks)
    ]
    ours, section = file.codelab.fallbacks, ("codelab", "fallbacks")
    if isinstance(ours, dict):
        maps.append((section, ours))
    else:
        lists.append((section, ours))
    for place, chains in maps:
        for name, following in chains.items():
            yield (*place, name), name
            lists.append(((*place, name), following))
    for place, names in lists:
        for index, name in enumerate(names):
            yield (*place, index), name


def _fails(document: Any) -> bool:
    try:
        msgspec.convert(document, _File)
    except msgspec.ValidationError:
        return True
    return False


def _mark(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark else ""


def _reason(error: Exception) -> str:
    return error.strerror or "" if isinstance(error, OSError) else "it is not UTF-8"
