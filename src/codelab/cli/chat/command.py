"""`codelab chat`: options in, exit code out."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console

from codelab.cli.chat import render
from codelab.cli.chat.connection import Connection
from codelab.cli.chat.conversation import Conversation
from codelab.cli.chat.dialogue import Choices, Dialogue
from codelab.cli.chat.display import Display, JsonDisplay, PlainDisplay
from codelab.cli.chat.identity import AskCredentials, Identity, from_environment
from codelab.cli.chat.lookups import complete, open_session
from codelab.cli.chat.server import Server
from codelab.cli.chat.terminal import TerminalDisplay
from codelab.cli.chat.tokens import TokenFile
from codelab.cli.chat.transcript import Transcript
from codelab.kit.invocation import DEFAULT_SERVER, spelled


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The command line."""

    server: str
    session: str | None
    agent: str | None
    model: str | None
    workspace: str | None
    json: bool
    yes: bool
    message: str
    ask: AskCredentials
    at_terminal: bool


@click.command()
@click.argument("message", nargs=-1)
@click.option(
    "--server",
    default=DEFAULT_SERVER,
    show_default=True,
    envvar="CODELAB_SERVER",
    help="The server's address.",
)
@click.option("--session", metavar="ID", help="Go on with this session.")
@click.option("--agent", metavar="NAME", help="Who answers; otherwise CodeLab chooses.")
@click.option("--model", metavar="NAME", help="Which model answers; otherwise CodeLab chooses.")
@click.option("--workspace", metavar="ID|DIR", help="The project folder of a new session.")
@click.option("--json", "as_json", is_flag=True, help="Print the server's frames, one a line.")
@click.option("--yes", is_flag=True, help="Without a terminal: approve everything that is asked.")
@click.option("--username", metavar="NAME", help="Sign in as this user.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of the input."
)
def chat(
    message: tuple[str, ...],
    server: str,
    session: str | None,
    agent: str | None,
    model: str | None,
    workspace: str | None,
    as_json: bool,
    yes: bool,
    username: str | None,
    password_stdin: bool,
) -> None:
    """Talk to a running CodeLab, or ask one MESSAGE and leave.

    Without MESSAGE this is a conversation; when input is piped in, all of it is the message.
    In a terminal every dangerous step is shown and asked by one key. In a pipe nobody can be
    asked: what needs an approval is refused, or with --yes approved.

    CODELAB_USERNAME and CODELAB_PASSWORD sign in without being asked.
    """
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    options = Options(
        server=server,
        session=session,
        agent=agent,
        model=model,
        workspace=workspace,
        json=as_json,
        yes=yes,
        ask=_credentials(username, password_stdin, at_terminal),
        message=_message(message, at_terminal),
        at_terminal=at_terminal and not as_json,
    )
    if not options.message and not options.at_terminal:
        raise click.UsageError("There is nothing to ask: give a MESSAGE, or pipe one in.")
    try:
        sys.exit(asyncio.run(_chat(options)))
    except KeyboardInterrupt:
        raise click.Abort from None


async def _chat(options: Options) -> int:
    server = Server(options.server)
    await server.reach()
    folder = Path(click.get_app_dir("codelab"))
    identity = Identity(server, TokenFile(folder), options.ask)
    session = await open_session(
        identity, Path.cwd(), workspace=options.workspace, session=options.session
    )
    transcript = Transcript(session["id"], model=options.model or session.get("model") or "")
    console = Console(highlight=False)
    display: Display
    if options.at_terminal:
        display = TerminalDisplay(console, partial(complete, identity))
    else:
        kind = JsonDisplay if options.json else PlainDisplay
        display = kind(approve_all=options.yes)
    conversation = Conversation(
        Connection(server, identity, transcript),
        transcript,
        display,
        history_to=session["last_seq"],
    )
    try:
        await conversation.catch_up()
        if options.message:
            await conversation.ask(options.message, options.agent, options.model)
            return 0 if transcript.stop_reason == "end" else 1
        console.print(render.hint("Connected. /help shows what else you can type."))
        choices = Choices(options.agent, options.model)
        await Dialogue(conversation, transcript, identity, console, choices).run()
        again = spelled(f"chat --session {transcript.session_id}", server.url)
        console.print(render.hint(f"Go on with: {again}"), soft_wrap=True)
        return 0
    finally:
        await conversation.close()


def _message(words: tuple[str, ...], at_terminal: bool) -> str:
    if words or at_terminal or sys.stdin.isatty():
        return " ".join(words).strip()
    return sys.stdin.read().strip()


def _credentials(username: str | None, from_stdin: bool, at_terminal: bool) -> AskCredentials:
    if from_stdin:
        name = username or (from_environment() or ("", ""))[0]
        if not name:
            raise click.UsageError("--password-stdin needs --username.")
        password = sys.stdin.readline().rstrip("\r\n")
        return lambda: (name, password)

    def ask() -> tuple[str, str] | None:
        known = from_environment()
        if known is not None or not at_terminal:
            return known
        name = username or click.prompt("User name")
        return name, click.prompt("Password", hide_input=True)

    return ask
