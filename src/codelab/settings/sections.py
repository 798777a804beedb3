"""What can be set: one frozen Struct for each part of the server."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from codelab.kit.sections import Section

_MONTH_S = 30 * 24 * 3600


class Stores(Section, frozen=True, kw_only=True):
    """Where data lives."""

    data_dir: Annotated[
        str, Meta(description="The folder for the embedded database, the key and the demo.")
    ] = ""
    database_url: Annotated[
        str,
        Meta(
            pattern=r"^$|^(sqlite\+aiosqlite|postgresql\+asyncpg)://",
            description="`postgresql+asyncpg://user:password@host/name`; empty: SQLite in the "
            "data folder.",
        ),
    ] = ""
    database_pool_size: Annotated[
        int, Meta(ge=1, le=200, description="Database connections that are kept open.")
    ] = 10
    redis_url: Annotated[
        str,
        Meta(
            pattern="^$|^(rediss?|unix)://",
            description="`redis://host:6379/0` for several replicas; empty: in memory.",
        ),
    ] = ""


class Secrets(Section, frozen=True, kw_only=True):
    """What must stay secret."""

    secret_key: Annotated[
        str,
        Meta(
            description="Signs tokens and seals stored texts; make one with `codelab secret`. "
            "Empty: one is made on the first start and kept in the data folder."
        ),
    ] = ""
    secret_keys_previous: Annotated[
        tuple[str, ...],
        Meta(
            description="Former keys, which still open what they sealed and verify what they "
            "signed; comma-separated."
        ),
    ] = ()
    internal_secret: Annotated[
        str,
        Meta(
            description="What other services send as `X-Internal-Secret`, made like the "
            "key; empty: none may call."
        ),
    ] = ""


class Web(Section, frozen=True, kw_only=True):
    """Who may connect, and how."""

    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins besides the server's own that may connect; comma-separated."),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Addresses or networks whose X-Forwarded-For is believed."),
    ] = ()


class Projects(Section, frozen=True, kw_only=True):
    """Project folders, tools and commands."""

    workspaces_root: Annotated[
        tuple[str, ...],
        Meta(
            description="Folders below which users may open projects; empty: only those given to "
            "`serve --workspace`."
        ),
    ] = ()
    allowed_hidden: Annotated[
        tuple[str, ...],
        Meta(description="Patterns of hidden files that agents may read and write."),
    ] = (".github/", ".env.example", ".gitignore", ".editorconfig")
    sandbox: Annotated[
        Literal["auto", "bwrap", "landlock", "none"],
        Meta(
            description="How commands are boxed in: `auto` uses bubblewrap, where that cannot work "
            "Landlock, and refuses commands where neither does; `bwrap` and `landlock` allow only "
            "that one; `none` refuses all commands. See docs/security.md."
        ),
    ] = "auto"
    sandbox_guarded: Annotated[
        tuple[str, ...],
        Meta(
            description="Further paths in projects that commands may not change, such as settings "
            "of an editor; docs/security.md lists those that are guarded anyway."
        ),
    ] = ()
    sandbox_read_only: Annotated[
        tuple[str, ...],
        Meta(description="Further folders that commands may read, such as a toolchain."),
    ] = ()
    sandbox_network: Annotated[
        tuple[str, ...],
        Meta(
            description="What commands may reach: `host`, `host:port` or `*.host`, ports 443 and "
            "80 where none is named; comma-separated. Empty: no network. See docs/security.md."
        ),
    ] = ()
    git_remotes: Annotated[
        tuple[str, ...],
        Meta(
            description="Hosts, written in the same way, with which agents may exchange commits "
            "over https after a human's approval. Empty: with none."
        ),
    ] = ()
    git_credentials_file: Annotated[
        str,
        Meta(description="A TOML file with user names and passwords for these hosts, mode 0600."),
    ] = ""
    terminal: Annotated[
        Literal["on", "admins", "off"],
        Meta(
            description="Who may open terminals in the browser: everybody in their own projects, "
            "administrators only, or nobody. See docs/terminal.md."
        ),
    ] = "on"
    file_operations_per_hour: Annotated[
        int, Meta(ge=1, description="File operations per user and hour.")
    ] = 1000


class Checkpoints(Section, frozen=True, kw_only=True):
    """What is kept so that an agent's work can be undone. See docs/undo.md."""

    checkpoints: Annotated[
        bool, Meta(description="Keep what projects were before and after agents change them.")
    ] = True
    checkpoints_dir: Annotated[
        str,
        Meta(
            description="Where it is kept; empty: `checkpoints` in the data folder. Several "
            "replicas need one folder that all of them see."
        ),
    ] = ""
    checkpoints_workspace_mb: Annotated[
        int, Meta(ge=1, description="Megabytes kept of one project; the oldest go first.")
    ] = 1000
    checkpoints_total_mb: Annotated[
        int, Meta(ge=1, description="Megabytes kept of all projects together.")
    ] = 20_000


