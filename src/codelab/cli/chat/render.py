"""How each thing looks in a terminal: from state to rich's renderables, without any output."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.spinner import Spinner
from rich.text import Text

from codelab.cli.chat.frames import Frame
from codelab.cli.chat.printable import printable
from codelab.cli.chat.transcript import Answer, Call, Note, Transcript

_PREVIEW_LINES = 40
_OUTPUT_LINES = 6
_STEP_MARKS = {"pending": "○", "running": "◐", "done": "●", "failed": "✗"}
_RISK_STYLES = {"low": "green", "medium": "yellow", "high": "dark_orange", "critical": "red"}
_DIFF_STYLES = (("+++", "bold"), ("---", "bold"), ("@@", "cyan"), ("+", "green"), ("-", "red"))
KEYS_HINT = "y approve · a always · n reject · f reject with feedback · e edit · v view all"


def note(item: Note) -> RenderableType | None:
    """Show what happened once; none for what needs no line of its own."""
    frame = item.frame
    match item.kind:
        case "agent":
            return _dim(f"→ {frame.text('to')}: {frame.text('reason')}")
        case "user":
            return user(frame.text("text"))
        case "answer" if item.answer is not None:
            return answer(item.answer)
        case "restarted":
            return hint(f"↻ {restarted(frame)}")
        case "waiting":
            return hint(f"… {waiting(frame)}")
        case "broken_off" if item.answer is not None:
            return Padding(_dim(item.answer.text), (0, 0, 1, 2))
        case "result":
            return _result(item)
        case "approval" if item.call is not None:
            status, by = frame.text("status"), frame.text("by")
            feedback = f": {frame.text('feedback')}" if frame.text("feedback") else ""
            return _dim(f"  {item.call.tool} was {status} by {by}{feedback}")
        case "compacted" | "attached" | "checkpoint_missed" | "checkpoint_restored" as kind:
            return _dim(_ASIDES[kind](frame))
        case "error":
            return Text(f"✗ {printable(frame.text('message'))}", style="red")
        case "done" if frame.text("stop_reason") != "end":
            return Text(f"Stopped: {printable(frame.text('stop_reason'))}.", style="yellow")
    return None


def attached(frame: Frame) -> str:
    """Say what the model is shown of the project, a line for each."""
    items = [one for one in frame.data.get("attachments") or () if isinstance(one, dict)]
    found = [one for one in items if one.get("kind") == "found"]
    lines = [_attachment(one) for one in items if one not in found]
    return "\n".join([*lines, *([_found(found)] if found else [])])


def _found(items: list[dict[str, Any]]) -> str:
    paths = {one.get("path") for one in items}
    places = ", ".join(f"{one.get('path')}:{one.get('first')}-{one.get('last')}" for one in items)
    return f"@ read {len(paths)} file{'s' if len(paths) > 1 else ''}: {places}"


def _attachment(item: dict[str, Any]) -> str:
    path, refused = item.get("path"), item.get("refused")
    if refused:
        return f"@ {path} is not attached: {refused}"
    what = "the project's instructions" if item.get("kind") == "instructions" else "attached"
    part = ", in part" if item.get("truncated") else ""
    return f"@ {path}: {what}{part}"


def restarted(frame: Frame) -> str:
    """Say that an answer is asked for again."""
    return f"{frame.text('reason')} {frame.text('model')} answers from the start."


def waiting(frame: Frame) -> str:
    """Say why an answer takes longer."""
    try:
        until = datetime.fromisoformat(frame.text("until")).astimezone()
    except ValueError:
        when = "now"
    else:
        when = f"at {until:%H:%M:%S}"
    return f"{frame.text('reason')} {frame.text('model')} is asked {when}."


def answer(item: Answer) -> RenderableType:
    """Show an assistant's message as Markdown."""
    title = Text(printable(item.agent or "assistant"), style="bold cyan")
    body = Markdown(printable(item.text), hyperlinks=False, code_theme="ansi_dark")
    return Group(title, Padding(body, (0, 0, 1, 2)))


def user(text: str) -> RenderableType:
    """Show what somebody asked."""
    return Group(Text("you", style="bold green"), Padding(Text(printable(text)), (0, 0, 1, 2)))


def approval(call: Call, *, whole: bool = False) -> RenderableType:
    """Show everything that a human needs to judge a call."""
    shown = printable(call.preview) or _parameters(call.parameters)
    lines = shown.splitlines()
    hidden = 0 if whole else max(0, len(lines) - _PREVIEW_LINES)
    body = diff_text(lines[: len(lines) - hidden])
    if hidden:
        body.append(f"\n… {hidden} more lines: press v", style="bold yellow")
    parts = [body]
    if call.layer and f"box: {call.layer}" not in call.preview:
        parts.append(Text(f"Runs under: {printable(call.layer)}", style="dim"))
    if call.reason:
        parts.append(Text(f"Asked because: {printable(call.reason)}", style="dim"))
    title = Text(f"{printable(call.agent)} wants {printable(call.tool)} ", style="bold")
    title.append(f"({printable(call.risk)} risk)", style=_RISK_STYLES.get(call.risk, ""))
    return Panel(Group(*parts), title=title, title_align="left")


