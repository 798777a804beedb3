"""What is hidden of a conversation: whatever was said, the prompt stays one that a model takes."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from codelab.agents import context
from codelab.agents.budget import Limits, limits_of, tightened
from codelab.agents.compaction.compacting import carried_out
from codelab.agents.compaction.compaction import decide
from codelab.agents.compaction.summary import Written
from codelab.agents.counting import TokenCounter, message_tokens
from codelab.agents.prompting import Conversation, Prompter
from codelab.sdk.messages import AssistantMessage, Message, SystemMessage, ToolMessage, UserMessage
from codelab.sdk.model import Completion
from codelab.sessions.api import replay
from codelab.sessions.conversation import conversation_of, in_force, unseen
from codelab.sessions.events import ContextCompacted, ContextRestored, ToolCallCompleted
from tests.agents import talks
from tests.agents.talks import Turn, conversation, facts_of, numbered, said_in

windows = st.integers(min_value=4000, max_value=40_000)
factors = st.floats(min_value=0.6, max_value=2.0)
SUMMARY = Written(text="They talked.", completion=Completion(model="m", text="They talked."))


def prompter(factor: float = 1.0) -> Prompter:
    """Return one whose model counts so many tokens for each that we guess."""
    counter = TokenCounter()
    for _ in range(30):
        counter.learn("m", guessed=10_000, counted=int(10_000 * factor))
    return Prompter(counter, 100_000)


def compacted(
    by: Prompter, talk: Conversation, *, limits: Limits | None = None
) -> ContextCompacted | None:
    """Decide, and return the fact that follows."""
    prompt = by.prompt(talk)
    plan = decide(
        prompt.pieces, fixed=prompt.fixed, factor=prompt.factor, limits=limits or prompt.limits
    )
    if plan is None:
        return None
    return carried_out(plan, by, talk, prompt, SUMMARY if plan.summarise else None)


def with_fact(talk: Conversation, fact: ContextCompacted) -> Conversation:
    return msgspec.structs.replace(talk, compactions=(*talk.compactions, fact))


def assert_proper(messages: tuple[Message, ...], open_calls: set[str]) -> None:
    """Every call has its one result, unless it is open, and every result its call."""
    assert isinstance(messages[0], SystemMessage)
    assert isinstance(messages[1], UserMessage)
    awaited: list[str] = []
    for message in messages[1:]:
        if isinstance(message, ToolMessage):
            assert message.call_id in awaited
            awaited.remove(message.call_id)
            continue
        assert set(awaited) <= open_calls
        awaited = []
        if isinstance(message, AssistantMessage):
            awaited = [call.id for call in message.tool_calls]
    assert set(awaited) == open_calls


@given(talks.turns, windows, factors, st.data())
def test_a_compacted_prompt_is_whole_and_fits(
    talk: list[Turn], window: int, factor: float, data: st.DataObject
) -> None:
    facts = facts_of(talk)
    results = 0
    while results < len(facts) and isinstance(facts[-1 - results], ToolCallCompleted):
        results += 1
    open_ = data.draw(st.integers(min_value=0, max_value=results))
    state = replay("t", facts[: len(facts) - open_])
    open_calls = set(state.root.open_calls)
    request = max(
        (one.key for one in state.root.said if one.key.endswith("-u")),
        key=lambda key: int(key[1:-2]),
    )
    asked = conversation(tuple(state.root.said), window=window, pinned=frozenset({request}))
    by = prompter(factor)
    before = by.prompt(asked)
    fact = compacted(by, asked)
    if fact is None:
        assert before.used_tokens <= before.budget_tokens
        return
    after = by.prompt(with_fact(asked, fact))
    assert_proper(after.request.messages, open_calls)
    assert after.used_tokens < before.used_tokens
    assert after.used_tokens <= after.budget_tokens
    assert (fact.tokens_before, fact.tokens_after) == (before.used_tokens, after.used_tokens)
    assert request not in fact.hidden


@given(talks.turns, windows)
def test_the_newest_part_is_kept_as_it_is(talk: list[Turn], window: int) -> None:
    asked = conversation(said_in(talk), window=window)
    by = prompter()
    prompt = by.prompt(asked)
    fact = compacted(by, asked)
    if fact is None or fact.shortened:
        return
    room, kept = prompt.limits.kept, 0
    touched = {*fact.aged, *fact.hidden}
    for piece in reversed(prompt.pieces):
        if piece.key in touched:
            break
        kept += piece.guess
    # A call and its results go together, so that the first that is too long goes as a whole.
    longest = 4 * max(piece.guess for piece in prompt.pieces)
    assert kept > room - longest


@given(talks.turns, windows)
def test_undoing_gives_back_the_prompt_from_before(talk: list[Turn], window: int) -> None:
    asked = conversation(said_in(talk), window=window)
    by = prompter()
    first = compacted(by, asked)
    if first is None:
        return
    second = compacted(by, with_fact(asked, first), limits=limits_of(window // 3, 0))
    facts = [*facts_of(talk), first, *([second] if second else [])]
    log = numbered([*facts, ContextRestored(compaction_seq=len(facts_of(talk)) + 1)])
    assert in_force(log) == []
    assert unseen(log) == frozenset()
    again = msgspec.structs.replace(
        asked, said=conversation_of(log), compactions=tuple(one for _, one in in_force(log))
    )
    assert by.prompt(again) == by.prompt(asked)


@given(talks.turns, windows)
def test_what_is_hidden_for_good_need_not_be_read(talk: list[Turn], window: int) -> None:
    asked = conversation(said_in(talk), window=window)
    by = prompter()
    fact = compacted(by, asked)
    if fact is None:
        return
    rest = [entry for entry in numbered(facts_of(talk)) if entry.seq > fact.hidden_through_seq]
    whole, partly = (
        with_fact(asked, fact),
        msgspec.structs.replace(with_fact(asked, fact), said=conversation_of(rest)),
    )
    assert by.prompt(whole).request == by.prompt(partly).request


@given(talks.turns, windows)
def test_compacting_again_and_again_comes_to_an_end(talk: list[Turn], window: int) -> None:
    asked = conversation(said_in(talk), window=window)
    by = prompter()
    summaries = 0
    for _ in range(4):
        fact = compacted(by, asked)
        if fact is None:
            break
        summaries += bool(fact.summary)
        asked = with_fact(asked, fact)
    assert summaries <= 1
    assert compacted(by, asked) is None


def test_results_age_out_before_messages_are_hidden() -> None:
    talk: list[Turn] = [(10, [(10, [5000]), (10, [5000]), (10, [5000]), (10, [])])] * 2
    asked = conversation(said_in(talk), window=8500)
    fact = compacted(prompter(), asked)
    assert fact is not None
    assert fact.aged[0] == "t0-0-0"
    assert not fact.hidden and not fact.summary
    assert fact.tokens_after <= int(7500 * 0.7)


def test_a_long_result_is_shown_in_part_when_nothing_else_can_go() -> None:
    asked = conversation(said_in([(10, [(10, [6000] * 3)])]), window=4000)
    by = prompter()
    fact = compacted(by, asked)
    assert fact is not None and fact.shortened
    after = by.prompt(with_fact(asked, fact))
    shown = [one for one in after.request.messages if isinstance(one, ToolMessage)]
    assert any("left out to save room" in one.content for one in shown)
    assert sum(map(message_tokens, after.request.messages)) <= 3000


def test_a_refused_prompt_gets_shorter_each_time() -> None:
    talk: list[Turn] = [(500, [(500, [500])])] * 20
    asked = conversation(said_in(talk), window=100_000)
    by = prompter()
    sizes = [by.prompt(asked).used_tokens]
    for _ in range(3):
        prompt = by.prompt(asked)
        limits = tightened(prompt.limits, prompt.used_tokens, prompt.fixed)
        fact = compacted(by, asked, limits=limits)
        assert fact is not None
        asked = with_fact(asked, fact)
        sizes.append(by.prompt(asked).used_tokens)
    assert all(later < sooner * 0.75 for sooner, later in itertools.pairwise(sizes))


def test_what_no_summary_tells_of_is_said_to_be_left_out() -> None:
    def hidden(key: str, summary: str) -> ContextCompacted:
        return ContextCompacted(
            agent="ask", model="", hidden=(key,), summary=summary, tokens_before=2, tokens_after=1
        )

    def note(*compactions: ContextCompacted) -> str:
        found = context.note_for(context.view_of(compactions))
        assert found is not None
        return found.text

    first, second, third = hidden("a", "First."), hidden("b", ""), hidden("c", "All of it.")
    assert not note(first).endswith(context.LEFT_OUT)
    assert "First." in note(first, second)
    assert note(first, second).endswith(context.LEFT_OUT)
    assert not note(first, second, third).endswith(context.LEFT_OUT)
    assert note(second) == context.LEFT_OUT
