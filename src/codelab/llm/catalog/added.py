"""Models that administrators add while the server runs: what they may be, and how they are shown.

Whoever may add models is no administrator of the machine: an entry cannot read its environment,
and cannot make litellm do more than ask a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from codelab.kit.errors import InvalidInput
from codelab.llm.catalog.entries import Hidden, ModelEntry
from codelab.llm.providers.addresses import Allowed

SET: Final = "[set]"
"""What stands for a secret in answers; sent back, it leaves the secret as it is."""

ADDRESS: Final = "litellm_params.api_base"
"""The field of an address, as refusals name it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}")
_MODEL = re.compile(r"[A-Za-z0-9_]+/[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_TEXT = re.compile(r"[ -~]{1,4096}")
# Providers whose wires we read and write over connections of our own.
_WITH_ADDRESS = ("openai", "anthropic", "ollama_chat")
_SECRET = ("api_key", "extra_headers")
_OWN_HEADERS = frozenset(
    {
        *("authorization", "proxy-authorization", "x-api-key", "api-key", "host", "cookie"),
        *("connection", "content-length", "content-type", "transfer-encoding", "te", "upgrade"),
        *("accept-encoding", "expect", "trailer", "keep-alive"),
    }
)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_MOST_HEADERS = 20
_LONGEST_INFO = 4000

Params = Mapping[str, Any]


class AddedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was added: a row, opened.

    Args:
        params: What litellm is told, secrets included.
        info: The entry's `model_info`.
    """

    name: str
    params: Mapping[str, Any]
    info: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"AddedModel({self.name!r})"


def check_name(name: str) -> None:
    """Refuse what cannot be a name.

    Raises:
        InvalidInput: It holds something else than letters, digits and `._:@-`, or is too long.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "A model's name is up to 100 letters, digits and . _ : @ -, a letter or digit first.",
            field="name",
        )


def check_params(params: Params, allowed: Allowed) -> None:
    """Refuse parameters that an added model may not have.

    Raises:
        InvalidInput: Says which, and why.
    """
    for name, value in params.items():
        check = _CHECKS.get(name)
        if check is None:
            may = ", ".join(_CHECKS)
            raise _refusal(name, f"a model that is added here may have {may}")
        if not check(value):
            raise _refusal(name, "its value is not acceptable")
    _check_headers(params.get("extra_headers") or {})
    if "model" not in params:
        raise _refusal("model", "it is missing")
    if "api_base" in params:
        if _provider(params) not in _WITH_ADDRESS:
            forms = ", ".join(f"{name}/…" for name in _WITH_ADDRESS)
            raise _refusal("api_base", f"only models of {forms} may have an address of their own")
        if problem := allowed.problem(params["api_base"]):
            raise address_refusal(problem)


def check_info(info: Mapping[str, Any]) -> None:
    """Refuse a `model_info` that is too much, or not plain.

    Raises:
        InvalidInput: Says which.
    """
    if len(msgspec.json.encode(info)) > _LONGEST_INFO:
        raise InvalidInput("The model_info is too long.", field="model_info")
    for name, value in info.items():
        if not isinstance(value, str | int | float | bool) or _is_looked_up(value):
            raise InvalidInput(
                f"{name} must be a plain text, number or yes and no.", field=f"model_info.{name}"
            )


def changed(before: Params, change: Params) -> dict[str, Any]:
    """Return parameters with a change made: null takes one away.

    A stored secret does not go to another address than the one that it was given for, or writing
    it and reading it would be the same.

    Raises:
        InvalidInput: The address changes, and a secret is not given anew.
    """
    given = {name: value for name, value in change.items() if value != SET}
    after = {name: value for name, value in {**before, **given}.items() if value is not None}
    if _destination(before) != _destination(after):
        for name in _SECRET:
            if name in after and name not in given:
                raise _refusal(name, "give it again, since the model's address has changed")
    return after


def shown(params: Params) -> dict[str, Any]:
    """Return parameters as answers have them."""
    return {name: SET if name in _SECRET else value for name, value in params.items()}


def build_entry(model: AddedModel) -> ModelEntry:
    """Return the model as an entry of the catalogue."""
    params = dict(model.params)
    name = params.pop("model")
    hidden = {key: Hidden(value) if key in _SECRET else value for key, value in params.items()}
    return ModelEntry(
        name=model.name,
        model=name,
        params=hidden,
        info=model.info,
        guarded="api_base" in params,
    )


def address_refusal(problem: str) -> InvalidInput:
    """Say why an address is refused, and what can be done about it."""
    return InvalidInput(
        f"The model's address is not acceptable: {problem}. The machine's administrator can list "
        "inner addresses in CODELAB_MODEL_ADDRESSES.",
        field=ADDRESS,
    )


def _destination(params: Params) -> tuple[str, str]:
    return _provider(params), str(params.get("api_base") or "")


def _provider(params: Params) -> str:
    return str(params["model"]).partition("/")[0]


def _refusal(name: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{name}: {reason}.", field=f"litellm_params.{name}")


def _check_headers(headers: Mapping[str, Any]) -> None:
    for name, value in headers.items():
        if name.lower() in _OWN_HEADERS or not _HEADER.fullmatch(name) or not _is_text(value):
            raise _refusal("extra_headers", f"the header {name!r} may not be set here")


def _is_looked_up(value: Any) -> bool:
    return isinstance(value, str) and "os.environ" in value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(_TEXT.fullmatch(value)) and not _is_looked_up(value)


def _is_model(value: Any) -> bool:
    # Some of litellm's providers take an address in the place of a model's name.
    return _is_text(value) and bool(_MODEL.fullmatch(value)) and "//" not in value


def _is_key(value: Any) -> bool:
    return _is_text(value) and value != SET


def _is_headers(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= _MOST_HEADERS


def _between(least: float, most: float) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and least <= value <= most

    return holds


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000_000


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "model": _is_model,
    "api_key": _is_key,
    "api_base": _is_text,
    "temperature": _between(0, 2),
    "top_p": _between(0, 1),
    "max_tokens": _is_count,
    "num_ctx": _is_count,
    "reasoning_effort": lambda value: value in _EFFORTS,
    "extra_headers": _is_headers,
}