class Approvals(Section, frozen=True, kw_only=True):
    """How humans are asked."""

    hitl_timeout_s: Annotated[
        float, Meta(gt=0, le=_MONTH_S, description="Seconds an approval waits for an answer.")
    ] = 300
    approval_requests_per_hour: Annotated[
        int, Meta(ge=1, description="Approval requests per user and hour.")
    ] = 50
    policy_file: Annotated[
        str, Meta(description="A TOML file with rules that allow, ask or deny; see docs/policy.md.")
    ] = ""


class ModelAccess(Section, frozen=True, kw_only=True):
    """Which models there are, and how long they may take."""

    models_file: Annotated[
        str,
        Meta(
            description="`models.yaml` in LiteLLM's form; empty: `models.yaml` in the data folder "
            "if it is there, else what OPENAI_API_KEY, ANTHROPIC_API_KEY and a local Ollama offer."
        ),
    ] = ""
    llm_requests_per_hour: Annotated[
        int, Meta(ge=1, description="Model calls per user and hour.")
    ] = 100
    first_token_timeout_s: Annotated[
        float,
        Meta(gt=0, le=_MONTH_S, description="Seconds until a model must have begun to answer."),
    ] = 30
    litellm_preload: Annotated[
        bool,
        Meta(
            description="Load litellm in the background after the start. Off: when a call first "
            "needs it, which saves 180 MiB where every model speaks OpenAI's format at an address "
            "of its own."
        ),
    ] = True
    token_timeout_s: Annotated[
        float, Meta(gt=0, le=_MONTH_S, description="Seconds a model may pause within an answer.")
    ] = 60
    answer_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            le=_MONTH_S,
            description="Seconds until a model's answer must have come to its end, however "
            "steadily it comes: 4,096 tokens of a slow one at home. Then it is cut off.",
        ),
    ] = 1200
    embedding_timeout_s: Annotated[
        float, Meta(gt=0, le=_MONTH_S, description="Seconds a model has for a request's vectors.")
    ] = 120
    model_wait_s: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds a turn waits, in all, for a provider that limits requests when "
            "no other model can answer; its user sees until when. Programs are told at once.",
        ),
    ] = 90
    model_addresses: Annotated[
        tuple[str, ...],
        Meta(
            description="Inner addresses that models may have which administrators add while the "
            "server runs: hosts, host:port, networks; comma-separated. Public ones need none."
        ),
    ] = ()
    response_cache_s: Annotated[
        float,
        Meta(
            ge=0,
            le=_MONTH_S,
            description="Seconds for which a user's identical request gets the same answer again, "
            "without a call; 0: never.",
        ),
    ] = 0


class Budgets(Section, frozen=True, kw_only=True):
    """What models may cost, in US dollars; 0 is no cap. See docs/budgets.md."""

    turn_budget_usd: Annotated[
        float, Meta(ge=0, description="The most that one turn may cost, its sub-tasks included.")
    ] = 0
    session_budget_usd: Annotated[
        float, Meta(ge=0, description="The most that one session may cost.")
    ] = 0
    user_day_budget_usd: Annotated[
        float, Meta(ge=0, description="The most that one user may cost in a day (UTC).")
    ] = 0
    server_day_budget_usd: Annotated[
        float, Meta(ge=0, description="The most that all users together may cost in a day (UTC).")
    ] = 0
    unpriced_models: Annotated[
        Literal["allow", "refuse"],
        Meta(
            description="Whether models without a known price may be asked while there is a cap, "
            "which cannot count them. A price of 0 is a known one."
        ),
    ] = "allow"


class Turns(Section, frozen=True, kw_only=True):
    """What one turn may take."""

    context_tokens: Annotated[
        int, Meta(ge=2000, description="Tokens of a prompt, and never more than the model takes.")
    ] = 100_000
    max_steps: Annotated[
        int, Meta(ge=1, le=1000, description="Model calls of one agent within one task.")
    ] = 50
    turn_time_s: Annotated[
        float,
        Meta(
            gt=0,
            le=_MONTH_S,
            description="Seconds that one turn may be worked on, the time in which it waits for a "
            "human not counted.",
        ),
    ] = 3600
    prompts_dir: Annotated[
        str,
        Meta(description="A folder with NAME.md files that replace the agents' own prompts."),
    ] = ""


class Logs(Section, frozen=True, kw_only=True):
    """What is logged, and how."""

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least level logged.")
    ] = "info"
    log_format: Annotated[
        Literal["json", "console"], Meta(description="One JSON object a line, or text for people.")
    ] = "console"
