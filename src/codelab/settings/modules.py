"""What each module is told of the settings."""

from __future__ import annotations

from pathlib import Path

from codelab.auth.api import AuthSettings
from codelab.hitl.api import HitlSettings, Rule, read_rules
from codelab.llm.api import Caps, LlmSettings, RetryPolicy, TimeLimits, parse_allowed
from codelab.retrieval.api import EncoderChoice, IndexingSettings, RerankSettings, StoreChoice
from codelab.settings.loading import Settings, internal_secret
from codelab.workspace.api import Keeping, WorkspaceSettings, read_networks


def prompts(settings: Settings) -> dict[str, str]:
    """Read the prompts with which an administrator replaces built-in ones, by agent."""
    if not settings.turns.prompts_dir:
        return {}
    files = Path(settings.turns.prompts_dir).glob("*.md")
    return {file.stem: file.read_text("utf-8") for file in files}


def auth_settings(settings: Settings, keys: tuple[str, ...]) -> AuthSettings:
    """Say how people sign in."""
    return AuthSettings(
        secrets=keys,
        internal_secret=internal_secret(settings),
        trusted_proxies=settings.web.trusted_proxies,
    )


def workspace_settings(settings: Settings) -> WorkspaceSettings:
    """Say where projects lie and what may be done in them."""
    projects = settings.projects
    return WorkspaceSettings(
        data_dir=settings.data_dir,
        roots=tuple(Path(root) for root in projects.workspaces_root),
        allowed_hidden=projects.allowed_hidden,
        sandbox=projects.sandbox,
        guarded=projects.sandbox_guarded,
        hidden_paths=settings.own_paths[1:],
        extra_read_only=tuple(Path(folder) for folder in projects.sandbox_read_only),
        file_operations_per_hour=projects.file_operations_per_hour,
        networks=read_networks(
            projects.sandbox_network, projects.git_remotes, projects.git_credentials_file
        ),
        checkpoints_dir=_checkpoints_dir(settings),
        keeping=Keeping(
            workspace_mb=settings.checkpoints.checkpoints_workspace_mb,
            total_mb=settings.checkpoints.checkpoints_total_mb,
        ),
    )


def _checkpoints_dir(settings: Settings) -> Path | None:
    chosen = settings.checkpoints.checkpoints_dir
    return Path(chosen).expanduser().resolve() if chosen else None


def encoder_choice(settings: Settings) -> EncoderChoice:
    """Say what makes vectors of code."""
    retrieval = settings.retrieval
    return EncoderChoice(model=retrieval.embedding_model, dimensions=retrieval.embedding_dimensions)


def vector_store(settings: Settings) -> StoreChoice:
    """Say where vectors are kept."""
    retrieval = settings.retrieval
    return StoreChoice(
        engine=retrieval.vector_store,
        qdrant_url=retrieval.qdrant_url,
        qdrant_api_key=retrieval.qdrant_api_key,
    )


def indexing_settings(settings: Settings) -> IndexingSettings:
    """Say where indexes of projects are and how often they are compared."""
    retrieval = settings.retrieval
    chosen = retrieval.index_dir
    return IndexingSettings(
        folder=Path(chosen).expanduser().resolve() if chosen else settings.data_dir / "index",
        engine=retrieval.index_engine,
        allowed_hidden=settings.projects.allowed_hidden,
        reconcile_s=retrieval.index_reconcile_s,
        rebuild_s=retrieval.index_rebuild_s,
    )


def rerank_settings(settings: Settings) -> RerankSettings:
    """Say which model puts into order what agents find."""
    retrieval = settings.retrieval
    return RerankSettings(
        model=retrieval.rerank_model,
        timeout_s=retrieval.rerank_timeout_s,
        cost_usd=retrieval.rerank_cost_usd,
    )


def llm_settings(settings: Settings) -> LlmSettings:
    """Say which models there are and how they are asked."""
    access = settings.models
    default = settings.data_dir / "models.yaml"
    chosen = Path(access.models_file) if access.models_file else default
    return LlmSettings(
        models_file=chosen,
        models_file_optional=not access.models_file,
        time_limits=TimeLimits(
            first_token_s=access.first_token_timeout_s,
            idle_s=access.token_timeout_s,
            answer_s=access.answer_timeout_s,
            embedding_s=access.embedding_timeout_s,
        ),
        requests_per_hour=access.llm_requests_per_hour,
        preload=access.litellm_preload,
        retry=RetryPolicy(longest_wait_s=access.model_wait_s),
        caps=_caps(settings),
        allowed=parse_allowed(access.model_addresses),
    )


def _caps(settings: Settings) -> Caps:
    budgets = settings.budgets
    return Caps(
        turn_usd=budgets.turn_budget_usd,
        session_usd=budgets.session_budget_usd,
        user_day_usd=budgets.user_day_budget_usd,
        server_day_usd=budgets.server_day_budget_usd,
        refuse_unpriced=budgets.unpriced_models == "refuse",
    )


def hitl_settings(settings: Settings) -> HitlSettings:
    """Say how long a human is waited for."""
    approvals = settings.approvals
    return HitlSettings(
        timeout_s=approvals.hitl_timeout_s,
        requests_per_hour=approvals.approval_requests_per_hour,
        policy_file=Path(approvals.policy_file).resolve() if approvals.policy_file else None,
    )


def server_rules(settings: Settings) -> tuple[Rule, ...]:
    """Read the policy of the whole server."""
    file = settings.approvals.policy_file
    return read_rules(Path(file)) if file else ()
