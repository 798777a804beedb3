"""The model layer as one service: catalogue, limits, fallback, usage."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

import msgspec
import structlog

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.errors import CodeLabError
from codelab.kit.ratelimit import RateLimiter
from codelab.llm.accounting.calls import Attribution, CallRecord
from codelab.llm.accounting.repository import UsageGroup, UsageRecord, UsageRepository, UsageSum
from codelab.llm.accounting.usage import UsageWriter
from codelab.llm.catalog.discovery import Found, catalogue_of, look_around
from codelab.llm.catalog.entries import Catalogue, describe
from codelab.llm.catalog.models_file import read_models_file
from codelab.llm.catalog.prices import ModelFacts, cost_of, facts_of, read_price_list
from codelab.llm.errors import ModelUnknown, NoModelConfigured
from codelab.llm.events import ModelCalled
from codelab.llm.fallback import WithFallback
from codelab.llm.providers.client import ProviderClient
from codelab.llm.providers.http_pool import HttpPool
from codelab.llm.providers.litellm_library import LiteLLM
from codelab.llm.settings import LlmSettings
from codelab.llm.time_limits import TimeLimited
from codelab.sdk.agent import ModelRole
from codelab.sdk.model import (
    Completion,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    OnDelta,
    Usage,
)

_log = structlog.get_logger(__name__)

ADVICE = (
    "No model is configured. Set OPENAI_API_KEY or ANTHROPIC_API_KEY, start Ollama on this "
    "machine, or name models in a models.yaml (CODELAB_MODELS_FILE), then restart."
)


class ModelsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Whether models can be asked.

    Args:
        configured: Whether there is any.
        models: Their names.
        advice: What to set when there is none, or what an entry lacks.
    """

    configured: bool
    models: tuple[str, ...]
    advice: str = ""


