"""The model layer as one service: catalogue, limits, fallback, usage."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.errors import RateLimited, Unavailable
from codelab.kit.ratelimit import RateLimiter
from codelab.llm.accounting.accounted import Accounted, Books, OnUsage
from codelab.llm.accounting.budget import Budget
from codelab.llm.accounting.calls import Attribution, CallRecord
from codelab.llm.accounting.repository import (
    UsageFilter,
    UsageGroup,
    UsageRecord,
    UsageRepository,
    UsageSum,
)
from codelab.llm.accounting.standing import Standing
from codelab.llm.accounting.usage import UsageWriter
from codelab.llm.catalog.added_models import AddedModels
from codelab.llm.catalog.entries import Catalogue, describe
from codelab.llm.catalog.overview import Overview, overview
from codelab.llm.catalog.prices import UNKNOWN, ModelFacts, cost_of, facts_of, read_price_list
from codelab.llm.catalog.source import CatalogueSource
from codelab.llm.circuits import Circuits, RestingModel
from codelab.llm.errors import ModelUnknown, NoModelConfigured
from codelab.llm.fallback import OnWaiting, WithFallback
from codelab.llm.health import ADVICE, ModelsHealth, health_of
from codelab.llm.providers.client import ProviderClient
from codelab.llm.providers.embeddings import INPUT
from codelab.llm.providers.http_pool import HttpPool
from codelab.llm.providers.litellm_library import LiteLLM
from codelab.llm.request_limit import RequestLimited
from codelab.llm.response_cache import ResponseCache, WithResponseCache
from codelab.llm.settings import LlmSettings
from codelab.llm.time_limits import TimeLimited
from codelab.sdk.agent import ModelRole
from codelab.sdk.model import (
    Completion,
    ModelClient,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    OnDelta,
    Usage,
)


class Models:
    """The one way to models.

    Args:
        settings: The module's settings.
        db: Where usage is written.
        bus: Where calls are announced.
        limiter: Counts each user's calls.
        providers: Models that plugins bring.
        response_cache: Keeps answers for identical requests, and is closed with the layer; none:
            each is asked anew.
        added: Models that administrators add while the server runs; closed with the layer.
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
        response_cache: ResponseCache | None = None,
        added: AddedModels | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._limiter = limiter
        self._providers = tuple(providers)
        self._response_cache = response_cache
        self.added = added
        self._repository = UsageRepository(db)
        self._writer = UsageWriter(self._repository)
        self.budget = Budget(db, settings.caps) if settings.caps.limits() else None
        self._books = Books(bus, self._writer, self.budget)
        self._pool = HttpPool(settings.allowed)
        self._litellm = LiteLLM()
        self._prices: Mapping[str, ModelFacts] = {}
        self._facts: dict[str, ModelFacts] = {}
        self._pricing = asyncio.Lock()
        self._warming: asyncio.Task[None] | None = None
        brought = [model.name for each in self._providers for model in each.models]
        self._source = CatalogueSource(settings, environ, brought, self._pool, self._assemble)
        self._catalogue = Catalogue()
        self._assemble()
        if added:
            added.follow(self._assemble)
        self._circuits = Circuits(settings.circuit, lambda name: self._catalogue.find(name))
        self._client = TimeLimited(
            ProviderClient(lambda: self._catalogue, self._litellm, self._pool),
            settings.time_limits,
        )

    async def stream(
        self,
        request: ModelRequest,
        on_delta: OnDelta,
        *,
        attribution: Attribution,
        on_waiting: OnWaiting | None = None,
        on_usage: OnUsage | None = None,
        fresh: bool = False,
        chain_of: str | None = None,
    ) -> Completion:
        """Run a request; each piece goes to `on_delta` at once, in the reader's own callback.

        Cancelling the awaiting task closes the connection to the model. A model that fails before
        its first piece is retried, then replaced by the next of its chain.

        Args:
            request: What to ask, and which model of the catalogue.
            on_delta: Takes each piece of text or reasoning; must not block.
            attribution: On whose account.
            on_waiting: Told when it takes longer, and why; without it the call does not wait for
                providers that limit requests.
            on_usage: Told, once for each, the id, the model and the usage of each row that the
                table gets.
            fresh: Whether an answer that was kept for an identical request will not do.
            chain_of: The agent whose chain follows the model; without it whoever asks.

        Raises:
            RateLimited: The user has made too many calls within an hour.
            BudgetExhausted: A cap on what may be spent is in the way.
            NoModelConfigured: There is no model; says what to set.
            NoModelAvailable: No model of the chain answered; says what was tried.
            ModelError: The model failed otherwise; see `llm.errors`.
        """
        await self.discovered()
        self._require_models()
        entry = self._catalogue.entry(request.model, retired=False)
        if self.budget:
            await self._priced()
        record = CallRecord(request, attribution, on_delta, self._cost)
        # From the inside out; a kept answer counts against no limit.
        client: ModelClient = WithFallback(
            Accounted(self._client, record, self._books, self, on_usage),
            self._catalogue.chain(entry.name, chain_of or attribution.agent)
            # Another model's vectors mean nothing beside this one's.
            if INPUT not in request.options
            else (entry.name,),
            self._settings.retry,
            self._circuits,
            self.window,
            record.failed_attempt,
            on_waiting,
        )
        client = RequestLimited(
            client, self._limiter, self._settings.requests_per_hour, attribution.user_id
        )
        if self._response_cache:
            client = WithResponseCache(
                client, self._response_cache, entry=entry, owner=attribution.user_id, fresh=fresh
            )
        try:
            answer = await client.stream(request, record.take)
        except RateLimited:
            # No model was asked.
            raise
        except BaseException as error:
            if not record.is_noted:
                await self._books.note(record.failed(error, self.provider), on_usage)
            raise
        if not record.is_noted:
            # It came from the cache: nobody was asked.
            answer = record.complete(answer)
            await self._books.note(record.finished(answer, self.provider(answer.model)), on_usage)
        return answer

    async def try_out(
        self, request: ModelRequest, on_delta: OnDelta, attribution: Attribution
    ) -> Completion:
        """Ask this very model, once: no other in its place, and whether or not it rests.

        Raises:
            BudgetExhausted: A cap on what may be spent is in the way.
            ModelError: The model failed; see `llm.errors`.
        """
        if self.budget:
            await self._priced()
        record = CallRecord(request, attribution, on_delta, self._cost)
        client = Accounted(self._client, record, self._books, self, None)
        return await client.stream(request, record.take)

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
            return self._catalogue.entry(requested, retired=False).name
        return self._catalogue.choose(role, agent)

    def is_taken(self, name: str) -> bool:
        """Tell whether a model, or an alias of one, has this name."""
        return name in self._catalogue.entries or name in self._catalogue.aliases

    def window(self, name: str) -> int:
        """Return the size of a model's window in tokens."""
        return self.info(name).context_tokens

    def info(self, name: str) -> ModelInfo:
        """Describe a model.

        Raises:
            ModelUnknown: There is none of this name.
        """
        entry = self._catalogue.entry(name)
        return entry.offered or describe(entry, self.facts(name))

    def catalogue(self) -> list[ModelInfo]:
        """Describe all models."""
        return [self.info(name) for name in self._catalogue.entries]

    def overview(self) -> Overview:
        """Describe all models and who asks which, for administrators."""
        return overview(self._catalogue, self.info, self.facts)

    def resting(self) -> list[RestingModel]:
        """Describe the models that are not asked for the moment, since they have just failed."""
        return self._circuits.resting(self._catalogue.entries)

    def rests(self) -> list[tuple[str, float]]:
        """Return each model with the seconds until it is tried again, zero while it is well."""
        return [(name, self._circuits.rest_s(name)) for name in self._catalogue.entries]

    def preferred(self, name: str, agent: str) -> str:
        """Return which model an agent's request for this one would go to now."""
        return self._circuits.preferred(self._catalogue.chain(name, agent))

    def roles(self) -> dict[str, str]:
        """Return the model of each role; empty without models."""
        if not self._catalogue.entries:
            return {}
        return {role.value: self._catalogue.choose(role) for role in ModelRole}

    def health(self) -> ModelsHealth:
        """Tell whether models can be asked, without asking one."""
        return health_of(self._catalogue.entries, self._providers, self._source.complaint)

    async def usage(self, group: UsageGroup, chosen: UsageFilter) -> list[UsageSum]:
        """Add up what calls have used; includes calls just made."""
        await self._flush()
        return await self._repository.sums(group, chosen)

    async def take_from_turn(self, numbers: Collection[str]) -> None:
        """Have the rows of these calls name no turn, whose figure does not hold them.

        Raises:
            Unavailable: The database does not answer, or not all of them are written yet: nothing
                has changed, and this may be tried again.
        """
        await self._flush()
        if self.budget and self.budget.is_settling(numbers):
            raise Unavailable("The calls are not settled yet.")
        await self._repository.take_from_turn(numbers)

    async def standing(self, user_id: str, *, session_id: str = "") -> list[Standing]:
        """Say how the caps stand that hold for a user's calls, or for those in a session."""
        if self.budget is None:
            return []
        return await self.budget.standing(user_id, session_id=session_id)

    @property
    def requests_per_hour(self) -> int:
        """How many calls a user may make within an hour."""
        return self._settings.requests_per_hour

    async def calls_of(
        self, user_id: str, *, before: str | None = None, limit: int = 100
    ) -> list[UsageRecord]:
        """Return a page of a user's calls, newest first; includes calls just made."""
        await self._flush()
        return await self._repository.of_user(user_id, before=before, limit=limit)

    def warm_up(self) -> asyncio.Task[None]:
        """Start everything that takes time, in the background: call it once the server runs.

        Returns:
            What ends when the next call will be as quick as any; nobody needs to wait for it.
        """
        self._source.start()
        if self.added:
            self.added.start()
        if self.budget:
            self.budget.start()
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm_up())
        return self._warming

    async def close(self) -> None:
        """Write the usage that waits, close all connections."""
        if self._warming:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await self._source.close()
        if self.added:
            await self.added.close()
        if self.budget:
            await self.budget.close()
        await self._writer.close()
        if self._response_cache:
            await self._response_cache.close()
        closing = [provider.close() for provider in self._providers if provider.close]
        await asyncio.gather(*closing, return_exceptions=True)
        await self._litellm.close()
        await self._pool.close()

    async def _warm_up(self) -> None:
        await self._priced()
        await self._pool.prepare()
        await self._source.searched()
        own = [entry for entry in self._catalogue.entries.values() if entry.client is None]
        # Without a model that needs it, litellm's 180 MB stay out of memory.
        if own and self._settings.preload:
            self._litellm.start(own)
            await self._litellm.load()

    async def _priced(self) -> None:
        """Have the price list at hand: what a call may cost is reckoned before it is made."""
        async with self._pricing:
            if not self._prices:
                self._prices = await asyncio.to_thread(read_price_list)
                self._facts.clear()

    async def _flush(self) -> None:
        if self.budget:
            await self.budget.flush()
        await self._writer.flush()

    def _assemble(self) -> None:
        """Put the catalogue together, from all that there are models from."""
        added = self.added.entries if self.added else {}
        catalogue = self._source.catalogue.with_added(added).with_providers(self._providers)
        self._catalogue = catalogue.following(self._catalogue)
        self._facts.clear()

    async def discovered(self) -> None:
        """Wait for a search that is under way, where there is nothing to go on without it.

        Who asks before may be told of no model, or be given a plugin's in a real one's place.
        """
        if self.added:
            await self.added.read()
        own = any(entry.client is None for entry in self._catalogue.entries.values())
        if not own:
            await self._source.searched()

    def _require_models(self) -> None:
        if not self._catalogue.entries:
            raise NoModelConfigured(ADVICE)

    def facts(self, name: str) -> ModelFacts:
        """Return a model's prices and window; unknown ones for a name that a client made up."""
        known = self._facts.get(name)
        if known is None:
            try:
                entry = self._catalogue.entry(name)
            except ModelUnknown:
                return UNKNOWN
            known = facts_of(entry.model, self._prices, {**entry.params, **entry.info})
            self._facts[name] = known
        return known

    def provider(self, name: str) -> str:
        """Return who runs a model; empty for a name that a client made up."""
        entry = self._catalogue.find(name)
        return entry.provider if entry else ""

    def _cost(self, name: str, usage: Usage) -> float:
        return cost_of(usage, self.facts(name))
