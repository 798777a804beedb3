"""The REST interface against its own OpenAPI document, with requests that nobody thought of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from codelab.kit.secret_key import new_key
from tests.conftest import Stores
from tests.flows.harness import PASSWORD, Client, CodeLab, approve, send, signed_in
from tests.flows.installations import Installations
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall, When

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Round(NamedTuple):
    """What is made up, whether it is about what there is on the server, and how many times.

    Where all is refused, it is made up anew, for so many tries.
    """

    mode: GenerationMode
    about_real: bool
    many: int
    tries: int = 1


ROUNDS = {
    "right": Round(GenerationMode.POSITIVE, about_real=True, many=12, tries=4),
    "nowhere": Round(GenerationMode.POSITIVE, about_real=False, many=4),
    "wrong": Round(GenerationMode.NEGATIVE, about_real=True, many=10),
}
INTERNAL_SECRET = new_key()
# These end their caller's sign-in, or try to: they get a user of their own.
FAREWELLS = {
    "/api/v1/auth/logout",
    "/api/v1/auth/logout-everywhere",
    "/api/v1/auth/password",
    "/api/v1/users/me",
}
# What takes a secret, an approval that somebody has answered, one of a file's change with the hash
# of the file, or a message of the session.
NOT_TO_BE_GUESSED = {
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/setup",
    "PUT /api/v1/auth/password",
    "DELETE /api/v1/users/me",
    "PUT /api/v1/hitl/requests/{approval_id}/reject",
    "GET /api/v1/hitl/requests/{approval_id}/review",
    "PUT /api/v1/hitl/requests/{approval_id}/review",
    # There is no model of its kind.
    "POST /v1/embeddings",
    "POST /api/v1/sessions/{session_id}/feedback",
}

# What asks a model in OpenAI's form.
ASKING = ("/v1/chat/completions", "/v1/responses", "/api/v1/llm/chat/completions")

PROJECT = "/api/v1/workspaces/{workspace_id}"

Case = schemathesis.Case[Any]
Document = dict[str, Any]


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """The interface is the same on all stores."""
    return Stores("embedded", sqlite_url, None)


@pytest.fixture
async def codelab(
    tmp_path: Path,
    project: Path,
    stores: Stores,
    models_yaml: str,
    installations: Installations,
) -> AsyncIterator[CodeLab]:
    """A server without limits, on which users may open projects of their own."""
    for name in ("kept", "forgotten", "new", "plain"):
        (tmp_path / "own" / name).mkdir(parents=True)
    for name in ("notes.md", "README.md"):
        (tmp_path / "own" / "kept" / name).write_text("# Notes\n")
    for name in ("full", "unwanted"):
        (tmp_path / "own" / "kept" / name).mkdir()
    (tmp_path / "own" / "kept" / "pixel.gif").write_bytes(b"GIF89a" + bytes(20))
    limits = ("LLM_REQUESTS", "FILE_OPERATIONS", "APPROVAL_REQUESTS")
    extra = {f"CODELAB_{limit}_PER_HOUR": "100000" for limit in limits} | {
        "CODELAB_WORKSPACES_ROOT": str(tmp_path / "own"),
        "CODELAB_INTERNAL_SECRET": INTERNAL_SECRET,
        "CODELAB_INDEX_ENGINE": "fts5",
    }
    server = CodeLab(tmp_path, project, stores, models_yaml, extra)
    installations.furnish(server)
    await server.start()
    try:
        yield server
    finally:
        server.stop()


class Real:
    """What there really is on the server, so that not every request ends in a 404."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {"file_path": "notes.md"}
        self.special: dict[str, dict[str, Any]] = {}

    def put_into(self, case: Case) -> None:
        """Let a request be about what there is; a deletion gets what nothing else needs."""
        known = self.places | self.special.get(f"{case.method} {case.path}", {})
        for name in case.path_parameters or {}:
            case.path_parameters[name] = known[name]
        if isinstance(case.body, dict):
            case.body |= {name: known[name] for name in case.body.keys() & known.keys()}


