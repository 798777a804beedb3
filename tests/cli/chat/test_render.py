"""How things look, as the text that reaches the terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.console import Console, RenderableType

from codelab.cli.chat import render
from codelab.cli.chat.frames import Frame
from codelab.cli.chat.printable import printable
from codelab.cli.chat.transcript import Answer, Call, Note, Transcript

EVIL = "\x1b]0;owned\x07\x1b[2J‮txt.exe"


def shown(renderable: RenderableType, *, colour: bool = False) -> str:
    console = Console(
        width=100,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
    )
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def frame(kind: str, **data: Any) -> Frame:
    return Frame(type=kind, data=data)


def test_an_answer_is_markdown() -> None:
    text = shown(render.answer(Answer("m", "coder", "# Title\n\n- **bold** `code`")))
    assert "coder" in text and "Title" in text and "• bold code" in text
    assert "**" not in text


def test_links_do_not_become_clickable() -> None:
    text = shown(render.answer(Answer("m", "ask", "[here](javascript:alert(1))")), colour=True)
    assert "\x1b]8" not in text


def test_diffs_have_colours() -> None:
    text = shown(render.diff_text(["@@ -1 +1 @@", "-old", "+new", " same"]), colour=True)
    assert "\x1b[31m-old" in text and "\x1b[32m+new" in text


@pytest.mark.parametrize("whole", [False, True])
def test_an_approval_shows_the_beginning_or_all_and_says_which(whole: bool) -> None:
    call = Call(
        "c", "write_file", "coder", risk="high", preview="\n".join(f"+{n}" for n in range(99))
    )
    text = shown(render.approval(call, whole=whole))
    assert "coder wants write_file (high risk)" in text
    assert ("+98" in text) is whole
    assert ("press v" in text) is not whole


def test_an_approval_shows_under_which_protection_a_command_runs() -> None:
    call = Call("c", "execute_command", preview="$ make", layer="bubblewrap, no network")
    assert "Runs under: bubblewrap, no network" in shown(render.approval(call))


def test_a_call_without_a_preview_shows_its_parameters() -> None:
    text = shown(render.approval(Call("c", "custom", parameters={"target": "world"})))
    assert '"target": "world"' in text


def test_nothing_from_outside_controls_the_terminal() -> None:
    call = Call("c", EVIL, EVIL, {"command": EVIL}, EVIL, EVIL, EVIL)
    pieces: list[RenderableType | None] = [
        render.answer(Answer("m", EVIL, EVIL)),
        render.user(EVIL),
        render.approval(call),
        render.call_title(call),
        render.plan([{"title": EVIL, "agent": EVIL, "status": EVIL}]),
        render.status(Transcript("s", agent=EVIL, model=EVIL, state=EVIL)),
        render.note(Note("agent", frame("agent", to=EVIL, reason=EVIL))),
        render.note(Note("result", frame("tool_result", tool=EVIL, output=EVIL), call=call)),
        render.note(
            Note("approval", frame("approval", status=EVIL, by=EVIL, feedback=EVIL), call=call)
        ),
        render.note(Note("broken_off", frame("message"), answer=Answer("m", EVIL, EVIL))),
        render.note(Note("restarted", frame("restarted", reason=EVIL, model=EVIL))),
        render.note(Note("waiting", frame("waiting_for_model", reason=EVIL, model=EVIL))),
        render.note(Note("error", frame("error", message=EVIL))),
        render.note(Note("done", frame("done", stop_reason=EVIL))),
    ]
    for piece in pieces:
        assert piece is not None
        text = shown(piece)
        assert not {"\x1b", "\x07", "‮"} & set(text), text


def test_a_model_that_is_waited_for_and_an_answer_that_begins_anew_are_named() -> None:
    restarted = frame("restarted", reason="It broke off.", model="second")
    assert render.restarted(restarted) == "It broke off. second answers from the start."
    now = frame("waiting_for_model", reason="It is silent.", model="second")
    assert render.waiting(now) == "It is silent. second is asked now."
    later = frame("waiting_for_model", reason="No.", model="m", until="2026-01-02T03:04:05Z")
    assert re.fullmatch(r"No\. m is asked at \d\d:\d\d:05\.", render.waiting(later))


def test_printable_text_keeps_its_lines() -> None:
    assert printable("a\r\nb\tc\n") == "a\nb\tc\n"
    assert printable("a\rb") == "a\\u000db"


def test_a_plan_is_ticked() -> None:
    steps = [
        {"title": "find", "status": "done", "agent": "debug"},
        {"title": "fix", "status": "running"},
        {"title": "test", "status": "pending"},
    ]
    assert render.plan(steps).plain == "● find  @debug\n◐ fix\n○ test"


def test_the_status_line_names_agent_model_tokens_and_cost() -> None:
    transcript = Transcript(
        "s",
        state="executing",
        agent="coder",
        model="m",
        input_tokens=1200,
        output_tokens=34,
        cost_usd=0.0123,
    )
    assert render.status(transcript).plain == "coder · m · 1,234 tokens · $0.0123 · executing"


def test_progress_shows_the_end_of_a_long_text_and_what_runs() -> None:
    transcript = Transcript("s", busy=True)
    text = "\n\n".join(f"line {n}" for n in range(100))
    transcript.writing["m"] = Answer("m", "coder", text)
    transcript.calls["c"] = Call("c", "execute_command", parameters={"command": "make test"})
    seen = shown(render.progress(transcript, height=20))
    assert "line 99" in seen and "line 0\n" not in seen
    assert "execute_command make test" in seen
    assert len(seen.splitlines()) <= 20


def test_a_failed_tool_shows_the_end_of_its_output() -> None:
    output = "\n".join(f"out {n}" for n in range(50))
    text = shown(render.note(Note("result", frame("tool_result", ok=False, output=output))) or "")
    assert "✗" in text and "out 49" in text and "out 0\n" not in text


def test_a_turn_that_ended_well_needs_no_line() -> None:
    assert render.note(Note("done", frame("done", stop_reason="end"))) is None


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"hidden_messages": 12, "model": "m"}, "12 older messages are hidden behind a summary"),
        ({"hidden_messages": 12}, "12 older messages are hidden without a summary"),
        ({"hidden_messages": 0, "aged_results": 3}, "older results are left out"),
    ],
)
def test_a_compaction_says_what_it_did(data: dict[str, Any], what: str) -> None:
    told = frame("compacted", tokens_before=90_000, tokens_after=70_000, **data)
    note = Transcript("s").apply(told)
    assert note is not None
    line = render.note(note)
    assert line is not None
    assert what in shown(line)
    assert "90,000 → 70,000 tokens" in shown(line)


def test_what_the_model_is_shown_of_the_project_is_named() -> None:
    items = [
        {"path": "AGENTS.md", "kind": "instructions"},
        {"path": "a.py", "kind": "file", "truncated": True},
        {"path": "b.py\x1b", "kind": "file", "refused": "it is gone."},
        {"path": "c.py", "kind": "found", "first": 3, "last": 9},
        {"path": "d\x1b.py", "kind": "found", "first": 1, "last": 2},
    ]
    note = Transcript("s").apply(frame("attached", attachments=items))
    assert note is not None
    line = render.note(note)
    assert line is not None
    text = shown(line)
    assert "AGENTS.md: the project's instructions" in text
    assert "a.py: attached, in part" in text
    assert "is not attached: it is gone." in text
    assert text.splitlines()[-1].startswith("@ read 2 files: c.py:3-9, d")
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("kind", "data", "what"),
    [
        ("checkpoint_missed", {"reason": "The disk is full."}, "cannot be undone"),
        ("checkpoint_missed", {"reason": "The disk is full."}, "The disk is full."),
        (
            "checkpoint_restored",
            {"restored_files": 2, "conflicting_files": 1, "conversation": True, "by": "ann"},
            "ann went back: 2 files are as they were, 1 were left alone, "
            "models are not shown what was said since.",
        ),
    ],
)
def test_checkpoints_say_what_the_user_must_know(
    kind: str, data: dict[str, Any], what: str
) -> None:
    note = Transcript("s").apply(frame(kind, **data))
    assert note is not None
    line = render.note(note)
    assert line is not None
    assert what in " ".join(shown(line).split())


def test_the_status_line_says_how_full_the_window_is() -> None:
    transcript = Transcript("s")
    assert "context" not in render.status(transcript).plain
    transcript.apply(frame("context", used_tokens=250, budget_tokens=1000))
    transcript.apply(frame("context", used_tokens=900, budget_tokens=1000, task_id="c1"))
    assert "context 25%" in render.status(transcript).plain
