"""All settings: one frozen Struct per module, read from the environment and a TOML file.

Each field is `CODELAB_` plus its name in capitals in the environment, and its own name in the
file. docs/settings.md is generated from `sections`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from codelab.kit import secret_key
from codelab.kit.sections import Section, SettingsInvalid, read_section
from codelab.settings.retrieval import Retrieval
from codelab.settings.sections import (
    Approvals,
    Budgets,
    Checkpoints,
    Logs,
    ModelAccess,
    Projects,
    Secrets,
    Stores,
    Turns,
    Web,
)

PREFIX = "CODELAB_"
# Variables that belong to the terminal client, the front desk and the tests, not to the server.
_OF_THE_CLIENT = (
    "CODELAB_USERNAME",
    "CODELAB_PASSWORD",
    "CODELAB_SERVER",
    "CODELAB_INVOKED_AS",
)
_OF_THE_TESTS = "CODELAB_TEST_"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All sections."""

    stores: Stores = Stores()
    secrets: Secrets = Secrets()
    web: Web = Web()
    projects: Projects = Projects()
    checkpoints: Checkpoints = Checkpoints()
    retrieval: Retrieval = Retrieval()
    approvals: Approvals = Approvals()
    models: ModelAccess = ModelAccess()
    budgets: Budgets = Budgets()
    turns: Turns = Turns()
    logs: Logs = Logs()
    config_file: str = ""

    @property
    def data_dir(self) -> Path:
        """The data folder: the one that is set, or the user's own."""
        if self.stores.data_dir:
            return Path(self.stores.data_dir).expanduser().resolve()
        home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
        return Path(home).expanduser() / "codelab"

    @property
    def private_files(self) -> tuple[str, ...]:
        """Files that settings name and that no command of an agent may see."""
        named = (
            self.config_file,
            self.models.models_file,
            self.approvals.policy_file,
            self.projects.git_credentials_file,
        )
        database = self.database_url.partition(":///")[2]
        embedded = self.database_url.startswith("sqlite") and database
        return tuple(name for name in (*named, embedded) if name)

    @property
    def own_paths(self) -> tuple[Path, ...]:
        """CodeLab's own data and settings, resolved: no workspace may hold them."""
        folders = (self.checkpoints.checkpoints_dir, self.retrieval.index_dir)
        names = (*self.private_files, *folders)
        files = (Path(name).expanduser().resolve() for name in names if name)
        return (self.data_dir.resolve(), *files)

    @property
    def database_url(self) -> str:
        """The database's address: the one that is set, or SQLite in the data folder."""
        return self.stores.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'codelab.db'}"


SECTIONS: dict[str, type[Section]] = {
    field.name: field.type
    for field in msgspec.structs.fields(Settings)
    if isinstance(field.type, type) and issubclass(field.type, Section)
}


def load(environ: Mapping[str, str], config: Path | None = None) -> Settings:
    """Read the settings; the environment wins over the file.

    Raises:
        SettingsInvalid: A name is unknown or a value cannot be used; names which.
    """
    values: dict[str, Any] = _read_file(config) if config else {}
    for name, value in environ.items():
        if name.startswith(PREFIX) and _is_ours(name):
            values[name.removeprefix(PREFIX).lower()] = value
    _refuse_unknown(values)
    return Settings(
        stores=read_section(Stores, values, prefix=PREFIX),
        secrets=read_section(Secrets, values, prefix=PREFIX),
        web=read_section(Web, values, prefix=PREFIX),
        projects=read_section(Projects, values, prefix=PREFIX),
        checkpoints=read_section(Checkpoints, values, prefix=PREFIX),
        retrieval=read_section(Retrieval, values, prefix=PREFIX),
        approvals=read_section(Approvals, values, prefix=PREFIX),
        models=read_section(ModelAccess, values, prefix=PREFIX),
        budgets=read_section(Budgets, values, prefix=PREFIX),
        turns=read_section(Turns, values, prefix=PREFIX),
        logs=read_section(Logs, values, prefix=PREFIX),
        config_file=str(config) if config else "",
    )


def _is_ours(variable: str) -> bool:
    return variable not in _OF_THE_CLIENT and not variable.startswith(_OF_THE_TESTS)


def secret_keys(settings: Settings) -> tuple[str, ...]:
    """Return the installation's secret keys, the current one first.

    Raises:
        SecretKeyWeak: The configured key can be guessed.
    """
    configured = settings.secrets.secret_key
    if configured:
        secret_key.check(configured)
    current = configured or secret_key.read_or_make(settings.data_dir)
    return (current, *settings.secrets.secret_keys_previous)


def internal_secret(settings: Settings) -> str:
    """Return what other services send, empty when none may call.

    Raises:
        SecretKeyWeak: It can be guessed.
    """
    secret = settings.secrets.internal_secret
    if secret:
        secret_key.check(secret, "CODELAB_INTERNAL_SECRET")
    return secret


def _read_file(config: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(config.read_text("utf-8"))
    except OSError as error:
        raise SettingsInvalid(f"The settings file {config} cannot be read.") from error
    except ValueError as error:
        # Its text may quote the file, and with it a secret; where the trouble is does not.
        place = re.search(r"\(at [^)]*\)", str(error))
        where = f" {place[0]}" if place else ""
        raise SettingsInvalid(f"The settings file {config} is not valid TOML{where}.") from None
    return {name.lower(): value for name, value in content.items()}


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    known = [name for kind in SECTIONS.values() for name in kind.__struct_fields__]
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {PREFIX}{near[0].upper()}?" if near else ""
            raise SettingsInvalid(f"There is no setting {PREFIX}{name.upper()}.{hint}")