def keys() -> Text:
    """Name the keys that answer a question."""
    return Text(KEYS_HINT, style="bold")


def diff_text(lines: Iterable[str]) -> Text:
    """Colour the lines of a unified diff."""
    text = Text()
    for index, line in enumerate(lines):
        style = next((style for start, style in _DIFF_STYLES if line.startswith(start)), "")
        text.append(("\n" if index else "") + line, style=style)
    return text


def progress(transcript: Transcript, height: int) -> RenderableType:
    """Show what goes on right now: the text that is being written, tools, the plan, the status.

    Args:
        transcript: The session.
        height: How many lines the terminal has; of a long text the end is shown.
    """
    parts: list[RenderableType] = []
    room = max(4, height - 6 - len(transcript.plan) - len(transcript.running))
    for writing in transcript.writing.values():
        if writing.text.strip():
            tail = "\n".join(writing.text.splitlines()[-room:])
            parts.append(answer(Answer(writing.message_id, writing.agent, tail)))
    if transcript.plan:
        parts.append(plan(transcript.plan))
    parts += [Spinner("dots", call_title(call)) for call in transcript.running]
    parts.append(Spinner("dots", status(transcript)) if transcript.busy else status(transcript))
    return Group(*parts)


def call_title(call: Call) -> Text:
    """Name a call in one line."""
    what = next(
        (
            str(call.parameters[key])
            for key in ("command", "path", "pattern", "agent", "message")
            if key in call.parameters
        ),
        "",
    )
    text = Text(printable(call.tool), style="bold", no_wrap=True, overflow="ellipsis")
    return text.append(f" {printable(what)}".replace("\n", "⏎"), style="not bold")


def plan(steps: Iterable[dict[str, Any]]) -> Text:
    """Show the steps of a plan, ticked as far as they are done."""
    text = Text()
    for index, step in enumerate(steps):
        mark = _STEP_MARKS.get(str(step.get("status")), "○")
        agent = f"  @{step['agent']}" if step.get("agent") else ""
        text.append("\n" if index else "")
        text.append(f"{mark} {printable(str(step.get('title', '')))}")
        text.append(printable(agent), style="dim")
    return text


def status(transcript: Transcript) -> Text:
    """Show agent, model, tokens and cost in one line."""
    tokens = transcript.input_tokens + transcript.output_tokens
    parts = [
        transcript.agent or "no agent yet",
        transcript.model or "no model yet",
        f"{tokens:,} tokens",
        f"${transcript.cost_usd:.4f}",
        transcript.state,
    ]
    if transcript.context_budget:
        share = transcript.context_tokens / transcript.context_budget
        parts.insert(3, f"context {share:.0%}")
    return Text(printable(" · ".join(parts)), style="dim", no_wrap=True, overflow="ellipsis")


def _compacted(frame: Frame) -> str:
    before, after = int(frame.number("tokens_before")), int(frame.number("tokens_after"))
    how = "behind a summary" if frame.text("model") else "without a summary"
    hidden = int(frame.number("hidden_messages"))
    what = f"{hidden} older messages are hidden {how}" if hidden else "older results are left out"
    return f"⇣ To save room {what}: {before:,} → {after:,} tokens. /uncompact undoes it."


def _checkpoint(frame: Frame) -> str:
    if frame.type == "checkpoint_missed":
        return f"⚠ This turn cannot be undone, or not all of it. {frame.text('reason')}"
    files, alone = int(frame.number("restored_files")), int(frame.number("conflicting_files"))
    parts = [f"{files} files are as they were"] if files else []
    parts += [f"{alone} were left alone"] if alone else []
    if frame.data.get("conversation") is True:
        parts.append("models are not shown what was said since")
    return f"↶ {frame.text('by')} went back: {', '.join(parts)}."


def _result(item: Note) -> RenderableType:
    frame = item.frame
    ok = frame.data.get("ok") is True
    title = call_title(item.call) if item.call else Text(printable(frame.text("tool")))
    line = Text("✓ " if ok else "✗ ", style="green" if ok else "red").append_text(title)
    line.append(f"  {int(frame.number('duration_ms'))} ms", style="dim")
    if ok and not (item.call and item.call.tool == "execute_command"):
        return line
    lines = printable(frame.text("output")).splitlines()
    shown = lines[-_OUTPUT_LINES:]
    if len(lines) > len(shown):
        shown = [f"… {len(lines) - len(shown)} lines", *shown]
    return Group(line, Padding(Text("\n".join(shown), style="dim"), (0, 0, 0, 4)))


def _parameters(parameters: dict[str, Any]) -> str:
    return printable(json.dumps(parameters, ensure_ascii=False, indent=2))


def hint(text: str) -> Text:
    """Say something of the client's own."""
    return Text(printable(text), style="yellow")


def _dim(text: str) -> Text:
    return Text(printable(text), style="dim")


_ASIDES = {
    "compacted": _compacted,
    "attached": attached,
    "checkpoint_missed": _checkpoint,
    "checkpoint_restored": _checkpoint,
}
