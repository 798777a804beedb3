"""`codelab models`."""

from __future__ import annotations

import asyncio
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from codelab.cli.catalogue import opened_server
from codelab.cli.installation import config_option, prepare_database, read_settings
from codelab.kit.errors import CodeLabError
from codelab.llm.api import Attribution, ModelLine, Models, Overview, embedding_request
from codelab.sdk import ModelInfo, ModelRequest
from codelab.sdk.messages import UserMessage
from codelab.settings import Settings

_QUESTION = "Answer with the single word: ready"
_ANSWER_TOKENS = 200
_COLUMNS = 100


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


def lines_of(overview: Overview, agents: dict[str, str]) -> Iterator[str]:
    """Write the overview down, in lines that fit a terminal.

    Args:
        overview: The models, and who asks which.
        agents: The role of each agent.
    """
    for line in overview.models:
        yield from _lines_of_model(line)
    if not overview.models:
        return
    yield ""
    for role, chain in overview.roles.items():
        mine = [name for name, asked in agents.items() if asked == role]
        served = f"  ({', '.join(mine)})" if mine else ""
        yield from _wrapped(f"{role}: {' → '.join(chain)}{served}")
    for agent, chain in overview.agents.items():
        yield from _wrapped(f"{agent} (its own): {' → '.join(chain)}")


def _lines_of_model(line: ModelLine) -> Iterator[str]:
    info = line.info
    yield f"{info.name}  ({line.model or info.provider})"
    able = [
        ability
        for ability, has in (
            ("tools", info.tools),
            ("images", info.images),
            ("reasoning", info.reasoning),
        )
        if has
    ]
    chat = info.kind == "chat"
    facts = [
        ", ".join([info.kind, *(able if chat else [])]),
        f"window {info.context_tokens:,}",
        *([f"answer {info.max_output_tokens:,}"] if chat else []),
        _price(line),
    ]
    yield from _wrapped("; ".join(facts))
    known_as = f"also {', '.join(line.aliases)}; " if line.aliases else ""
    yield from _wrapped(f"{known_as}from {line.origin}")
    if info.description:
        yield from _wrapped(info.description)


def _price(line: ModelLine) -> str:
    if line.input_price is None and line.output_price is None:
        return "price unknown"
    read, write = line.input_price or 0.0, line.output_price or 0.0
    return f"${read:,.2f} in, ${write:,.2f} out per 1M"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _COLUMNS,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


async def _show(settings: Settings, check: bool) -> bool:
    await prepare_database(settings.database_url)
    async with opened_server(settings) as server:
        models = server.models
        health = models.health()
        agents = {agent.name: agent.model for agent in server.agents.list()}
        for line in lines_of(models.overview(), agents):
            click.echo(line)
        if health.advice:
            click.echo(health.advice)
        if not check:
            return health.configured
        good = health.configured
        for info in models.catalogue():
            answer = await _ask(models, info)
            click.echo(f"{info.name}: {answer.problem or f'answers in {answer.seconds:.1f} s'}")
            good = good and not answer.problem
        return good


async def _ask(models: Models, info: ModelInfo) -> Answer:
    request = (
        embedding_request(info.name, [_QUESTION], None)
        if info.kind == "embedding"
        else ModelRequest(
            model=info.name,
            messages=(UserMessage(text=_QUESTION),),
            max_output_tokens=_ANSWER_TOKENS,
        )
    )
    started = time.monotonic()
    try:
        completion = await models.stream(
            request, lambda delta: None, attribution=Attribution(), fresh=True
        )
    except CodeLabError as error:
        return Answer(problem=error.message)
    if completion.model != info.name:
        return Answer(problem=f"does not answer; {completion.model} answered in its place")
    return Answer(seconds=time.monotonic() - started)
