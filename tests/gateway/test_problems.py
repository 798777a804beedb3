"""Whatever goes wrong, the answer is a problem detail with a stable code, and never a trace."""

from typing import Annotated, Any

import pytest
from litestar import Litestar, get, post
from litestar.exceptions import ServiceUnavailableException
from litestar.params import JSONBody
from litestar.testing import TestClient
from msgspec import Meta, Struct

from codelab.auth.errors import Unauthenticated
from codelab.gateway.problems import MEDIA_TYPE, exception_handlers
from codelab.kit.errors import InvalidInput, NotFound, RateLimited, Unavailable
from codelab.llm.routes import refuse


class Inner(Struct, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=1)]


class Body(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=3)]
    inner: Inner | None = None
    many: list[Inner] = []


@post("/body")
async def take(data: JSONBody[Body]) -> None:
    return None


def app(error: Exception | None = None) -> TestClient[Litestar]:
    @get("/fail")
    async def fails() -> None:
        if error is not None:
            raise error

    return TestClient(
        Litestar(
            [take, fails],
            exception_handlers=exception_handlers(),
            request_max_body_size=1000,
            logging_config=None,
        ),
        raise_server_exceptions=False,
    )


@pytest.mark.parametrize(
    ("error", "status", "code", "headers"),
    [
        (NotFound("There is none."), 404, "not_found", {}),
        (InvalidInput("No.", field="a.b"), 422, "invalid_input", {}),
        (RateLimited("Wait.", retry_after_s=1.2), 429, "rate_limited", {"retry-after": "2"}),
        (Unavailable("Away.", retry_after_s=0.1), 503, "unavailable", {"retry-after": "1"}),
        (Unauthenticated("Who?"), 401, "unauthenticated", {"www-authenticate": "Bearer"}),
        (ServiceUnavailableException("s3cret host"), 500, "internal", {}),
        (RuntimeError("s3cret detail"), 500, "internal", {}),
        (KeyError("s3cret"), 500, "internal", {}),
    ],
)
def test_an_error_becomes_its_problem(
    error: Exception, status: int, code: str, headers: dict[str, str]
) -> None:
    with app(error) as client:
        answer = client.get("/fail")
    body = answer.json()
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"urn:codelab:problem:{code}"
    assert body["title"]
    assert headers.items() <= dict(answer.headers).items()
    assert "s3cret" not in answer.text
    assert "Traceback" not in answer.text
    assert ("request_id" in body) is (code == "internal")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": 1}, "name"),
        ({"name": "long"}, "name"),
        ({"name": "a", "nmae": "b"}, "nmae"),
        ({"name": "a", "inner": {}}, "inner.count"),
        ({"name": "a", "inner": {"count": 0}}, "inner.count"),
        ({"name": "a", "many": [{"count": 1}, {"count": 0}]}, "many.1.count"),
        ([], "body"),
    ],
)
def test_a_wrong_field_is_named(body: Any, field: str) -> None:
    with app() as client:
        answer = client.post("/body", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("POST", "/body", b"{not json", 400, "malformed_request"),
        ("POST", "/body", b"\xff\xfe", 400, "malformed_request"),
        ("POST", "/body", b'{"name":"' + b"x" * 2000 + b'"}', 413, "too_large"),
        ("GET", "/nowhere", b"", 404, "not_found"),
        ("DELETE", "/body", b"", 405, "method_not_allowed"),
    ],
)
def test_what_the_framework_refuses_looks_the_same(
    method: str, path: str, content: bytes, status: int, code: str
) -> None:
    with app() as client:
        answer = client.request(
            method, path, content=content, headers={"content-type": "application/json"}
        )
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 405:
        assert "POST" in answer.headers["allow"]


def test_addresses_that_speak_otherwise_do_so_where_no_route_takes_a_request_too() -> None:
    other = Litestar(
        [take],
        exception_handlers=exception_handlers({"/body": refuse}),
        logging_config=None,
    )
    with TestClient(other) as client:
        theirs = client.request("PURGE", "/body")
        assert theirs.json()["error"]["code"] == "method_not_allowed"
        assert (theirs.status_code, theirs.headers["content-type"]) == (405, "application/json")
        for path in ("/bodyguard", "/"):
            ours = client.request("PURGE", path)
            assert ours.headers["content-type"] == MEDIA_TYPE
