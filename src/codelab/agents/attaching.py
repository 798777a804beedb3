"""What a model is shown without asking for it: mentioned files, and the project's instructions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial

from codelab.agents.budget import prompt_window
from codelab.agents.counting import BYTES_PER_TOKEN
from codelab.agents.live import LiveTurn
from codelab.agents.mentions import Mention, mentions
from codelab.agents.routing import mentioned_agent
from codelab.kit.errors import CodeLabError
from codelab.kit.masking import mask
from codelab.sdk.workspace import Workspace
from codelab.sessions.api import Task
from codelab.sessions.events import Attachment, ContentAttached
from codelab.workspace.api import clean
from codelab.workspace.errors import FileMissing, NotRegular

INSTRUCTIONS = "AGENTS.md"

# Of what a prompt may take, mentioned files get so much.
_SHARE = 0.25
_LEAST_BYTES = 200
_LONGEST_LINE = 2000
_MOST_ENTRIES = 300
_INSTRUCTIONS_CHARACTERS = 24_000
# What is masked is more than what is kept, so that no half of a secret stays at the cut.
_MARGIN = 600
_NO_ROOM = "what is attached takes its share of the model's window already. The agent can read it."


async def opening_attachments(turn: LiveTurn, agent: str) -> Sequence[ContentAttached]:
    """Read what a turn begins with: the project's instructions, and what its message mentions.

    Args:
        turn: The turn.
        agent: The agent that takes it.
    """
    facts = []
    project = await _instructions(turn.workspace, "")
    if project is not None:
        facts.append(ContentAttached(attachments=(project,)))
    addressed = mentioned_agent(turn.state.request)
    names = {one.name for one in turn.services.agents.all()}
    found = mentions(turn.state.request, addressed if addressed in names else "")
    if found:
        # What users attach is read with their own eyes.
        view = await turn.users_view()
        room = room_of(turn, agent, _SHARE)
        count = partial(turn.services.tools.count_file_operation, turn.held.user_id)
        attached = await attach(view, found, room, count)
        if attached:
            facts.append(ContentAttached(attachments=attached, to=turn.state.root.said[0].key))
    return facts


async def attach(
    view: Workspace, found: Iterable[Mention], room: int, count: Callable[[], Awaitable[None]]
) -> tuple[Attachment, ...]:
    """Read what is mentioned, as much of it as there is room for.

    Args:
        view: The project as the user sees it.
        found: What is mentioned.
        room: How many bytes there are for all of it.
        count: Counts a file operation, as a call of read_file would be.
    """
    attached: list[Attachment] = []
    for mention in found:
        one = await _attached(view, mention, room, count)
        if one is not None:
            attached.append(one)
            room -= len(one.text.encode("utf-8", "ignore"))
    return tuple(attached)


async def nearest_instructions(
    turn: LiveTurn, task: Task, paths: Iterable[str]
) -> tuple[Attachment, ...]:
    """Read the instructions that are nearest to paths below the root, each file once in a task."""
    found: list[Attachment] = []
    # Calls that run at the same time must not both bring the same file.
    async with turn.instructing:
        for path in dict.fromkeys(paths):
            one = await _nearest(turn, task, path)
            if one is not None:
                task.instructed.add(one.path)
                found.append(one)
    return tuple(found)


async def _nearest(turn: LiveTurn, task: Task, path: str) -> Attachment | None:
    for folder in _folders(path):
        name = f"{folder}/{INSTRUCTIONS}"
        if name in task.instructed:
            return None
        if name in turn.without_instructions:
            continue
        one = await _instructions(turn.workspace, folder)
        if one is not None:
            return one
        turn.without_instructions.add(name)
    return None


async def _attached(
    view: Workspace, mention: Mention, room: int, count: Callable[[], Awaitable[None]]
) -> Attachment | None:
    try:
        path = clean(mention.path)
        if room < _LEAST_BYTES:
            return Attachment(path=path, refused=_NO_ROOM)
        await count()
        try:
            content = await view.read(path)
        except NotRegular:
            return await _folder(view, path, room)
    except FileMissing:
        missing = Attachment(path=mention.path, refused="there is no such file or folder.")
        return missing if mention.certain else None
    except CodeLabError as error:
        return Attachment(path=mention.path, refused=error.message)
    # Numbering and masking a large file takes a while.
    return await asyncio.to_thread(_file, path, content.text, room)


def _file(path: str, text: str, room: int) -> Attachment:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    plain = (line.removesuffix("\r") for line in lines)
    shown, count = fitting((f"{n:>6}\t{line}" for n, line in enumerate(plain, 1)), room)
    shown = mask(shown)
    if count < len(lines):
        shown += f"\n(lines 1 to {count} of {len(lines)}; read_file shows the others)"
    return Attachment(path=path, text=shown or "(empty)", truncated=count < len(lines))


async def _folder(view: Workspace, path: str, room: int) -> Attachment:
    listing = await view.list(path)
    entries = [f"{one.path}/" if one.is_folder else one.path for one in listing.entries]
    shown, count = fitting(iter(entries[:_MOST_ENTRIES]), room)
    shown = mask(shown)
    is_partial = listing.truncated or count < len(entries)
    if is_partial:
        shown += "\n(there is more; list_files shows it)"
    return Attachment(path=path, kind="folder", text=shown or "(empty)", truncated=is_partial)


async def _instructions(workspace: Workspace, folder: str) -> Attachment | None:
    path = f"{folder}/{INSTRUCTIONS}" if folder else INSTRUCTIONS
    try:
        text = (await workspace.read(path)).text.strip()
    except (FileMissing, NotRegular):
        return None
    except CodeLabError as error:
        return Attachment(path=path, kind="instructions", refused=error.message)
    if not text:
        return None
    shown = _beginning(text, _INSTRUCTIONS_CHARACTERS)
    is_partial = len(text) > _INSTRUCTIONS_CHARACTERS
    if is_partial:
        shown += "\n(the rest is left out; read_file shows it)"
    return Attachment(path=path, kind="instructions", text=shown, truncated=is_partial)


def _folders(path: str) -> Iterator[str]:
    """Go through the folders above a path, and itself, the nearest first; not the root."""
    names = [name for name in path.split("/") if name != "."]
    return ("/".join(names[:end]) for end in range(len(names), 0, -1))


def fitting(lines: Iterator[str], room: int) -> tuple[str, int]:
    """Take as many lines as there is room for, at least one; say how many."""
    taken: list[str] = []
    for line in lines:
        short = line if len(line) <= _LONGEST_LINE else _beginning(line, _LONGEST_LINE)
        room -= len(short.encode("utf-8", "ignore")) + 1
        if room < 0 and taken:
            break
        taken.append(short)
    return "\n".join(taken), len(taken)


def _beginning(text: str, longest: int) -> str:
    return mask(text[: longest + _MARGIN])[:longest]


def room_of(turn: LiveTurn, agent: str, share: float) -> int:
    """Return how many bytes a share of what the agent's prompt may take is."""
    services = turn.services
    window = services.context_tokens
    asking = services.agents.get(agent)
    try:
        wanted = turn.state.wanted_model or turn.held.session_model
        model = services.models.info(services.models.resolve(asking.model, wanted, agent=agent))
        window = prompt_window(model, window)
    except CodeLabError:
        # Whoever asks the model next says what is wrong with it.
        pass
    return int(window * share * BYTES_PER_TOKEN)
