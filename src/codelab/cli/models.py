"""`codelab models`."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click
import msgspec

from codelab.cli.catalogue import opened_models
from codelab.cli.installation import config_option, prepare_database, read_settings
from codelab.kit.errors import CodeLabError
from codelab.llm.api import Attribution, Models
from codelab.sdk import ModelRequest
from codelab.sdk.messages import UserMessage
from codelab.settings import Settings

_QUESTION = "Answer with the single word: ready"
_ANSWER_TOKENS = 200


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How a model answered the check; `problem` is empty if it did."""

    seconds: float = 0.0
    problem: str = ""


@click.command()
@click.option("--check", is_flag=True, help="Ask each model a short question. This may cost money.")
@config_option
def models(check: bool, config: Path | None) -> None:
    """Show the configured models and which one serves what.

    Without a models file, OPENAI_API_KEY, ANTHROPIC_API_KEY, OPENAI_BASE_URL and an Ollama on
    this machine are found by themselves. Exit code 1: there is none, or one does not answer.
    """
    if not asyncio.run(_show(read_settings(config), check)):
        raise click.exceptions.Exit(1)


async def _show(settings: Settings, check: bool) -> bool:
    await prepare_database(settings.database_url)
    async with opened_models(settings) as models:
        health = models.health()
        for info in models.catalogue():
            line = f"{info.name}  ({info.provider}, {info.context_tokens:,} tokens)"
            click.echo(f"{line}  {info.description}".rstrip())
        for role, name in models.roles().items():
            click.echo(f"  {role}: {name}")
        if health.advice:
            click.echo(health.advice)
        if not check:
            return health.configured
        good = health.configured
        for name in health.models:
            answer = await _ask(models, name)
            click.echo(f"{name}: {answer.problem or f'answers in {answer.seconds:.1f} s'}")
            good = good and not answer.problem
        return good


async def _ask(models: Models, name: str) -> Answer:
    request = ModelRequest(
        model=name,
        messages=(UserMessage(text=_QUESTION),),
        max_output_tokens=_ANSWER_TOKENS,
    )
    started = time.monotonic()
    try:
        completion = await models.stream(
            request, lambda delta: None, attribution=Attribution(), fresh=True
        )
    except CodeLabError as error:
        return Answer(problem=error.message)
    if completion.model != name:
        return Answer(problem=f"does not answer; {completion.model} answered in its place")
    return Answer(seconds=time.monotonic() - started)
