"""What this distribution brings to CodeLab."""

from __future__ import annotations

from collections.abc import Sequence

from codelab.sdk import ModelInfo, ModelProvider, hookimpl
from codelab_embedded import installed
from codelab_embedded.client import EmbeddedModel
from codelab_embedded.local_server import CONTEXT_TOKENS, OUTPUT_TOKENS, LocalServer

NAME = "smollm2-135m-trial"
DESCRIPTION = (
    "A tiny model for trying the interface without a key; not able to do real work, nor to use "
    "tools."
)


@hookimpl
def register_model_clients() -> Sequence[ModelProvider]:
    """Return the model; its server is started by the first call."""
    server = LocalServer()
    missing = installed.advice()
    model = ModelInfo(
        name=NAME,
        provider="codelab-embedded",
        context_tokens=CONTEXT_TOKENS,
        max_output_tokens=OUTPUT_TOKENS,
        description=f"{DESCRIPTION} {missing}".rstrip(),
        tools=False,
    )
    return [
        ModelProvider(
            client=EmbeddedModel(server.lent),
            models=(model,),
            advice=missing,
            close=server.close,
        )
    ]
