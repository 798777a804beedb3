"""How a model is asked over a wire that we read: litellm translates, we send."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from codelab.llm.answer_limits import LENGTHS, bounded, joined, without_limits
from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.providers.conversation import LEAST_TOKENS, takes_marks, write_conversation
from codelab.llm.providers.http_pool import Target, parse_target
from codelab.llm.providers.key_destinations import NO_KEY, base_of, is_keyless, own_headers
from codelab.llm.providers.native_wires import (
    NATIVE,
    complete_url,
    fit_options,
    home_of,
    native_config,
    needs_translation_back,
    once_each,
)
from codelab.llm.providers.openai_format import write_messages, write_options
from codelab.llm.providers.translated_options import TranslatedOptions
from codelab.llm.providers.wire import WireCall
from codelab.sdk.model import ModelRequest

_PLAIN = "openai/"
_TRANSPORT_PARAMS = frozenset({"api_key", "api_base", "base_url", "extra_headers", "organization"})
# Understood by litellm's router and of no meaning for a single call.
_ROUTER_PARAMS = frozenset(
    {
        *("rpm", "tpm", "weight", "order", "tags", "timeout", "stream_timeout"),
        *("max_retries", "num_retries", "input_cost_per_token", "output_cost_per_token"),
        *("cache_read_input_token_cost", "cache_creation_input_token_cost"),
    }
)
# Providers whose own stream parsers do nothing that ours does not.
_READ_BY_US = frozenset({"groq", "mistral", "openrouter", "xai", "fireworks_ai"})
# Where litellm itself fills in address and key only while it makes a call.
_HOME: Mapping[str, tuple[str, str]] = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "anthropic": ("https://api.anthropic.com", "ANTHROPIC_API_KEY"),
    "ollama_chat": ("http://localhost:11434", "OLLAMA_API_KEY"),
}
_AGENT = {"Content-Type": "application/json", "User-Agent": "CodeLab"}


class WirePlan(msgspec.Struct, frozen=True):
    """What is the same for every call of a model."""

    model: str
    provider: str
    api_base: str | None
    target: Target
    config: Any
    wire: str = "openai"
    options: TranslatedOptions = msgspec.field(default_factory=TranslatedOptions)


def build_direct(entry: ModelEntry, request: ModelRequest) -> WireCall | None:
    """Write a call without litellm, for a server that speaks plain OpenAI at its own address.

    This is what serves the first seconds after the start; none where only litellm knows the
    provider's ways.
    """
    params = entry.resolved()
    options = {name: value for name, value in params.items() if name not in _TRANSPORT_PARAMS}
    target = parse_target(f"{base_of(params).rstrip('/')}/chat/completions", guarded=entry.guarded)
    plain = entry.model.startswith(_PLAIN) and not options.keys() - _ROUTER_PARAMS - LENGTHS
    if target is None or not plain or target.address.host.endswith("openai.com"):
        return None
    body = {
        "model": entry.model.removeprefix(_PLAIN),
        "messages": write_messages(request.messages),
        **write_options(bounded(request, params)),
    }
    headers = {**_AGENT, **(params.get("extra_headers") or {})}
    if params.get("api_key"):
        headers["Authorization"] = f"Bearer {params['api_key']}"
    return WireCall(target, headers, msgspec.json.encode(body))


def make_plan(litellm: Any, entry: ModelEntry) -> WirePlan | None:
    """Find out how to ask a model; none when its wire is not one that we read."""
    params = entry.resolved()
    special = params.keys() - _TRANSPORT_PARAMS - _ROUTER_PARAMS
    if special & set(litellm.types.utils.all_litellm_params):
        return None
    model, provider, _, found_base = litellm.get_llm_provider(
        model=entry.model, api_base=base_of(params) or None, api_key=params.get("api_key")
    )
    api_base = found_base or base_of(params) or home_of(provider) or _HOME.get(provider, ("",))[0]
    config = native_config(litellm, model, provider) or _config_of(litellm, model, provider)
    if not api_base or config is None:
        return None
    wire = NATIVE.get(provider, "openai")
    url = config.get_complete_url(api_base, params.get("api_key"), model, {}, {}, True)
    target = parse_target(complete_url(url, wire), guarded=entry.guarded)
    if target is None:
        return None
    return WirePlan(model, provider, api_base, target, config, wire)


def build_call(
    litellm: Any, plan: WirePlan, entry: ModelEntry, request: ModelRequest
) -> WireCall | None:
    """Write a call; none when the provider wants this very request in another form."""
    params = entry.resolved()
    options = write_options(bounded(request, params))
    extra = {n: v for n, v in params.items() if n not in _TRANSPORT_PARAMS | _ROUTER_PARAMS}
    options |= without_limits(extra)
    messages = _messages(litellm, plan, entry, request)
    mapped = plan.options.translated(litellm, plan, options, messages)
    if mapped is None:
        return None
    if plan.wire == "anthropic":
        fit_options(mapped)
    headers = {**_AGENT, **(params.get("extra_headers") or {})}
    headers |= mapped.pop("extra_headers", None) or {}
    extra_body = mapped.pop("extra_body", None) or {}
    about = {"custom_llm_provider": plan.provider, "api_base": plan.api_base}
    body = plan.config.transform_request(plan.model, messages, mapped, about, headers)
    headers = plan.config.validate_environment(
        headers,
        plan.model,
        messages,
        mapped,
        about,
        _key_of(litellm, plan, entry, params),
        plan.api_base,
    )
    if params.get("organization"):
        headers["OpenAI-Organization"] = params["organization"]
    if plan.wire != "openai" and needs_translation_back(mapped, about):
        return None
    headers = own_headers(once_each(headers), params)
    body = joined({**body, "stream": True}, extra_body)
    return WireCall(plan.target, headers, msgspec.json.encode(body), plan.wire)


def _messages(
    litellm: Any, plan: WirePlan, entry: ModelEntry, request: ModelRequest
) -> list[dict[str, Any]]:
    if plan.wire == "openai" and not takes_marks(entry.model):
        return write_messages(request.messages)
    least = litellm.model_cost.get(plan.model, {}).get("prompt_cache_min_tokens")
    return write_conversation(request, entry.model, least_tokens=least or LEAST_TOKENS)


def _key_of(
    litellm: Any, plan: WirePlan, entry: ModelEntry, params: Mapping[str, Any]
) -> str | None:
    """Find the key; one from the environment goes to the provider's own address only."""
    if is_keyless(params):
        return NO_KEY
    if params.get("api_key"):
        return str(params["api_key"])
    found: str | None = litellm.get_llm_provider(model=entry.model)[2]
    return found or os.environ.get(_HOME.get(plan.provider, ("", ""))[1]) or None


def _config_of(litellm: Any, model: str, provider: str) -> Any:
    """Return litellm's translation for a provider, if its wire is one that we read."""
    if provider not in litellm.provider_list:
        return None
    known = litellm.types.utils.LlmProviders(provider)
    config = litellm.utils.ProviderConfigManager.get_provider_chat_config(model, known)
    plain = litellm.OpenAIGPTConfig
    if not isinstance(config, plain) or provider.startswith("text-completion"):
        return None
    reads = type(config).get_model_response_iterator is plain.get_model_response_iterator
    if not reads and provider not in _READ_BY_US:
        return None
    special = ("sign_request", "post_stream_processing", "should_fake_stream")
    if any(getattr(type(config), name) is not getattr(plain, name) for name in special):
        return None
    return None if config.has_custom_stream_wrapper else config
