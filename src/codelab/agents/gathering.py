"""What a model is shown of the project because the user's message is about it.

What is shown is decided by pure functions. It is kept in the log, like what users attach, so that
each prompt of the session can be written again whatever becomes of the files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby

import msgspec
import structlog

from codelab.agents.attaching import fitting, room_of
from codelab.agents.context import conversation, view_of
from codelab.agents.live import LiveTurn
from codelab.agents.routing import unaddressed
from codelab.kit.errors import CodeLabError
from codelab.kit.masking import mask
from codelab.retrieval.api import terms_of
from codelab.sdk.agent import Agent
from codelab.sdk.messages import ToolMessage
from codelab.sdk.retrieval import Finding
from codelab.sdk.tool import Category
from codelab.sessions.api import written_out
from codelab.sessions.events import Attachment, ContentAttached

# Of what a prompt may take, and of the user's time.
_SHARE = 0.04
_WITHIN_S = 1.5
# A message says, and a piece holds, at least so many terms that tell something.
_FEWEST_TERMS = 2
# A piece for which there is less room tells nothing.
_FEWEST_LINES = 5
# Of the best one's score.
_LEAST_SCORE = 0.6
# Words that messages are made of which ask for nothing new.
_SMALL_TALK = frozenset(
    terms_of(
        """
        again ahead cool continue fine go good great hello hey hi look looks more next nice no now
        ok okay perfect please retry right sure thank thanks try well yeah yep yes
        ага да давай дальше ещё нет ок отлично пожалуйста попробуй привет продолжай продолжи
        сделай снова спасибо хорошо
        """
    )
)
_log = structlog.get_logger(__name__)


class Span(msgspec.Struct, frozen=True):
    """Lines of a file that follow each other."""

    path: str
    first: int
    lines: Sequence[str]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What there is already, beside which pieces are shown.

    Args:
        key: The message that they belong to.
        paths: The files that it brings along.
        texts: What the model is shown of the conversation before it.
        may_read: Tells whether the agent may read a file.
    """

    key: str
    paths: Container[str] = ()
    texts: Sequence[str] = ()
    may_read: Callable[[str], bool] = lambda path: True


async def gathered(
    turn: LiveTurn, agent: str, attached: Iterable[ContentAttached]
) -> Sequence[ContentAttached]:
    """Look up what a turn's message is about, if it is about code and the index is there.

    Args:
        turn: The turn.
        agent: The agent that takes it.
        attached: What the message brings along.
    """
    asking, most = turn.services.agents.get(agent), turn.services.gathered_pieces
    names = {one.name for one in turn.services.agents.all()}
    question = unaddressed(turn.state.request, names)
    wanted = telling_terms(question)
    is_reader = asking.may_use("read_file", Category.READ)
    if not most or not is_reader or len(wanted) < _FEWEST_TERMS:
        return ()
    findings = await _found(turn, question, most)
    if not findings:
        return ()
    said = conversation(turn.earlier.said, view_of(turn.earlier.compactions))
    shown = Shown(
        key=turn.state.root.said[0].key,
        paths={one.path for fact in attached for one in fact.attachments},
        texts=[one.content if isinstance(one, ToolMessage) else one.text for one in said],
        may_read=partial(_may_read, asking),
    )
    pieces = await asyncio.to_thread(
        pieces_for, wanted, findings, shown, room_of(turn, agent, _SHARE)
    )
    return (ContentAttached(attachments=pieces, to=shown.key),) if pieces else ()


def telling_terms(message: str) -> frozenset[str]:
    """Return the terms of a message that may tell what code it is about. Pure."""
    return frozenset(terms_of(message)) - _SMALL_TALK


def pieces_for(
    wanted: frozenset[str], findings: Sequence[Finding], shown: Shown, room: int
) -> tuple[Attachment, ...]:
    """Choose what a model is shown, the best first. Pure.

    Args:
        wanted: The telling terms of the message.
        findings: What the index has for it, the best first.
        shown: What there is already.
        room: How many bytes there are for all of it, in the words that a model is shown.
    """
    least = _LEAST_SCORE * max((one.score for one in findings), default=0.0)
    fitting_ones = (
        one
        for one in findings
        if one.text
        and one.score >= least
        and one.path not in shown.paths
        and shown.may_read(one.path)
        and _is_about(one, wanted)
    )
    pieces: list[Attachment] = []
    for span in spans(fitting_ones):
        piece = _piece(span, shown.key, room)
        if piece is not None and not any(piece.text in text for text in shown.texts):
            pieces.append(piece)
            room -= _size(piece, shown.key)
    return tuple(pieces)


def spans(findings: Iterable[Finding]) -> Iterator[Span]:
    """Put the pieces of a file that touch or overlap together, the best file first. Pure."""
    files: dict[str, dict[int, str]] = {}
    for one in findings:
        files.setdefault(one.path, {}).update(enumerate(one.text.split("\n"), one.first))
    for path, lines in files.items():
        for _, run in groupby(enumerate(sorted(lines)), key=lambda pair: pair[1] - pair[0]):
            numbers = [number for _, number in run]
            yield Span(path, numbers[0], [lines[number] for number in numbers])


async def _found(turn: LiveTurn, question: str, most: int) -> Sequence[Finding]:
    """Ask the index; while it is made, or when it takes too long, there is nothing."""
    retrieval, code = turn.services.retrieval, turn.code()
    if retrieval is None or code is None or not retrieval.is_whole(turn.held.workspace_id):
        return ()
    try:
        async with asyncio.timeout(_WITHIN_S):
            await turn.services.tools.count_file_operation(turn.held.user_id)
            return (await code.search(question, most=most)).findings
    except (CodeLabError, TimeoutError) as error:
        # The agent can search by itself, and is told then what is wrong.
        _log.info("nothing_gathered", error=type(error).__name__)
        return ()


def _may_read(agent: Agent, path: str) -> bool:
    return agent.may_use("read_file", Category.READ, (path,))


def _is_about(finding: Finding, wanted: frozenset[str]) -> bool:
    held = terms_of(f"{finding.path} {' '.join(finding.names)} {finding.text}")
    return len(wanted & held.keys()) >= _FEWEST_TERMS


def _piece(span: Span, key: str, room: int) -> Attachment | None:
    """Show as many of the lines as there is room for."""
    whole = Attachment(
        path=span.path, kind="found", first=span.first, last=span.first + len(span.lines) - 1
    )
    plain = (line.removesuffix("\r") for line in span.lines)
    numbered = (f"{number:>6}\t{line}" for number, line in enumerate(plain, span.first))
    text, count = fitting(numbered, room - _size(whole, key))
    if count < min(_FEWEST_LINES, len(span.lines)):
        return None
    piece = msgspec.structs.replace(whole, last=span.first + count - 1, text=mask(text))
    # A first line is taken however long it is, and what stands for a secret may be longer.
    return piece if _size(piece, key) <= room else None


def _size(piece: Attachment, key: str) -> int:
    # Two line feeds are before each.
    return len(written_out((piece,), key).encode("utf-8", "ignore")) + 2
