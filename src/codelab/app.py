"""The composition root: which parts there are, and what each is handed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from litestar import Litestar, Router
from litestar.types import ASGIApp

from codelab import __version__
from codelab.agents.api import (
    AgentRegistry,
    Agents,
    Checkpoints,
    CheckpointUpkeep,
    Compactions,
    Keeper,
    Reviews,
    Services,
    prepare_edited,
)
from codelab.agents.routes import checkpoint_router as checkpoint_routes
from codelab.agents.routes import review_router as review_routes
from codelab.agents.routes import router as compaction_routes
from codelab.audit.api import Audit
from codelab.audit.routes import router as audit_routes
from codelab.auth.api import Auth
from codelab.auth.routes import api_authentication, authentication, setup_pages
from codelab.auth.routes import router as auth_routes
from codelab.gateway.administration import Server, administration_routes
from codelab.gateway.dispatch import Dispatcher
from codelab.gateway.docs_page import docs_routes
from codelab.gateway.export import Export, export_route
from codelab.gateway.file_watching import FileWatches
from codelab.gateway.health import (
    Health,
    database_check,
    disk_check,
    health_routes,
    models_check,
    relay_check,
    sandbox_check,
)
from codelab.gateway.measuring import measure
from codelab.gateway.metrics import Metrics
from codelab.gateway.observing import Observed
from codelab.gateway.presence import Presence
from codelab.gateway.problems import exception_handlers
from codelab.gateway.reminding import Reminder
from codelab.gateway.routes import agents_route, events_route, metrics_route, tools_route
from codelab.gateway.schema import openapi_config
from codelab.gateway.socket import Socket, socket_route
from codelab.gateway.sse import chat_route
from codelab.gateway.stream import Stream
from codelab.gateway.terminal_socket import TerminalSocket, terminal_route
from codelab.hitl.api import (
    ApprovalRecord,
    EditedCall,
    Hitl,
    Rulebook,
)
from codelab.hitl.routes import router as hitl_routes
from codelab.hitl.routes import rule_router as rule_routes
from codelab.kit.bus import Bus
from codelab.kit.cache import open_cache
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.ids import new_id
from codelab.kit.ratelimit import RateLimiter
from codelab.kit.relay import MemoryRelay, RedisRelay, Relay, connect
from codelab.llm.api import (
    AddedModels,
    CatalogueAnswers,
    CatalogueEmbeddings,
    Models,
    ResponseCache,
)
from codelab.llm.routes import Permission, refuse, v1_router
from codelab.llm.routes import router as llm_routes
from codelab.plugins import Plugins, load_plugins
from codelab.retrieval.api import Reranker, Retrieval, Searches
from codelab.retrieval.routes import router as search_routes
from codelab.sdk.tool import Category
from codelab.sessions.api import Sessions, Turns
from codelab.sessions.routes import router as session_routes
from codelab.settings import Settings, modules, secret_keys
from codelab.tools.api import Tools
from codelab.web.interface import Interface
from codelab.web.routes import interface_routes, page_of
from codelab.workspace.api import (
    Explorer,
    Terminals,
    VersionControl,
    Workspaces,
)
from codelab.workspace.routes import router as workspace_routes
from codelab.workspace.terminals.routes import router as terminal_routes
from codelab.workspace.vcs.routes import router as git_routes

_BODY_BYTES = 1024 * 1024
_ANSWERS_BYTES = 32 * 1024 * 1024
_INTERNAL = "x-internal-secret"


@dataclass(frozen=True)
class CodeLab:
    """A whole server, not yet started: the application and what the command line asks of it."""

    asgi: ASGIApp
    db: Database
    auth: Auth
    models: Models
    workspaces: Workspaces
    agents: Agents
    presence: Presence


def create_app(
    settings: Settings, *, folders: Sequence[Path] = (), plugins: Plugins | None = None
) -> CodeLab:
    """Put a server together.

    Args:
        settings: All settings.
        folders: Project folders that every user of this server may open.
        plugins: What is installed, if it was loaded already.

    Raises:
        CodeLabError: A setting, a file it names or a plugin cannot be used.
    """
    installed = plugins or load_plugins()
    keys = secret_keys(settings)
    replica = new_id()

    # Stores and what everything else stands on.
    bus = Bus()
    db = Database(settings.database_url, bus, pool_size=settings.stores.database_pool_size)
    relay = _relay(settings)
    limiter = RateLimiter(settings.stores.redis_url or None)
    cipher = Cipher(keys)

    # Modules, from the lowest layer up.
    auth = Auth(db, modules.auth_settings(settings, keys))
    workspaces = Workspaces(db, modules.workspace_settings(settings))
    sessions = Sessions(db, cipher, workspaces.get, replica=replica)
    turns = Turns(db, cipher, replica=replica)
    answers = _response_cache(settings, keys)
    llm_settings = modules.llm_settings(settings)
    added = AddedModels(db, cipher, llm_settings.allowed)
    models = Models(llm_settings, db, bus, limiter, installed.providers, answers, added)
    agent_registry = AgentRegistry(installed.agents, modules.prompts(settings))

    async def edit(approval: ApprovalRecord, edited: dict[str, Any]) -> EditedCall:
        return await prepare_edited(services, workspaces, approval, edited)

    policy_file = Path(settings.approvals.policy_file).name
    rules = Rulebook(
        db, cipher, modules.server_rules(settings), sessions.get, workspaces.get, policy_file
    )
    rules.count_uses(bus)
    hitl = Hitl(db, cipher, turns, rules, limiter, modules.hitl_settings(settings), edit)
    tools = Tools(
        gate=hitl,
        limiter=limiter,
        bus=bus,
        file_operations_per_hour=settings.projects.file_operations_per_hour,
    )
    tools.register(installed.tools)
    rerank = modules.rerank_settings(settings)
    retrieval = Retrieval(
        workspaces,
        bus,
        db,
        modules.indexing_settings(settings),
        modules.encoder_choice(settings),
        modules.vector_store(settings),
        partial(CatalogueEmbeddings, models),
        Reranker(CatalogueAnswers(models, rerank.model), rerank) if rerank.model else None,
    )
    services = Services(
        db=db,
        bus=bus,
        turns=turns,
        models=models,
        tools=tools,
        hitl=hitl,
        agents=agent_registry,
        keeper=Keeper(workspaces.snapshots, bus) if settings.checkpoints.checkpoints else None,
        retrieval=retrieval,
        gathered_pieces=settings.retrieval.gathered_pieces,
        context_tokens=settings.turns.context_tokens,
        max_steps=settings.turns.max_steps,
        turn_time_s=settings.turns.turn_time_s,
    )
    agents = Agents(services, workspaces)
    upkeep = CheckpointUpkeep(workspaces, turns, bus)
    per_hour = settings.projects.file_operations_per_hour
    checkpoints = Checkpoints(services, sessions, workspaces, limiter, per_hour=per_hour)

    # Edges.
    explorer = Explorer(workspaces, limiter, bus, per_hour=per_hour)
    searches = Searches(retrieval, workspaces, explorer)
    audit = Audit(db, bus, keys)
    metrics = Metrics()
    metrics.watch_database(db)
    metrics.watch_cache("sign_ins", auth.remembered)
    metrics.watch_cache("file_contents", workspaces.contents.looked_up)
    metrics.watch_models(models.rests)
    metrics.watch_indexes(retrieval.figures)
    if models.budget:
        metrics.watch_budget(models.budget.outcomes, models.budget.reserved)
    if answers:
        metrics.watch_cache("model_answers", answers.looked_up)
    measure(bus, metrics)
    installed.subscribe(bus)
    stream = Stream(bus, relay, sessions)
    files = FileWatches(
        bus,
        relay,
        workspaces,
        sessions,
        changes_files=lambda name: tools.get(name).category is not Category.READ,
    )
    dispatcher = Dispatcher(auth, sessions, hitl, stream, files, retrieval.open)
    presence = Presence(auth, metrics.sockets.set)
    reminder = Reminder(bus, relay, hitl, presence)
    socket = Socket(
        auth,
        dispatcher,
        presence,
        reminder,
        allowed_origins=settings.web.allowed_origins,
        version=__version__,
    )
    terminals = Terminals(workspaces, auth.renewed, bus, setting=settings.projects.terminal)
    origins = settings.web.allowed_origins
    terminal_socket = TerminalSocket(auth, terminals, presence, allowed_origins=origins)
    interface = Interface()
    health = Health(
        __version__,
        {
            "database": database_check(db),
            "redis": relay_check(relay),
            "disk": disk_check(settings.data_dir),
            "models": models_check(models),
            "sandbox": sandbox_check(workspaces),
        },
    )

    server = Server(health, db, settings.data_dir, replica, lambda: presence.connections)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        # Closed in the opposite order, each one whatever happens to the others.
        async with AsyncExitStack() as closing:
            closing.push_async_callback(db.close)
            closing.push_async_callback(auth.api_tokens.close)
            closing.push_async_callback(workspaces.close)
            closing.push_async_callback(limiter.close)
            for folder in folders:
                await workspaces.ensure(folder)
            for part in (
                *(relay, bus, audit, models, stream, files, reminder),
                *(upkeep, retrieval, searches, agents, terminals, presence),
            ):
                closing.push_async_callback(part.close)
            for starting in (
                *(relay, bus, audit, stream, upkeep),
                *(retrieval, agents, terminals, presence),
            ):
                await starting.start()
            models.warm_up()
            workspaces.warm_up()
            yield

    api = Router(
        path="/api/v1",
        middleware=[authentication(auth)],
        route_handlers=[
            auth_routes(auth),
            workspace_routes(workspaces, explorer),
            search_routes(searches),
            git_routes(VersionControl(workspaces, limiter, bus, per_hour=per_hour)),
            terminal_routes(terminals),
            session_routes(sessions),
            compaction_routes(Compactions(services, sessions, workspaces)),
            checkpoint_routes(checkpoints),
            events_route(sessions),
            agents_route(agents),
            tools_route(tools),
            hitl_routes(hitl),
            rule_routes(rules),
            review_routes(Reviews(services, workspaces)),
            llm_routes(models, lambda headers: auth.internal_principal(headers.get(_INTERNAL))),
            audit_routes(audit),
            administration_routes(db, server, installed.inventory()),
            export_route(Export(auth, workspaces, sessions, hitl, rules, models, audit.entries_of)),
            chat_route(dispatcher, stream, presence),
            socket_route(socket),
            terminal_route(terminal_socket),
        ],
    )
    litestar = Litestar(
        route_handlers=[
            api,
            v1_router(models, api_authentication(auth), Permission(auth.is_active)),
            setup_pages(auth, partial(page_of, interface)),
            *interface_routes(interface),
            *health_routes(health),
            metrics_route(metrics, auth),
            *docs_routes(),
        ],
        lifespan=[lifespan],
        exception_handlers=exception_handlers({"/v1": refuse}),
        openapi_config=openapi_config(__version__),
        # Ours is set up by the command line, before anything is logged.
        logging_config=None,
        request_max_body_size=_BODY_BYTES,
    )
    return CodeLab(
        asgi=Observed(litestar, metrics, auth),
        db=db,
        auth=auth,
        models=models,
        workspaces=workspaces,
        agents=agents,
        presence=presence,
    )


def _relay(settings: Settings) -> Relay:
    url = settings.stores.redis_url
    return RedisRelay(connect(url)) if url else MemoryRelay()


def _response_cache(settings: Settings, keys: tuple[str, ...]) -> ResponseCache | None:
    keep_s = settings.models.response_cache_s
    if not keep_s:
        return None
    url = settings.stores.redis_url
    cache = open_cache("model-answers", url, keys, memory_bytes=_ANSWERS_BYTES)
    return ResponseCache(cache, keep_s)
