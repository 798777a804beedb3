"""The audit log over HTTP: administrators read it, nobody changes it."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from litestar import Litestar, Router
from litestar.connection import ASGIConnection
from litestar.middleware import (
    AbstractAuthenticationMiddleware,
    AuthenticationResult,
    DefineMiddleware,
)

from codelab.audit.api import AuditFilter, Observation
from codelab.audit.checking import AuditCheck
from codelab.audit.copying import copied
from codelab.audit.routes import router
from codelab.auth.api import Principal
from codelab.gateway.problems import exception_handlers
from tests.audit.conftest import SECRETS, Log
from tests.support.http import Client, client_of

URL = "/api/v1/admin/audit"


class ByRole(AbstractAuthenticationMiddleware):
    """Stands where the access token is checked: the header is the user's role."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        role: Any = connection.headers["role"]
        return AuthenticationResult(Principal(user_id="u1", name="ann", role=role), None)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Routes don't see which database it is."""
    return sqlite_url


@pytest.fixture
async def client(log: Log) -> AsyncIterator[Client]:
    api = Router(
        "/api/v1", route_handlers=[router(log.audit)], middleware=[DefineMiddleware(ByRole)]
    )
    app = Litestar([api], exception_handlers=exception_handlers(), logging_config=None)
    async with client_of(app) as made:
        made.headers["role"] = "admin"
        yield made


def record(log: Log, number: int) -> None:
    log.audit.record(
        Observation(
            action=f"thing.done_{number}",
            resource_type="thing",
            resource_id=str(number),
            user_id=f"user{number}",
            session_id=f"session{number}",
            details={"count": number},
        )
    )


async def test_an_administrator_reads_entries(client: Client, log: Log) -> None:
    record(log, 1)
    (shown,) = (await client.get(URL)).json()
    assert set(shown) == {
        "id",
        "timestamp",
        "user_id",
        "session_id",
        "action",
        "resource_type",
        "resource_id",
        "details",
        "ip_address",
        "user_agent",
        "seq",
        "hash",
    }
    assert shown["seq"] == 1
    assert len(shown["hash"]) == 64
    assert shown["details"] == {"count": 1}


async def test_nobody_else_does(client: Client) -> None:
    answer = await client.get(URL, headers={"role": "user"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_entries_are_filtered(client: Client, log: Log) -> None:
    for number in range(3):
        record(log, number)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for query, expected in (
        ({"user": "user1"}, 1),
        ({"session": "session2"}, 1),
        ({"action": "thing.done_0"}, 1),
        ({"resource_type": "thing"}, 3),
        ({"resource_type": "stone"}, 0),
        ({"resource": "2"}, 1),
        ({"limit": "2"}, 2),
        ({"from": "2020-01-01T00:00:00Z"}, 3),
        ({"from": "2020-01-01T00:00:00", "to": tomorrow}, 3),
        ({"from": tomorrow}, 0),
        ({"to": "2020-01-01T00:00:00Z"}, 0),
    ):
        found = await client.get(URL, params=query)
        assert found.status_code == 200, found.text
        assert len(found.json()) == expected, query
    first = (await client.get(URL, params={"limit": "1"})).json()[0]
    rest = (await client.get(URL, params={"before": first["id"]})).json()
    assert len(rest) == 2


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "501"}, {"from": "yesterday"}, {"user": "u" * 65}]
)
async def test_a_wrong_filter_is_refused(client: Client, query: dict[str, str]) -> None:
    assert (await client.get(URL, params=query)).status_code in (400, 422)


async def test_a_copy_is_a_file(client: Client, log: Log) -> None:
    for number in range(3):
        record(log, number)
    log.audit.record(Observation(action="thing.done_0", resource_type="thing", resource_id="=1+1"))
    listed = (await client.get(URL)).json()

    answer = await client.get(f"{URL}/export.ndjson")
    assert [json.loads(line) for line in answer.text.splitlines()] == listed
    assert "codelab-audit.ndjson" in answer.headers["content-disposition"]

    answer = await client.get(f"{URL}/export.csv", params={"action": "thing.done_0"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    # What a spreadsheet would compute is made harmless.
    assert [row["resource_id"] for row in rows] == ["'=1+1", "0"]
    assert json.loads(rows[1]["details"]) == {"count": 0}


async def test_a_copy_has_an_end(log: Log) -> None:
    for number in range(5):
        record(log, number)
    pieces = [piece async for piece in copied(log.audit, AuditFilter(), "ndjson", most=3)]
    assert len(b"".join(pieces).splitlines()) == 3


async def test_the_log_is_verified(client: Client, log: Log) -> None:
    for number in range(3):
        record(log, number)
    await client.get(URL)
    answer = (await client.post(f"{URL}/verification")).json()
    assert (answer["intact"], answer["entries"]) == (True, 3)

    async with log.db.engine.begin() as connection:
        await connection.execute(sa.text("DROP TRIGGER audit_log_no_update"))
        await connection.execute(sa.text("UPDATE audit_log SET action = 'x' WHERE seq = 2"))
    answer = (await client.post(f"{URL}/verification")).json()
    assert answer["intact"] is False
    assert "Entry 2" in answer["problem"]


async def test_a_log_that_is_too_long_is_not_verified_here(log: Log) -> None:
    answer = await AuditCheck(log.db, SECRETS, longest_s=0).run()
    assert answer.intact is None
    assert "codelab audit verify" in answer.problem


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_there_is_no_way_to_change_it(client: Client, log: Log, method: str) -> None:
    record(log, 1)
    before = (await client.get(URL)).json()
    for path in (URL, f"{URL}/{before[0]['id']}"):
        assert (await client.request(method, path, json={})).status_code in (404, 405)
    assert (await client.get(URL)).json() == before
