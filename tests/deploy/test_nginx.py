"""deploy/nginx.conf in a real nginx before a real upstream."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests.deploy import proxy, upstream
from tests.deploy.proxy import NAME, Proxy

pytestmark = pytest.mark.skipif(proxy.NGINX is None, reason="nginx is not installed")

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxy.serving() as port, proxy.running(tmp_path_factory.mktemp("nginx"), port) as running:
        yield running


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[Proxy]:
    """An nginx whose replicas are all away."""
    with proxy.running(tmp_path, proxy.free_port()) as running:
        yield running


@contextmanager
def ask(
    nginx: Proxy,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """Send a request over TLS; the certificate is checked."""
    raw = socket.create_connection(("127.0.0.1", nginx.https), 20)
    connection = http.client.HTTPSConnection(NAME, nginx.https, context=nginx.tls)
    connection.sock = nginx.tls.wrap_socket(raw, server_hostname=NAME)
    with closing(connection):
        connection.request(method, path, body=body, headers=headers or {})
        with connection.getresponse() as response:
            yield response


def answer(response: http.client.HTTPResponse) -> dict[str, Any]:
    """Read a JSON answer."""
    decoded: dict[str, Any] = json.loads(response.read())
    return decoded


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    path = proxy.configuration(tmp_path, 8443, 8080, [8000, 8001])
    done = subprocess.run([*proxy.command(path), "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_requests_reach_the_upstream_with_the_clients_own_address(nginx: Proxy) -> None:
    lies = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "http",
        "Forwarded": "for=203.0.113.7",
    }
    with ask(nginx, "GET", "/api/v1/agents?x=1", headers=lies) as response:
        told = answer(response)
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert "nginx/" not in (response.headers["Server"] or "")
    assert told["path"] == "/api/v1/agents"
    assert told["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert told["headers"]["x-forwarded-proto"] == "https"
    assert told["headers"]["host"] == f"{NAME}:{nginx.https}"
    assert "forwarded" not in told["headers"]
    assert told["headers"].get("connection", "") != "upgrade"


def test_plain_http_is_sent_to_https(nginx: Proxy) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", nginx.http, timeout=10)) as connection:
        connection.request("POST", "/api/v1/auth/login?a=b", headers={"Host": NAME})
        with connection.getresponse() as response:
            assert response.status == 308
            assert response.headers["Location"] == f"https://{NAME}/api/v1/auth/login?a=b"


async def test_a_socket_is_upgraded_and_talks_both_ways(nginx: Proxy) -> None:
    async with websockets.connect(
        f"wss://{NAME}:{nginx.https}/api/v1/ws?ticket=topsecret",
        host="127.0.0.1",
        ssl=nginx.tls,
        subprotocols=[websockets.Subprotocol("codelab.v1")],
        origin=websockets.Origin(f"https://{NAME}:{nginx.https}"),
    ) as client:
        assert client.subprotocol == "codelab.v1"
        headers = json.loads(await client.recv())
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert headers["origin"] == f"https://{headers['host']}"
        large = "x" * MEGABYTE
        await client.send(large)
        assert await client.recv() == large
        for number in range(3):
            await client.send(str(number))
            assert await client.recv() == str(number)


@pytest.mark.parametrize("path", ["/api/v1/agent/chat", "/v1/chat/completions", "/v1/responses"])
def test_events_arrive_one_by_one(nginx: Proxy, path: str) -> None:
    arrived = 0
    with ask(nginx, "POST", path, body=b"{}") as response:
        while line := response.readline():
            if line.startswith(b"data:"):
                arrived += 1
                # Without this the next one is not sent.
                with ask(nginx, "POST", upstream.SEEN) as seen:
                    answer(seen)
    assert arrived == upstream.EVENTS


def test_the_largest_allowed_body_arrives(nginx: Proxy) -> None:
    body = b"x" * 16 * MEGABYTE
    with ask(nginx, "PUT", "/api/v1/workspaces/1/files/a", body=body) as response:
        assert answer(response)["size"] == len(body)


def test_a_larger_body_is_refused_as_a_problem(nginx: Proxy) -> None:
    declared = {"Content-Length": str(16 * MEGABYTE + 1)}
    with ask(nginx, "PUT", "/api/v1/workspaces/1/files/a", headers=declared) as response:
        assert response.status == 413
        assert response.headers["Content-Type"] == "application/problem+json"
        assert answer(response)["code"] == "too_large"


def test_a_header_that_is_too_large_is_refused(nginx: Proxy) -> None:
    with ask(nginx, "GET", "/", headers={"X-Large": "x" * 40_000}) as response:
        assert response.status == 400


def test_a_projects_terminals_are_always_on_the_same_replica(tmp_path: Path) -> None:
    with (
        proxy.serving() as one,
        proxy.serving() as other,
        proxy.running(tmp_path, one, other) as nginx,
    ):
        reached = set()
        for number in range(8):
            base = f"/api/v1/workspaces/{number:032x}/terminals"
            ports = set()
            for path in (base, f"{base}/1/ticket", base):
                with ask(nginx, "GET", path) as response:
                    ports.add(answer(response)["port"])
            assert len(ports) == 1
            reached |= ports
    assert reached == {one, other}


def test_measurements_are_not_for_the_outside(nginx: Proxy) -> None:
    with ask(nginx, "GET", "/metrics") as response:
        assert response.status == 404


def test_replicas_that_are_away_are_a_problem_to_retry(lonely: Proxy) -> None:
    with ask(lonely, "GET", "/api/v1/agents") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "2"
        assert response.headers["Content-Type"] == "application/problem+json"
        assert answer(response)["code"] == "unavailable"


def test_openai_s_clients_get_errors_in_their_own_form(nginx: Proxy, lonely: Proxy) -> None:
    with ask(lonely, "POST", "/v1/responses", body=b"{}") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        assert answer(response)["error"]["code"] == "unavailable"
    declared = {"Content-Length": str(16 * MEGABYTE + 1)}
    with ask(nginx, "POST", "/v1/embeddings", headers=declared) as response:
        assert response.status == 413
        assert response.headers["Content-Type"] == "application/json"
        assert answer(response)["error"]["code"] == "too_large"


def test_the_log_has_no_queries(nginx: Proxy) -> None:
    with ask(nginx, "GET", "/setup?token=topsecret") as response:
        response.read()
    until = time.monotonic() + 5
    while '"path":"/setup"' not in (log := nginx.log.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    assert '"path":"/setup"' in log
    assert "topsecret" not in log
    for line in log.splitlines():
        assert json.loads(line)["client"] == "127.0.0.1"
