"""A plugin's own client, and its failures as conditions that fallback knows."""

from __future__ import annotations

from codelab.kit.errors import CodeLabError
from codelab.llm import errors
from codelab.sdk.model import Completion, ModelClient, ModelRequest, OnDelta

# Plugins cannot name our conditions by class, but by their codes.
_CONDITIONS = {
    condition.code: condition
    for condition in (
        errors.ModelMissing,
        errors.ModelAuthFailed,
        errors.ModelQuotaExhausted,
        errors.ModelRefused,
        errors.ModelFiltered,
        errors.ContextTooLong,
        errors.ModelRateLimited,
        errors.ModelTimeout,
        errors.AnswerTimeout,
        errors.ModelUnreachable,
        errors.ModelFailed,
        errors.ModelInterrupted,
    )
}


async def run_plugin(client: ModelClient, request: ModelRequest, on_delta: OnDelta) -> Completion:
    """Run a request.

    Raises:
        ModelError: The plugin's own error, if its code is that of a condition.
    """
    try:
        return await client.stream(request, on_delta)
    except CodeLabError as error:
        condition = _CONDITIONS.get(error.code)
        if condition is None or isinstance(error, errors.ModelError):
            raise
        raise condition(error.message, retry_after_s=error.retry_after_s) from error
