"""Health, measurements and the records of requests."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from codelab.gateway.health import (
    CheckResult,
    Health,
    database_check,
    disk_check,
    models_check,
    sandbox_check,
)
from codelab.gateway.measuring import measure
from codelab.gateway.metrics import Metrics
from codelab.hitl.events import ApprovalResolved
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.ratelimit import RateLimiter
from codelab.llm.api import LlmSettings, Models
from codelab.llm.events import ModelCalled
from codelab.sdk.model import Usage
from codelab.sessions.api import SessionRecord
from codelab.sessions.events import ToolCallCompleted, TurnClosed
from codelab.workspace.api import Workspaces, WorkspaceSettings
from tests.gateway.rig import Replica, User

COMPLETE = (
    "model_list:\n  - model_name: m\n    litellm_params: {model: openai/m, api_key: none-needed}\n"
)
LACKING = COMPLETE.replace("none-needed", "os.environ/CODELAB_TEST_UNSET_KEY")


async def ok() -> CheckResult:
    return CheckResult(status="ok")


async def degraded() -> CheckResult:
    return CheckResult(status="degraded", detail="less")


async def broken() -> CheckResult:
    raise RuntimeError("postgresql://user:s3cret@host")


async def hangs() -> CheckResult:
    await asyncio.sleep(60)
    return CheckResult(status="ok")


async def test_health_is_the_worst_of_its_checks() -> None:
    assert (await Health("1", {"a": ok}).report()).status == "ok"
    assert (await Health("1", {"a": ok, "b": degraded}).report()).status == "degraded"
    report = await Health("1", {"a": ok, "b": degraded, "c": broken}).report()
    assert report.status == "failed"
    assert report.checks["c"].status == "failed"
    assert "s3cret" not in repr(report)


async def test_a_check_that_hangs_does_not_hang_the_answer() -> None:
    started = time.monotonic()
    report = await Health("1", {"a": ok, "b": hangs}).report()
    assert time.monotonic() - started < 4
    assert report.checks["b"].status == "failed"


async def test_checks_run_once_a_second_at_most() -> None:
    runs = []

    async def counted() -> CheckResult:
        runs.append(1)
        return CheckResult(status="ok")

    health = Health("1", {"a": counted})
    await asyncio.gather(*(health.report() for _ in range(20)))
    assert len(runs) == 1


async def test_the_database_check(database_url: str, postgres_url: str) -> None:
    for url in (database_url, postgres_url):
        db = Database(url, Bus())
        try:
            assert (await database_check(db)()).status == "ok"
        finally:
            await db.close()
    away = Database("postgresql+asyncpg://u:p@127.0.0.1:1/x", Bus())
    try:
        report = await Health("1", {"database": database_check(away)}).report()
        assert report.status == "failed"
    finally:
        await away.close()


async def test_the_disk_check(tmp_path: Path) -> None:
    assert (await disk_check(tmp_path)()).status in ("ok", "degraded")


@pytest.mark.parametrize("catalogue", ["model_list: []\n", LACKING, COMPLETE])
async def test_the_models_check_says_what_to_set(tmp_path: Path, catalogue: str) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(catalogue)
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/unused.db", Bus())
    models = Models(LlmSettings(models_file=file), db, Bus(), RateLimiter())
    try:
        result = await models_check(models)()
    finally:
        await models.close()
        await db.close()
    advice = {LACKING: "CODELAB_TEST_UNSET_KEY", COMPLETE: ""}.get(catalogue, "No model")
    assert result.status == ("ok" if catalogue == COMPLETE else "degraded")
    assert advice in result.detail and bool(advice) == bool(result.detail)


async def test_the_sandbox_check_says_why_commands_are_off(tmp_path: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/unused.db", Bus())
    off = Workspaces(db, WorkspaceSettings(data_dir=tmp_path, roots=(), sandbox="none"))
    try:
        result = await sandbox_check(off)()
    finally:
        await off.close()
        await db.close()
    assert result.status == "degraded"
    assert "CODELAB_SANDBOX" in result.detail


async def test_health_over_http(replica: Replica, ada: User) -> None:
    async with ada.http(replica) as http:
        http.headers.clear()
        answer = await http.get("/health")
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ok",
            "version": "1.2.3",
            "checks": {
                "database": {"status": "ok", "detail": ""},
                "relay": {"status": "ok", "detail": ""},
            },
        }
        assert (await http.get("/health/live")).json() == {"status": "ok"}


async def test_measurements_are_for_administrators_and_services(
    replica: Replica, ada: User, new_user: Callable[..., Awaitable[User]]
) -> None:
    root = await new_user("root", admin=True)
    async with ada.http(replica) as http:
        assert (await http.get("/metrics")).status_code == 403
        answer = await http.get("/metrics", headers=root.headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        http.headers.clear()
        assert (await http.get("/metrics")).status_code == 401
        secret = {"X-Internal-Secret": "an-internal-secret"}
        assert (await http.get("/metrics", headers=secret)).status_code == 200
        wrong = {"X-Internal-Secret": "another"}
        assert (await http.get("/metrics", headers=wrong)).status_code == 401


async def test_requests_are_measured_by_route_and_not_by_address(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    async with ada.http(replica) as http:
        await http.get(f"/api/v1/sessions/{session.id}")
        await http.get("/api/v1/sessions/nope")
        await http.get("/wp-admin/x")
        await http.request("PURGE", "/wp-admin/x")
    text = replica.metrics.render().decode()
    route = 'method="GET",route="/api/v1/sessions/{session_id}"'
    assert f'codelab_http_response_seconds_count{{{route},status="200"}} 1.0' in text
    assert f'codelab_http_response_seconds_count{{{route},status="404"}} 1.0' in text
    assert 'method="GET",route="unmatched",status="404"' in text
    assert 'method="other"' in text
    assert session.id not in text
    assert "wp-admin" not in text
    assert 'codelab_db_pool_connections{kind="size"}' in text
    assert "codelab_db_query_seconds_count" in text
    assert "codelab_websocket_connections 0.0" in text


async def test_one_record_per_request_without_its_query(replica: Replica, ada: User) -> None:
    with capture_logs() as records:
        async with ada.http(replica) as http:
            answer = await http.get("/api/v1/sessions?before=abc&secret=s3cret")
    (record,) = [one for one in records if one["event"] == "request"]
    assert record["method"] == "GET"
    assert record["route"] == "/api/v1/sessions"
    assert record["status"] == answer.status_code == 200
    assert record["user_id"] == ada.principal.user_id
    assert record["duration_ms"] >= 0
    assert "s3cret" not in repr(record)
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["cache-control"] == "no-store"


def test_events_become_measurements() -> None:
    bus, metrics = Bus(), Metrics()
    measure(bus, metrics)
    usage = Usage(
        input_tokens=3, output_tokens=4, cached_tokens=2, cache_write_tokens=1, cost_usd=0.5
    )
    bus.publish(
        TurnClosed(
            session_id="s",
            turn_id="t",
            user_id="u",
            agent="a",
            stop_reason="end",
            duration_ms=1500,
            usage=usage,
        )
    )
    bus.publish(
        ModelCalled(
            session_id="s",
            user_id="u",
            turn_id="t",
            agent="a",
            model="m",
            provider="openai",
            usage=usage,
            first_token_ms=200,
            duration_ms=900,
            ok=False,
            error_code="timeout",
        )
    )
    bus.publish(
        ApprovalResolved(
            approval_id="p",
            session_id="s",
            turn_id="t",
            call_id="c",
            user_id="u",
            agent="a",
            tool="x",
            status="approved",
            by="ada",
            feedback="",
            response_time_ms=3000,
            digest="d",
        )
    )
    assert bus.failures.total() == 0
    text = metrics.render().decode()
    for line in (
        'codelab_turns_total{stop_reason="end"} 1.0',
        'codelab_tokens_total{direction="output",model="m"} 4.0',
        'codelab_tokens_total{direction="cached",model="m"} 2.0',
        'codelab_tokens_total{direction="cache_write",model="m"} 1.0',
        'codelab_llm_cost_usd_total{agent="a",model="m"} 0.5',
        'codelab_llm_first_token_seconds_sum{provider="openai"} 0.2',
        'codelab_llm_errors_total{code="timeout"} 1.0',
        'codelab_approvals_total{status="approved"} 1.0',
        "codelab_approval_response_seconds_sum 3.0",
    ):
        assert line in text


def test_what_became_of_requests_for_money_is_measured() -> None:
    metrics = Metrics()
    metrics.watch_budget(lambda: [("granted", 3), ("refused_user", 1)], lambda: [("granted", 0.5)])
    text = metrics.render().decode()
    for line in (
        'codelab_budget_reservations_total{outcome="granted"} 3.0',
        'codelab_budget_reservations_total{outcome="refused_user"} 1.0',
        'codelab_budget_reserved_usd_total{outcome="granted"} 0.5',
    ):
        assert line in text


async def test_made_up_tool_names_do_not_fill_the_memory(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    metrics = Metrics()
    measure(replica.bus, metrics)
    await replica.sessions.start_turn(ada.principal, session.id, "hi")
    calls = [
        ToolCallCompleted(call_id=f"c{number}", tool=f"made_up_{number}", ok=False, output="")
        for number in range(300)
    ]
    await replica.append(session.id, *calls)
    text = metrics.render().decode()
    assert text.count("codelab_tool_runs_total{") == 201
    assert 'codelab_tool_runs_total{ok="false",tool="other"} 100.0' in text


def test_failures_of_the_bus_and_caches_are_reported() -> None:
    bus, metrics = Bus(), Metrics()
    metrics.watch_bus(bus)
    metrics.watch_cache("files", lambda: (7, 3))
    bus.failures["somebody"] += 2
    text = metrics.render().decode()
    assert 'codelab_bus_failures_total{handler="somebody"} 2.0' in text
    assert 'codelab_cache_files_total{outcome="hit"} 7.0' in text
    assert 'codelab_cache_files_total{outcome="miss"} 3.0' in text
