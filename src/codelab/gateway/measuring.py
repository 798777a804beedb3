"""Turns the events of all modules into measurements."""

from __future__ import annotations

from functools import partial

from codelab.gateway.metrics import Metrics
from codelab.hitl.events import ApprovalResolved
from codelab.kit.bus import Bus
from codelab.llm.events import ModelCalled
from codelab.retrieval.events import CodeSearched
from codelab.sessions.events import FactsRecorded, ToolCallCompleted, TurnClosed, TurnFailed


def measure(bus: Bus, metrics: Metrics) -> None:
    """Subscribe the measurements to the bus."""
    metrics.watch_bus(bus)
    bus.subscribe(TurnClosed, partial(_turn, metrics))
    bus.subscribe(ModelCalled, partial(_model, metrics))
    bus.subscribe(ApprovalResolved, partial(_approval, metrics))
    bus.subscribe(CodeSearched, partial(_search, metrics))
    bus.subscribe(FactsRecorded, partial(_facts, metrics))


def _turn(metrics: Metrics, event: TurnClosed) -> None:
    metrics.turns.labels(event.stop_reason).inc()
    metrics.turn_time.labels(event.stop_reason).observe(event.duration_ms / 1000)


def _model(metrics: Metrics, event: ModelCalled) -> None:
    model, usage = metrics.known("model", event.model), event.usage
    if event.ok:
        metrics.llm_calls.labels("cache" if event.from_cache else "model").inc()
    else:
        metrics.llm_errors.labels(event.error_code).inc()
    metrics.cost.labels(model, metrics.known("agent", event.agent)).inc(usage.cost_usd)
    if event.from_cache:
        # What was answered from the cache took no tokens of a model, and no time of it.
        return
    for direction, tokens in (
        ("input", usage.input_tokens),
        ("output", usage.output_tokens),
        ("cached", usage.cached_tokens),
        ("cache_write", usage.cache_write_tokens),
    ):
        metrics.tokens.labels(model, direction).inc(tokens)
    metrics.llm_time.labels(event.provider).observe(event.duration_ms / 1000)
    if event.first_token_ms is not None:
        metrics.llm_first_token.labels(event.provider).observe(event.first_token_ms / 1000)


def _approval(metrics: Metrics, event: ApprovalResolved) -> None:
    metrics.approvals.labels(event.status).inc()
    metrics.approval_time.observe(event.response_time_ms / 1000)


def _search(metrics: Metrics, event: CodeSearched) -> None:
    metrics.searches.labels(event.kind, str(event.found).lower()).inc()
    metrics.search_time.labels(event.kind).observe(event.duration_ms / 1000)


def _facts(metrics: Metrics, event: FactsRecorded) -> None:
    metrics.facts.inc(len(event.entries))
    for entry in event.entries:
        match entry.fact:
            case ToolCallCompleted() as call:
                # A model may ask for tools that do not exist.
                tool = metrics.known("tool", call.tool)
                metrics.tools.labels(tool, str(call.ok).lower()).inc()
                metrics.tool_time.labels(tool).observe(call.duration_ms / 1000)
            case TurnFailed(code="rate_limited"):
                metrics.rate_limited.inc()