class Models:
    """The one way to models.

    Args:
        settings: The module's settings.
        db: Where usage is written.
        bus: Where calls are announced.
        limiter: Counts each user's calls.
        providers: Models that plugins bring.
        environ: Tells which providers there are a key for, when there is no models file; the
            keys themselves are read from the process's environment when they are used.

    Raises:
        CatalogueInvalid: The models file cannot be used.
    """

    def __init__(
        self,
        settings: LlmSettings,
        db: Database,
        bus: Bus,
        limiter: RateLimiter,
        providers: Sequence[ModelProvider] = (),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._limiter = limiter
        self._providers = tuple(providers)
        self._environ = environ
        self._repository = UsageRepository(db)
        self._writer = UsageWriter(self._repository)
        self._pool = HttpPool()
        self._litellm = LiteLLM()
        self._prices: Mapping[str, ModelFacts] = {}
        self._facts: dict[str, ModelFacts] = {}
        self._warming: asyncio.Task[None] | None = None
        self._discovering: asyncio.Task[None] | None = None
        if settings.models_file:
            own = read_models_file(settings.models_file)
        else:
            own = catalogue_of(environ, Found()) if settings.discover else Catalogue()
        self._catalogue = own.with_providers(self._providers)
        self._client = TimeLimited(
            ProviderClient(lambda: self._catalogue, self._litellm, self._pool),
            settings.first_token_timeout_s,
            settings.idle_timeout_s,
        )

    async def stream(
        self, request: ModelRequest, on_delta: OnDelta, *, attribution: Attribution
    ) -> Completion:
        """Run a request; each piece goes to `on_delta` at once, in the reader's own callback.

        Cancelling the awaiting task closes the connection to the model. A model that fails before
        its first piece is retried, then replaced by the next of its chain.

        Args:
            request: What to ask, and which model of the catalogue.
            on_delta: Takes each piece of text or reasoning; must not block.
            attribution: On whose account.

        Raises:
            RateLimited: The user has made too many calls within an hour.
            NoModelConfigured: There is no model; says what to set.
            NoModelAvailable: No model of the chain answered; says what was tried.
            ModelError: The model failed otherwise; see `llm.errors`.
        """
        await self._discovered()
        self._require_models()
        entry = self._catalogue.entry(request.model)
        if attribution.user_id:
            await self._limiter.hit(
                "llm_requests", self._settings.requests_per_hour, attribution.user_id
            )
        record = CallRecord(request, attribution, on_delta, self._cost)
        client = WithFallback(
            self._client,
            self._catalogue.chain(entry.name, attribution.agent),
            self._settings.retry,
            record.failed_attempt,
        )
        try:
            answer = await client.stream(request, record.take)
        except BaseException as error:
            self._note(record.failed(_code_of(error), entry.provider))
            raise
        completion = record.complete(answer)
        self._note(record.finished(completion, self._provider_of(completion.model)))
        return completion

    def resolve(
        self, role: ModelRole, requested: str | None = None, *, agent: str | None = None
    ) -> str:
        """Choose a model: the one that was asked for, the agent's own, or the role's.

        Raises:
            NoModelConfigured: There is no model; says what to set.
            ModelUnknown: There is none of the requested name.
        """
        self._require_models()
        if requested:
            return self._catalogue.entry(requested).name
        return self._catalogue.choose(role, agent)

    def window(self, name: str) -> int:
        """Return the size of a model's window in tokens."""
        return self.info(name).context_tokens

    def info(self, name: str) -> ModelInfo:
        """Describe a model.

        Raises:
            ModelUnknown: There is none of this name.
        """
        entry = self._catalogue.entry(name)
        return entry.offered or describe(entry, self._facts_of(name))

    def catalogue(self) -> list[ModelInfo]:
        """Describe all models."""
        return [self.info(name) for name in self._catalogue.entries]

    def roles(self) -> dict[str, str]:
        """Return the model of each role; empty without models."""
        if not self._catalogue.entries:
            return {}
        return {role.value: self._catalogue.choose(role) for role in ModelRole}

    def health(self) -> ModelsHealth:
        """Tell whether models can be asked, without asking one."""
        entries = self._catalogue.entries
        lacking = [
            f"{entry.name} needs {' and '.join(missing)}."
            for entry in entries.values()
            if (missing := entry.missing_variables())
        ]
        advice = " ".join(lacking) if entries else ADVICE
        return ModelsHealth(configured=bool(entries), models=tuple(entries), advice=advice)

    async def usage(
        self,
        group: UsageGroup,
        *,
        user_id: str | None,
        since: str | None = None,
        until: str | None = None,
    ) -> list[UsageSum]:
        """Add up what a user's calls, or everybody's, have used; includes calls just made."""
        await self._writer.flush()
        return await self._repository.sums(group, user_id=user_id, since=since, until=until)

    async def calls_of(
        self, user_id: str, *, before: str | None = None, limit: int = 100
    ) -> list[UsageRecord]:
        """Return a page of a user's calls, newest first; includes calls just made."""
        await self._writer.flush()
        return await self._repository.of_user(user_id, before=before, limit=limit)

    def warm_up(self) -> asyncio.Task[None]:
        """Start everything that takes time, in the background: call it once the server runs.

        Returns:
            What ends when the next call will be as quick as any; nobody needs to wait for it.
        """
        if self._discovering is None and not self._settings.models_file and self._settings.discover:
            self._discovering = asyncio.create_task(self._discover())
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm_up())
        return self._warming

    async def close(self) -> None:
        """Write the usage that waits, close all connections."""
        tasks = [task for task in (self._warming, self._discovering) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._writer.close()
        await self._litellm.close()
        await self._pool.close()

    async def _warm_up(self) -> None:
        self._prices = await asyncio.to_thread(read_price_list)
        self._facts.clear()
        await self._pool.prepare()
        if self._discovering is not None:
            await asyncio.wait([self._discovering])
        own = [entry for entry in self._catalogue.entries.values() if entry.client is None]
        # Without a model that needs it, litellm's 180 MB stay out of memory.
        if own and self._settings.preload:
            self._litellm.start(own)
            await self._litellm.load()

    async def _discover(self) -> None:
        found = await look_around(self._pool, self._environ)
        catalogue = catalogue_of(self._environ, found).with_providers(self._providers)
        # A turn that has just started may hold a name from before the search.
        self._catalogue = msgspec.structs.replace(catalogue, retired=self._catalogue.entries)
        self._facts.clear()
        _log.info("models_found", models=len(self._catalogue.entries))

    async def _discovered(self) -> None:
        """Wait for a search that is under way, where there is nothing to go on without it."""
        own = any(entry.client is None for entry in self._catalogue.entries.values())
        if self._discovering is not None and not own:
            await asyncio.wait([self._discovering])

    def _require_models(self) -> None:
        if not self._catalogue.entries:
            raise NoModelConfigured(ADVICE)

    def _facts_of(self, name: str) -> ModelFacts:
        facts = self._facts.get(name)
        if facts is None:
            entry = self._catalogue.entry(name)
            facts = facts_of(entry.model, self._prices, {**entry.params, **entry.info})
            self._facts[name] = facts
        return facts

    def _cost(self, name: str, usage: Usage) -> float:
        try:
            return cost_of(usage, self._facts_of(name))
        except ModelUnknown:
            # A plugin's client may answer with a name of its own.
            return 0.0

    def _provider_of(self, name: str) -> str:
        entry = self._catalogue.entries.get(name)
        return entry.provider if entry else ""

    def _note(self, call: ModelCalled) -> None:
        self._writer.add(call)
        self._bus.publish(call)


def _code_of(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return error.code if isinstance(error, CodeLabError) else "internal"
