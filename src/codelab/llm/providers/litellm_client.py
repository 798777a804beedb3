"""The client for every provider whose wire we do not read ourselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from codelab.kit.clock import utc_now
from codelab.llm.answer_limits import bounded, without_limits
from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.errors import (
    ModelError,
    ModelFailed,
    ModelInterrupted,
    ModelTimeout,
    ModelUnreachable,
)
from codelab.llm.providers.assembly import AnswerAssembler
from codelab.llm.providers.conversation import write_conversation
from codelab.llm.providers.failures import ProviderFailure, condition_of, read_retry_after
from codelab.llm.providers.key_destinations import NO_KEY, for_litellm, require_our_wire
from codelab.llm.providers.litellm_parser import ParsedAnswer, RequestTap
from codelab.llm.providers.openai_format import write_options
from codelab.llm.providers.overflow import too_long
from codelab.llm.providers.wire import Wire, WireCall
from codelab.llm.providers.wire_chunks import Chunk
from codelab.sdk.model import Completion, ModelRequest, OnDelta

# Our own limits are tighter; this one only keeps litellm from waiting for ever.
_TIMEOUT_S = 600


class LiteLLMClient:
    """Runs calls through `litellm.acompletion`: its translation and parser, or its whole stream.

    Which of the two is possible shows when a model is first asked, and is remembered.

    Args:
        wire: Sends what litellm would have sent, where it lets itself be stopped before.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        # By the model's name: an entry whose stream only litellm itself can read.
        self._whole: dict[str, ModelEntry] = {}

    async def run(
        self, litellm: Any, entry: ModelEntry, request: ModelRequest, on_delta: OnDelta
    ) -> Completion:
        """Make a call; cancelling closes its connection at once.

        Raises:
            ModelError: The provider refused or failed.
        """
        require_our_wire(entry)
        params = without_limits(for_litellm(entry.resolved()))
        secrets = _secrets_of(params)

        def condition(error: Exception, *, started: bool) -> ModelError:
            return condition_of_exception(error, entry.name, secrets, started=started)

        request, stream = bounded(request, entry.resolved()), None
        if self._whole.get(entry.name) is not entry:
            prepared, stream = await _prepare(litellm, entry, request, params)
            if prepared is not None:
                call, parser = prepared
                return await self._wire.run(
                    entry, call, lambda: ParsedAnswer(on_delta, parser, condition)
                )
            self._whole[entry.name] = entry
        assembler = AnswerAssembler(on_delta)
        try:
            stream = stream or await _start(litellm, entry, request, params)
            async for piece in stream:
                assembler.add(_chunk_of(piece))
        except Exception as error:
            raise condition(error, started=assembler.started) from None
        finally:
            if stream is not None:
                await stream.aclose()
        if not assembler.finish_reason:
            raise ModelInterrupted(f"The answer of {entry.name} broke off before its end.")
        completion = assembler.complete(entry.name, entry.model)
        if _was_counted(stream):
            return completion
        usage = msgspec.structs.replace(completion.usage, estimated=True)
        return msgspec.structs.replace(completion, usage=usage)


def condition_of_exception(
    error: Exception, name: str, secrets: Iterable[str], *, started: bool
) -> ModelError:
    """Name the condition behind one of litellm's exceptions.

    Args:
        error: The exception; litellm's carry a status and the provider's headers.
        name: The model's name in the catalogue.
        secrets: Values that must not be quoted.
        started: Whether a part of the answer has come already.
    """
    if isinstance(error, ModelError):
        return error
    kind, status = type(error).__name__, getattr(error, "status_code", None)
    if kind == "ContextWindowExceededError":
        return too_long(name, str(error))
    if kind == "Timeout":
        return ModelTimeout(f"{name} did not answer in time.")
    if started:
        return ModelInterrupted(f"The answer of {name} broke off before its end.")
    if kind == "APIConnectionError":
        return ModelUnreachable(f"The provider of {name} cannot be reached.")
    if isinstance(status, int) and 300 <= status < 400:
        return ModelFailed(
            f"The provider of {name} sends us on to another address. A key does not follow; if the "
            "address is right, state it as `api_base`."
        )
    if not isinstance(status, int) or status < 400:
        return ModelFailed(f"The provider of {name} gave an answer that cannot be understood.")
    failure = ProviderFailure(
        status=status,
        message=str(getattr(error, "message", "")),
        code="content_filter" if kind == "ContentPolicyViolationError" else "",
        retry_after_s=read_retry_after(_headers_of(error), utc_now()),
    )
    return condition_of(failure, name, secrets)


async def _prepare(
    litellm: Any, entry: ModelEntry, request: ModelRequest, params: Mapping[str, Any]
) -> tuple[tuple[WireCall, Any] | None, Any]:
    """Have litellm write a request and choose a parser.

    Returns:
        The call and its parser, if litellm let itself be stopped; the stream, if it did not.
    """
    tap = RequestTap(litellm.httpx)
    client = litellm.AsyncHTTPHandler(transport=tap)
    try:
        stream = await _start(litellm, entry, request, params, client=client)
        if stream.completion_stream is None and stream.make_call is not None:
            stream.completion_stream = await stream.make_call(client=client)
    except Exception:
        # Whatever is wrong shows again where litellm is left alone, unless this was its doing.
        return None, None
    if tap.request is None:
        return None, stream
    call, parser = tap.call(params), stream.completion_stream
    if call is None or not callable(getattr(parser, "chunk_parser", None)):
        return None, None
    return (call, parser), None


async def _start(
    litellm: Any,
    entry: ModelEntry,
    request: ModelRequest,
    params: Mapping[str, Any],
    **transport: Any,
) -> Any:
    return await litellm.acompletion(
        model=entry.model,
        messages=write_conversation(request, entry.model),
        **{**write_options(request), "timeout": _TIMEOUT_S, **params},
        drop_params=True,
        max_retries=0,
        num_retries=0,
        # litellm's tool gateway is not used here, and its import needs packages we lack.
        _skip_mcp_handler=True,
        **transport,
    )


def _chunk_of(piece: Any) -> Chunk:
    # litellm's pieces are models of its own; their plain form is OpenAI's.
    return msgspec.convert(piece.model_dump(exclude_none=True), Chunk)


def _was_counted(stream: Any) -> bool:
    """Tell whether the provider sent the count, or litellm made one up."""
    return any(getattr(chunk, "usage", None) for chunk in stream.chunks)


def _headers_of(error: Exception) -> Mapping[str, str]:
    headers = getattr(error, "litellm_response_headers", None)
    if headers is None:
        headers = getattr(getattr(error, "response", None), "headers", None)
    return {str(name).lower(): str(value) for name, value in dict(headers or {}).items()}


def _secrets_of(params: Mapping[str, Any]) -> list[str]:
    key = params.get("api_key")
    return [key] if isinstance(key, str) and key not in ("", NO_KEY) else []
