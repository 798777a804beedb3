"""The one client behind which every model of the catalogue stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from codelab.llm.catalog.entries import Catalogue, ModelEntry
from codelab.llm.providers.answer_stream import AnswerFormat
from codelab.llm.providers.anthropic_wire import AnthropicAnswer
from codelab.llm.providers.embeddings import INPUT, EmbeddingClient
from codelab.llm.providers.http_pool import HttpPool
from codelab.llm.providers.litellm_client import LiteLLMClient, condition_of_exception
from codelab.llm.providers.litellm_library import LiteLLM
from codelab.llm.providers.ollama_wire import OllamaAnswer
from codelab.llm.providers.openai_plan import WirePlan, build_call, build_direct, make_plan
from codelab.llm.providers.openai_wire import OpenAIAnswer
from codelab.llm.providers.plugin_client import run_plugin
from codelab.llm.providers.wire import Wire, WireCall
from codelab.sdk.model import Completion, ModelRequest, OnDelta

_ANSWERS: Mapping[str, Callable[[OnDelta], AnswerFormat]] = {
    "openai": OpenAIAnswer,
    "anthropic": AnthropicAnswer,
    "ollama": OllamaAnswer,
}


class ProviderClient:
    """Sends each request the way its model is reached.

    A plugin's model goes to the plugin's client; one that speaks OpenAI's, Anthropic's or Ollama's
    wire to our own reader, translated by litellm; every other one is read by litellm.

    Args:
        catalogue: Returns the catalogue as it is now.
        litellm: The library, loaded or not.
        pool: The connections of our own reader.
    """

    def __init__(
        self, catalogue: Callable[[], Catalogue], litellm: LiteLLM, pool: HttpPool
    ) -> None:
        self._catalogue = catalogue
        self._litellm = litellm
        self._wire = Wire(pool)
        self._through_litellm = LiteLLMClient(self._wire)
        self._embeddings = EmbeddingClient(pool, litellm)
        self._plans: dict[str, tuple[ModelEntry, WirePlan | None]] = {}

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request."""
        entry = self._catalogue().entry(request.model)
        if entry.client is not None:
            return await run_plugin(entry.client, request, on_delta)
        if INPUT in request.options:
            return await self._embeddings.run(entry, request)
        if self._litellm.module is None and (direct := build_direct(entry, request)):
            return await self._run(entry, direct, on_delta)
        litellm = await self._litellm.load()
        call = self._translate(litellm, entry, request)
        if call is not None:
            return await self._run(entry, call, on_delta)
        return await self._through_litellm.run(litellm, entry, request, on_delta)

    async def _run(self, entry: ModelEntry, call: WireCall, on_delta: OnDelta) -> Completion:
        form = _ANSWERS[call.wire]
        return await self._wire.run(entry, call, lambda: form(on_delta))

    def _translate(self, litellm: Any, entry: ModelEntry, request: ModelRequest) -> WireCall | None:
        try:
            known, plan = self._plans.get(entry.name, (None, None))
            if known is not entry:
                plan = make_plan(litellm, entry)
                self._plans[entry.name] = (entry, plan)
            return build_call(litellm, plan, entry, request) if plan else None
        except Exception as error:
            raise condition_of_exception(error, entry.name, (), started=False) from None