async def furnished(client: Client) -> Real:
    """Make one of everything: projects, sessions, messages, a call that waits for a human."""
    real = Real()
    kept = await client.call("POST", "workspaces", {"path": "kept"})
    forgotten = await client.call("POST", "workspaces", {"path": "forgotten"})
    talk, unwanted, waiting, rewound, wordy = [
        await client.call("POST", "sessions", {"workspace_id": kept["id"]}) for _ in range(5)
    ]
    real.places |= {"workspace_id": kept["id"], "session_id": talk["id"], "path": "new"}
    question = {"model": "scripted", "messages": [{"role": "user", "content": "Who?"}]}
    real.special = {
        "DELETE /api/v1/workspaces/{workspace_id}": {"workspace_id": forgotten["id"]},
        "DELETE /api/v1/sessions/{session_id}": {"session_id": unwanted["id"]},
        **{f"POST {path}": question for path in ASKING},
        f"GET {PROJECT}/raw/{{file_path}}": {"file_path": "pixel.gif"},
        f"GET {PROJECT}/folders/{{file_path}}": {"file_path": "full"},
        f"POST {PROJECT}/folders/{{file_path}}": {"file_path": "fresh"},
        f"DELETE {PROJECT}/folders/{{file_path}}": {"file_path": "unwanted"},
        f"POST {PROJECT}/moves": {"from": "pixel.gif", "to": "full/pixel.gif"},
        f"POST {PROJECT}/searches": {"pattern": "Notes", "include": [], "exclude": []},
        f"POST {PROJECT}/replacements/preview": {"search": {"pattern": "Notes"}},
        f"POST {PROJECT}/replacements": {
            "search": {"pattern": "Notes"},
            "files": [{"path": "nothing.md", "hash": "0" * 64}],
        },
        "POST /api/v1/hitl/rules": {
            "session_id": talk["id"],
            "workspace_id": None,
            "decision": "ask",
            "tool": "read_file",
            "paths": ["docs/*.md"],
            "commands": [],
        },
    }
    await client.turn(real.places["session_id"], "What is this?")
    await client.turn(talk["id"], "@coder write the notes", approve)
    checkpoints = await client.call("GET", f"sessions/{talk['id']}/checkpoints")
    # Where no box can be built there are none.
    real.places["checkpoint_id"] = checkpoints[0]["id"] if checkpoints else "0" * 32
    async with client.socket() as socket:
        await send(socket, "chat", waiting["id"], message="@coder delete the readme")
        async for text in socket:
            frame = msgspec.json.decode(text)
            if frame["type"] == "tool_call":
                real.places["approval_id"] = frame["data"]["approval_id"]
            if frame["type"] == "state" and frame["data"]["state"] == "waiting":
                break
    await open_terminals(client, real)
    rule = {"session_id": talk["id"], "decision": "ask", "tool": "read_file"}
    real.places["rule_id"] = (await client.call("POST", "hitl/rules", rule))["id"]
    # Conversations that are long enough to be compacted, and the compaction of one.
    for session in (talk, wordy):
        for _ in range(4):
            await client.turn(session["id"], f"What is this? {'Really? ' * 500}")
    made = await client.call("POST", f"sessions/{talk['id']}/compact")
    real.places["seq"] = str(made["seq"])
    bob = await client.call("POST", "admin/users", {"username": "bob", "password": PASSWORD})
    real.places["user_id"] = bob["id"]
    token = await client.call("POST", "users/me/tokens", {"name": "unwanted"})
    real.places |= {"token_id": token["id"], "model_id": "scripted"}
    real.special["PATCH /api/v1/admin/users"] = {"id": bob["id"]}
    added = {"litellm_params": {"model": "openai/gpt-5", "api_key": "sk-unused"}}
    for name in ("added", "disliked"):
        await client.call("POST", "admin/models", {"name": name, **added})
    one = "/api/v1/admin/models/{name}"
    real.special |= {
        "POST /api/v1/sessions/{session_id}/compact": {"session_id": wordy["id"]},
        "POST /api/v1/admin/users": {"username": "eve", "password": PASSWORD},
        "POST /api/v1/admin/models": {"name": "fresh", "model_info": {}, **added},
        f"PATCH {one}": {"name": "added", "litellm_params": {"top_p": 0.5}, "model_info": None},
        f"DELETE {one}": {"name": "disliked"},
        f"POST {one}/test": {"name": "scripted"},
    }
    # Of a session of its own: in one where all is undone, nothing can be compacted.
    await client.turn(rewound["id"], "What is this?")
    rewind = {"session_id": rewound["id"], "before_seq": 1}
    real.special["POST /api/v1/sessions/{session_id}/rewind"] = rewind
    real.special |= await repository(client, kept["id"])
    return real


