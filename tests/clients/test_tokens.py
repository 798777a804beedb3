"""Who gets into `/v1` of a whole server, and what an API token opens besides: nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.clients.conftest import CHAT, V1
from tests.flows.harness import PASSWORD, USER, Client, signed_in
from tests.model_server.script import Reply

PATH = "users/me/tokens"


@pytest.fixture
async def ada(v1: V1) -> AsyncIterator[Client]:
    """The user, signed in."""
    async with signed_in(v1.codelab) as client:
        yield client


async def models(v1: V1, http: aiohttp.ClientSession, **headers: str) -> tuple[int, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.get(f"{v1.url}/models", headers=sent) as answer:
        assert answer.headers["x-request-id"]
        assert answer.headers["cache-control"] == "no-store"
        return answer.status, await answer.json()


async def test_a_token_is_taken_from_the_headers_that_clients_use(v1: V1, ada: Client) -> None:
    for headers in (
        {"authorization": f"Bearer {v1.token}"},
        {"api_key": v1.token},
        {"x_api_key": v1.token},
        # An access token opens /v1 too.
        {"authorization": f"Bearer {ada.token}"},
    ):
        status, body = await models(v1, ada.http, **headers)
        assert (status, body["data"][0]["id"]) == (200, CHAT)
    for headers in ({}, {"authorization": "Basic YTpi"}, {"api_key": "codelab_x"}):
        status, body = await models(v1, ada.http, **headers)
        assert (status, body["error"]["code"]) == (401, "invalid_api_key")
        assert "token" in body["error"]["message"]


async def test_it_opens_nothing_else_and_ends_when_it_is_deleted(v1: V1, ada: Client) -> None:
    made = await ada.call("POST", PATH, {"name": "for an hour"})
    own = {"authorization": f"Bearer {made['token']}"}
    assert (await models(v1, ada.http, **own))[0] == 200
    for path in ("sessions", "auth/me", PATH, "users/me/export"):
        async with ada.http.get(f"{v1.codelab.url}/api/v1/{path}", headers=own) as answer:
            assert answer.status == 401
            assert "/v1 only" in (await answer.json())["detail"]
    await ada.call("DELETE", f"{PATH}/{made['id']}")
    assert (await models(v1, ada.http, **own))[0] == 401
    assert made["id"] not in {one["id"] for one in await ada.call("GET", PATH)}
    log = v1.codelab.log.read_text()
    assert made["token"] not in log
    assert v1.token not in log


async def test_calls_are_on_the_user_s_account(v1: V1, ada: Client) -> None:
    await v1.script(Reply(text="Hello."))
    body = {"model": CHAT, "input": "Hi"}
    own = {"Authorization": f"Bearer {v1.token}"}
    async with ada.http.post(f"{v1.url}/responses", json=body, headers=own) as answer:
        assert answer.status == 200
    sums = (await ada.call("GET", "usage?group=agent"))["sums"]
    assert {one["key"] for one in sums} == {"api"}
    (listed,) = [one for one in await ada.call("GET", PATH) if one["name"] == "clients"]
    assert listed["last_used_at"]


async def test_sign_ins_go_on_while_a_program_shows_a_wrong_token(v1: V1, ada: Client) -> None:
    place = {"x_forwarded_for": "203.0.113.9"}
    wrong = [await models(v1, ada.http, api_key="codelab_old", **place) for _ in range(9)]
    assert [status for status, _ in wrong] == [401] * 8 + [429]
    assert wrong[-1][1]["error"]["code"] == "rate_limit_exceeded"
    assert (await models(v1, ada.http, api_key=v1.token, **place))[0] == 200
    async with ada.http.post(
        f"{v1.codelab.url}/api/v1/auth/login",
        json={"username": USER, "password": PASSWORD},
        headers={"X-Forwarded-For": place["x_forwarded_for"]},
    ) as answer:
        assert answer.status == 200
