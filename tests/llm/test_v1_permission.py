"""`/v1`: an answer does not outlast the right to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from codelab.auth.api import Principal
from codelab.kit.errors import Unavailable
from codelab.llm.routes import Permission
from tests.llm.layer import Layer
from tests.llm.served import Api, served
from tests.model_server.script import Reply

HELLO = {"model": "chat", "messages": [{"role": "user", "content": "Hi"}]}
LONG = "word " * 400


class Rights:
    """What the database says of everybody, from the second look on."""

    def __init__(self) -> None:
        self.looks = 0
        self.may_act = True

    async def look(self, principal: Principal) -> bool:
        self.looks += 1
        if self.looks == 1:
            raise Unavailable("The database is away for a moment.")
        return self.may_act


@pytest.fixture
def rights() -> Rights:
    return Rights()


@pytest.fixture
async def api(layer: Layer, rights: Rights) -> AsyncIterator[Api]:
    """The API, which looks often."""
    models = layer.build(layer.entry("openai", "chat"))
    async with served(models, Permission(rights.look, check_s=0.05)) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chat/completions", HELLO | {"stream": True}),
        ("/responses", {"model": "chat", "input": "Hi", "stream": True}),
    ],
)
async def test_a_stream_ends_and_says_why(
    api: Api, layer: Layer, rights: Rights, path: str, body: object
) -> None:
    await layer.script(Reply(text=LONG, token_delay_s=0.02))
    async with api.http.post(
        f"{api.url}/v1{path}", json=body, headers={"Authorization": "u"}
    ) as answer:
        assert answer.status == 200
        # Not before the answer has begun: until then it would be refused as a whole.
        rights.may_act = False
        text = await answer.text()
    assert "may not act any more" in text
    assert text.count("word") < 300
    assert [call.error_code for call in layer.calls] == ["cancelled"]


async def test_a_whole_answer_and_one_that_has_not_begun_are_refused(
    api: Api, layer: Layer, rights: Rights
) -> None:
    rights.may_act = False
    for stream in (False, True):
        await layer.script(Reply(text=LONG, delay_s=5))
        status, body = await api.v1("POST", "/chat/completions", HELLO | {"stream": stream})
        assert (status, body["error"]["code"]) == (401, "invalid_api_key")


async def test_who_may_still_act_gets_all_of_it(api: Api, layer: Layer, rights: Rights) -> None:
    await layer.script(Reply(text=["one ", "two ", "three"], token_delay_s=0.1))
    status, body = await api.v1("POST", "/chat/completions", HELLO)
    assert status == 200
    assert body["choices"][0]["message"]["content"] == "one two three"
    assert rights.looks > 1
