"""A plugin's model: its failures as conditions, what it lacks, and its end."""

from __future__ import annotations

import msgspec
import pytest

from codelab.kit.errors import CodeLabError
from codelab.llm import errors
from codelab.sdk.model import (
    Completion,
    ModelClient,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    OnDelta,
)
from codelab.sdk.testing import ScriptedModel, say
from tests.llm.layer import Heard, Layer, ask

CONDITIONS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.ModelError)
]
# These are the catalogue's, the budget's, the fallback's and the pool's own, not a client's.
OURS = (
    errors.ModelError,
    errors.NoModelConfigured,
    errors.NoModelAvailable,
    errors.ModelUnknown,
    errors.ModelUnpriced,
    errors.ModelResting,
    errors.ModelAddressRefused,
)
# What was given up in the middle has cost something, and has a row of its own.
PAID_FOR = (errors.ModelTimeout, errors.ModelInterrupted)


class Failing:
    """A client whose error has a code and no class of ours."""

    def __init__(self, code: str) -> None:
        kind = type("Theirs", (CodeLabError,), {"code": code})
        self._error: CodeLabError = kind("Their own sentence.", retry_after_s=60.0)

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        raise self._error


def provider(client: ModelClient, name: str = "theirs") -> ModelProvider:
    return ModelProvider(client=client, models=(ModelInfo(name=name, provider="plugin"),))


@pytest.mark.parametrize("kind", [kind for kind in CONDITIONS if kind not in OURS])
async def test_a_failure_is_the_condition_that_its_code_names(
    kind: type[errors.ModelError], layer: Layer
) -> None:
    models = layer.build(providers=[provider(Failing(kind.code))])
    with pytest.raises(errors.ModelError, match=r"Their own sentence\.") as raised:
        await ask(models, "theirs")
    expected = errors.NoModelAvailable if kind.retryable else kind
    assert isinstance(raised.value, expected)
    call = layer.calls[-1]
    if issubclass(kind, PAID_FOR):
        assert call.error_code == kind.code
    else:
        assert call.tried == (f"theirs: {kind.code}",)


async def test_the_next_of_the_chain_is_asked_when_a_plugins_model_has_no_key(
    layer: Layer,
) -> None:
    failing, other = provider(Failing("model_auth_failed")), ScriptedModel([say("Here.")])
    models = layer.build(
        layer.entry("openai"),
        ours={"fallbacks": {"theirs": ["other"]}},
        providers=[failing, provider(other, "other")],
    )
    heard = Heard()
    await ask(models, "theirs", heard)
    assert heard.text == "Here."


async def test_another_error_of_a_plugin_stays_what_it_is(layer: Layer) -> None:
    models = layer.build(providers=[provider(Failing("out_of_paper"))])
    with pytest.raises(CodeLabError) as raised:
        await ask(models, "theirs")
    assert raised.value.code == "out_of_paper"


async def test_what_a_plugin_lacks_is_said_and_it_is_closed_with_the_layer(layer: Layer) -> None:
    closed = []

    async def close() -> None:
        closed.append(True)

    async def fail() -> None:
        raise RuntimeError("its own trouble")

    lacking = msgspec.structs.replace(
        provider(Failing("model_missing")), advice="Install the weights.", close=close
    )
    failing = ModelProvider(client=ScriptedModel([]), models=(), close=fail)
    models = layer.build(providers=[failing, lacking])
    health = models.health()
    assert (health.configured, health.advice) == (True, "Install the weights.")
    await models.close()
    assert closed == [True]