async def repository(client: Client, workspace_id: str) -> dict[str, dict[str, Any]]:
    """Make a repository with a commit, a staged file and a discarded one; say what asks of them."""
    place = f"workspaces/{workspace_id}/git"
    plain = await client.call("POST", "workspaces", {"path": "plain"})
    await client.call("POST", f"{place}/init")
    await client.call("POST", f"{place}/stage", {"paths": ["."]})
    await client.call("POST", f"{place}/commit", {"message": "First"})
    await client.call("POST", f"{place}/branches", {"name": "unwanted"})
    for name in ("staged.md", "back.md", "unwanted.md"):
        await client.call("PUT", f"workspaces/{workspace_id}/files/{name}", {"content": "x\n"})
    await client.call("POST", f"{place}/stage", {"paths": ["staged.md"]})
    kept = await client.call("POST", f"{place}/discard", {"paths": ["back.md"]})
    log = await client.call("GET", f"{place}/log")
    one = "/api/v1/workspaces/{workspace_id}/git"
    return {
        f"POST {one}/init": {"workspace_id": plain["id"]},
        f"POST {one}/stage": {"paths": ["notes.md"]},
        f"POST {one}/unstage": {"paths": ["notes.md"]},
        f"PUT {one}/index": {"path": "part.md", "text": "x\n", "before": ""},
        f"POST {one}/discard": {"paths": ["unwanted.md"]},
        f"POST {one}/undiscard": {"files": kept["kept"]},
        f"POST {one}/commit": {"message": "Second"},
        f"POST {one}/branches": {"name": "made", "start": ""},
        f"DELETE {one}/branches/{{name}}": {"name": "unwanted"},
        f"POST {one}/switch": {"branch": "main"},
        f"GET {one}/commits/{{commit_id}}": {"commit_id": log["start"]},
        f"GET {one}/commits/{{commit_id}}/diff": {"commit_id": log["start"]},
    }


async def open_terminals(client: Client, real: Real) -> None:
    """Open two terminals, one of which nobody needs; where no box can be built there are none."""
    base = f"workspaces/{real.places['workspace_id']}/terminals"
    allowed = (await client.call("GET", base))["allowed"]
    kept, unwanted = [
        (await client.call("POST", base, {}))["id"] if allowed else "0" * 32 for _ in range(2)
    ]
    real.places["terminal_id"] = kept
    one = "DELETE /api/v1/workspaces/{workspace_id}/terminals/{terminal_id}"
    real.special[one] = {"workspace_id": real.places["workspace_id"], "terminal_id": unwanted}


async def token_of_another(client: Client, name: str) -> str:
    """Sign a further user in, who has nothing to lose."""
    guest = {"username": name, "password": PASSWORD}
    await client.call("POST", "admin/users", guest)
    return str((await client.call("POST", "auth/login", guest))["access_token"])


