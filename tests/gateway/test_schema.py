"""The documents say what the server does, and are what their standards want."""

import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from codelab.gateway import client_frames, server_frames
from codelab.gateway.asyncapi import asyncapi_document
from codelab.gateway.encoding import kind_of
from tests.gateway.rig import Replica, User

OFFICIAL = Path(__file__).parent / "data" / "asyncapi-3.0.0.schema.json"
DOCUMENT = json.loads(msgspec.json.encode(asyncapi_document("1.2.3")))


def test_the_asyncapi_document_is_valid_by_the_official_schema() -> None:
    validator = jsonschema.Draft7Validator(json.loads(OFFICIAL.read_text("utf-8")))
    assert [error.message for error in validator.iter_errors(DOCUMENT)] == []
    broken = DOCUMENT | {"operations": {"x": {"action": "shout"}}}
    assert list(validator.iter_errors(broken))


def test_every_frame_is_described() -> None:
    kinds = [
        *get_args(client_frames.ClientFrame),
        *get_args(client_frames.FlatFrame),
        *get_args(server_frames.AnyServerFrame),
    ]
    messages = DOCUMENT["components"]["messages"]
    assert len(messages) == len(kinds)
    assert {message["name"] for message in messages.values()} == {kind_of(kind) for kind in kinds}
    assert all(message["summary"] for message in messages.values())


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(references(part) for part in value)) if value else set()
    return set()


def resolves(document: Any, reference: str) -> bool:
    node = document
    for part in reference.removeprefix("#/").split("/"):
        if part not in node:
            return False
        node = node[part]
    return True


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert found
    assert [reference for reference in found if not resolves(DOCUMENT, reference)] == []


@pytest.mark.parametrize(
    ("name", "frame", "fits"),
    [
        ("client_chat", {"type": "chat", "session_id": "1", "data": {"message": "x"}}, True),
        ("client_chat", {"type": "chat", "session_id": "1", "data": {}}, False),
        ("client_short_chat", {"type": "chat", "session_id": "1", "message": "x"}, True),
        ("server_pong", {"type": "pong", "data": {}}, True),
        ("server_token", {"type": "token", "data": {"text": "x"}}, False),
    ],
)
def test_the_payloads_are_real_schemas(name: str, frame: object, fits: bool) -> None:
    schema = DOCUMENT["components"]["messages"][name]["payload"] | {
        "components": DOCUMENT["components"]
    }
    assert jsonschema.Draft202012Validator(schema).is_valid(frame) is fits


async def test_the_documents_are_served_to_everybody(replica: Replica, ada: User) -> None:
    async with ada.http(replica) as http:
        http.headers.clear()
        openapi = (await http.get("/schema/openapi.json")).json()
        assert (await http.get("/schema/asyncapi.json")).json() == DOCUMENT
    assert openapi["openapi"].startswith("3.1")
    assert openapi["info"]["title"] == "CodeLab"
    assert openapi["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert [ref for ref in references(openapi) if not resolves(openapi, ref)] == []
    operation = openapi["paths"]["/api/v1/sessions/{session_id}"]["get"]
    assert openapi["security"] == [{"bearer": []}]
    assert "security" not in operation
    assert openapi["paths"]["/api/v1/auth/login"]["post"]["security"] == []
    assert openapi["paths"]["/health"]["get"]["security"] == []
    problem = openapi["components"]["responses"]["404"]["content"]["application/problem+json"]
    assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert {"200", "401", "404", "422", "429", "503"} <= operation["responses"].keys()


async def test_the_page_loads_nothing_from_elsewhere(replica: Replica, ada: User) -> None:
    async with ada.http(replica) as http:
        http.headers.clear()
        page = await http.get("/docs")
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "//" not in page.text
        assert "<style" not in page.text
        for part in ("docs/init.js", "docs/swagger-ui-bundle.js", "docs/swagger-ui.css"):
            assert f'"{part}"' in page.text
            answer = await http.get(f"/{part}")
            assert answer.status_code == 200
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await http.get("/docs/index.html")).status_code == 404
        assert (await http.get("/docs/..%2fschema.py")).status_code == 404
