"""`codelab doctor`."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import click

from codelab.cli import checks
from codelab.cli.catalogue import opened_server
from codelab.cli.checks import Finding
from codelab.cli.installation import config_option, read_settings
from codelab.kit import secret_key
from codelab.kit.errors import CodeLabError
from codelab.kit.invocation import as_called
from codelab.settings import Settings
from codelab.workspace.api import WorkspaceSettings, can_confine_itself
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.sandbox.standing import root_advice

_WEAKER = "docs/security.md says what it leaves open and what bubblewrap needs."
_MARKS = {"ok": "✓", "weak": "!", "missing": "✗"}


@click.command()
@config_option
def doctor(config: Path | None) -> None:
    """Find out what is missing or weak on this machine, and how to mend it.

    Exit code 1: something that CodeLab needs is missing. What is only weak does not count.
    """
    findings = asyncio.run(examine(read_settings(config)))
    for finding in findings:
        click.echo(report(finding))
    if any(finding.level == "missing" for finding in findings):
        raise click.exceptions.Exit(1)


def report(finding: Finding) -> str:
    """Write a finding down, with the advice below it."""
    line = f"{_MARKS[finding.level]} {finding.name}: {finding.text}"
    return as_called(f"{line}\n    {finding.mend}" if finding.mend else line)


async def examine(settings: Settings) -> list[Finding]:
    """Run all checks."""
    database, clock = await checks.check_database(settings.database_url)
    return [
        checks.check_python(),
        checks.check_sqlite(),
        database,
        await checks.check_redis(settings.stores.redis_url),
        check_secret(settings),
        await _check_models(settings),
        await _check_sandbox(settings),
        checks.check_program("git", "agents cannot commit", "Install git."),
        checks.check_package("ripgrep", "agents cannot search files"),
        checks.check_index(settings.retrieval.index_engine, is_confined=can_confine_itself()),
        checks.check_disk(settings.data_dir),
        clock,
    ]


def check_secret(settings: Settings) -> Finding:
    """Check the key that signs tokens and seals stored texts."""
    kept = settings.data_dir / "secret.key"
    if settings.secrets.secret_key:
        try:
            secret_key.check(settings.secrets.secret_key)
        except CodeLabError as error:
            return Finding(name="secret", level="missing", text="weak", mend=error.message)
        return Finding(name="secret", level="ok", text="CODELAB_SECRET_KEY")
    if not kept.exists():
        return Finding(name="secret", level="ok", text="will be made on the first start")
    if stat.S_IMODE(kept.stat().st_mode) & 0o077:
        return Finding(
            name="secret",
            level="weak",
            text=f"others may read {kept}",
            mend=f"Run `chmod 600 {kept}`, and think of replacing it: `codelab secret --help`.",
        )
    return Finding(name="secret", level="ok", text=str(kept))


async def _check_models(settings: Settings) -> Finding:
    try:
        async with opened_server(settings) as server:
            health = server.models.health()
    except CodeLabError as error:
        return Finding(name="models", level="missing", text="unusable", mend=error.message)
    if not health.configured:
        return Finding(name="models", level="weak", text="none", mend=health.advice)
    level: checks.Level = "weak" if health.advice else "ok"
    text = f"{', '.join(health.models)} (ask them with `codelab models --check`)"
    return Finding(name="models", level=level, text=text, mend=health.advice)


async def _check_sandbox(settings: Settings) -> Finding:
    chosen = WorkspaceSettings(data_dir=settings.data_dir, sandbox=settings.projects.sandbox)
    standing = await Sandbox(chosen).standing()
    if standing.layer == "none":
        mend = "Without it agents cannot run commands or commit; all else works."
        return Finding(name="sandbox", level="weak", text=standing.reason, mend=mend)
    mend = " ".join(filter(None, (_WEAKER if standing.layer == "landlock" else "", root_advice())))
    level: checks.Level = "weak" if mend else "ok"
    return Finding(name="sandbox", level=level, text=standing.sentence(), mend=mend)