class Prober:
    """Makes requests up and gathers what is wrong with the answers.

    Args:
        url: The server's address.
        tokens: The access token for a path; that of all others stands under the empty one.
        real: What there is on the server.
        what: What to make up.
    """

    def __init__(self, url: str, tokens: dict[str, str], real: Real, what: Round) -> None:
        self.document: Any = schemathesis.openapi.from_url(f"{url}/schema/openapi.json")
        self.complaints: dict[str, str] = {}
        self.statuses: dict[str, set[int]] = {}
        self._tokens = tokens
        self._real = real
        self._round = what
        self._session = requests.Session()

    def probe_all(self) -> None:
        """Try every operation of the document."""
        for found in self.document.get_all_operations():
            operation = found.ok()
            # Hypothesis guesses by what modules are loaded, which is luck where tests share them.
            for number in range(self._round.tries):
                self._probe(operation, number)
                seen = self.statuses.get(operation.label, {0})
                if min(seen) < 400 or operation.label in NOT_TO_BE_GUESSED:
                    break
        self._session.close()

    def _probe(self, operation: Any, number: int) -> None:
        # Each of these starts several boxes.
        few = "/git/" in operation.path

        @seed(number)
        @settings(
            max_examples=max(2, self._round.many // 4) if few else self._round.many,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=self._round.mode))
        def probe(case: Case) -> None:
            if self._round.about_real:
                self._real.put_into(case)
            self._ask(operation.path, case)

        # There is nothing to get wrong in a request without parameters.
        with contextlib.suppress(Unsatisfiable):
            probe()

    def _ask(self, path: str, case: Case) -> None:
        label = f"{case.method} {path}"
        token = self._tokens.get(path, self._tokens[""])
        headers = {"Authorization": f"Bearer {token}", "X-Internal-Secret": INTERNAL_SECRET}
        answer = case.call(session=self._session, headers=headers, timeout=20)
        self.statuses.setdefault(label, set()).add(answer.status_code)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failures:
            self.complaints.setdefault(label, f"{failures}\n{failures.exceptions}")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("what", ROUNDS)
async def test_every_answer_is_as_the_document_says(
    codelab: CodeLab, model_server: ModelServer, model_key: str, what: str
) -> None:
    delete = ToolCall("delete_file", {"path": "README.md"})
    write = ToolCall("write_file", {"path": "made.md", "content": "made\n"})
    await model_server.script(
        model_key,
        [
            Reply(tool_calls=[write], when=When(last_contains="write the notes")),
            Reply(tool_calls=[delete], when=When(last_contains="delete the readme")),
            Reply(text="Hello.", repeat=True),
        ],
    )
    async with signed_in(codelab) as client:
        real = await furnished(client)
        tokens = {"": client.token}
        for number, path in enumerate(FAREWELLS):
            tokens[path] = await token_of_another(client, f"guest-{number}")

        prober = Prober(codelab.url, tokens, real, ROUNDS[what])
        await asyncio.to_thread(prober.probe_all)

        await client.call("GET", "auth/me")
    assert not prober.complaints, "\n\n".join(
        f"{label}: {complaint}" for label, complaint in prober.complaints.items()
    )
    if what == "right":
        # A test that is only ever refused would show little.
        refused = {label for label, seen in prober.statuses.items() if min(seen) >= 400}
        assert refused <= NOT_TO_BE_GUESSED


async def test_strangers_are_told_to_sign_in(codelab: CodeLab) -> None:
    async with signed_in(codelab) as client:
        async with client.http.get(f"{codelab.url}/schema/openapi.json") as response:
            document: Document = await response.json()
        closed = {
            (method, path)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if operation.get("security") != []
        }
        assert len(closed) > 30
        for method, path in closed:
            url = codelab.url + path.replace("{seq}", "1").replace("{", "").replace("}", "")
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                async with client.http.request(method, url, headers=headers) as response:
                    assert response.status == 401, f"{method} {path}"
                    ours, openai_s = "application/problem+json", "application/json"
                    assert response.content_type == (openai_s if path[:4] == "/v1/" else ours)
