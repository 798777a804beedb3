"""Vectors for texts: OpenAI's wire by our own connection, every other provider by litellm."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from codelab.kit.clock import utc_now
from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.errors import ModelFailed, ModelUnreachable
from codelab.llm.providers.failures import condition_of, read_failure
from codelab.llm.providers.http_pool import HttpPool, Target, format_request, parse_target
from codelab.llm.providers.key_destinations import base_of, for_litellm, require_our_wire
from codelab.llm.providers.litellm_client import condition_of_exception
from codelab.llm.providers.litellm_library import LiteLLM
from codelab.llm.providers.native_wires import home_of
from codelab.llm.sound_usage import sound_count
from codelab.sdk.messages import UserMessage
from codelab.sdk.model import Completion, ModelRequest, Usage

INPUT = "input"
"""The option of a request that asks for vectors; its texts stand there."""

_OPENAI = "openai/"
_HOME = ("https://api.openai.com/v1", "OPENAI_API_KEY")
_LARGEST_DOCUMENT = 256 * 1024 * 1024
_TIMEOUT_S = 600
# Told to the wire itself, or to litellm's router only.
_NOT_SENT = {"api_key", "api_base", "base_url", "extra_headers", "organization", "rpm", "tpm"}


class _Vector(msgspec.Struct, gc=False):
    embedding: list[float]
    index: int = 0


class _Count(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None


class _Answer(msgspec.Struct, gc=False):
    data: list[_Vector]
    usage: _Count | None = None


def embedding_request(
    model: str, texts: list[str] | list[list[int]], dimensions: int | None
) -> ModelRequest:
    """Ask for vectors in the form of every other call, so that it is counted and limited as such.

    Args:
        model: The model's name in the catalogue.
        texts: The texts, or their tokens.
        dimensions: How long the vectors are to be, where the model leaves a choice.
    """
    shown = [text if isinstance(text, str) else " ".join(map(str, text)) for text in texts]
    options: dict[str, Any] = {INPUT: texts}
    if dimensions is not None:
        options["dimensions"] = dimensions
    return ModelRequest(
        model=model, messages=tuple(UserMessage(text=text) for text in shown), options=options
    )


def vectors_of(completion: Completion) -> list[list[float]]:
    """Return the vectors that a call has answered with."""
    return msgspec.json.decode(completion.text, type=list[list[float]])


class EmbeddingClient:
    """Runs calls that ask for vectors; the completion's text holds them as JSON.

    Args:
        pool: The connections of our own reader.
        litellm: The library, loaded or not.
    """

    def __init__(self, pool: HttpPool, litellm: LiteLLM) -> None:
        self._pool = pool
        self._litellm = litellm

    async def run(self, entry: ModelEntry, request: ModelRequest) -> Completion:
        """Make a call.

        Raises:
            ModelError: The provider refused or failed.
        """
        params = entry.resolved()
        target = _target_of(entry, params)
        if target is not None:
            answer = await self._ask(entry, target, params, request.options)
        else:
            require_our_wire(entry)
            answer = await self._ask_litellm(entry, params, request.options)
        if len(answer.data) != len(request.options[INPUT]):
            raise ModelFailed(f"{entry.name} gave another number of vectors than of texts.")
        counted = answer.usage.prompt_tokens if answer.usage else None
        # Not every provider keeps to the order of the texts.
        vectors = [one.embedding for one in sorted(answer.data, key=lambda one: one.index)]
        return Completion(
            model=entry.name,
            text=msgspec.json.encode(vectors).decode(),
            usage=Usage(input_tokens=sound_count(counted)),
        )

    async def _ask(
        self,
        entry: ModelEntry,
        target: Target,
        params: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> _Answer:
        key = _key_of(params)
        extra = {name: value for name, value in params.items() if name not in _NOT_SENT}
        body = {"model": entry.model.removeprefix(_OPENAI), **options, **extra}
        headers = {"Content-Type": "application/json", "User-Agent": "CodeLab"}
        headers |= params.get("extra_headers") or {}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        document = _Document()
        try:
            sent = format_request("POST", target, headers, msgspec.json.encode(body))
            connection = await self._pool.send(target, sent, document)
        except (OSError, TimeoutError):
            raise ModelUnreachable(f"The provider of {entry.name} cannot be reached.") from None
        except ValueError:
            raise ModelFailed(
                f"The headers or the key of {entry.name} hold a line break."
            ) from None
        try:
            await document.done
        except BaseException:
            connection.abort()
            raise
        if document.broke:
            raise ModelUnreachable(f"The provider of {entry.name} broke the connection.")
        if document.status != 200:
            failure = read_failure(
                document.status, document.headers, bytes(document.body), utc_now()
            )
            raise condition_of(failure, entry.name, [key] if key else [])
        try:
            return msgspec.json.decode(document.body, type=_Answer)
        except msgspec.MsgspecError:
            raise ModelFailed(
                f"The provider of {entry.name} sent something that is no answer."
            ) from None

    async def _ask_litellm(
        self, entry: ModelEntry, params: Mapping[str, Any], options: Mapping[str, Any]
    ) -> _Answer:
        litellm = await self._litellm.load()
        key = params.get("api_key")
        try:
            answer = await litellm.aembedding(
                model=entry.model,
                **{**options, "timeout": _TIMEOUT_S, **for_litellm(params)},
                drop_params=True,
                max_retries=0,
            )
            return msgspec.convert(answer.model_dump(), _Answer)
        except Exception as error:
            raise condition_of_exception(
                error, entry.name, [key] if key else [], started=False
            ) from None


class _Document:
    """Reads a whole answer."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.broke = False

    def headers_received(self, status: int, headers: dict[str, str]) -> None:
        """Keep the status."""
        self.status, self.headers = status, headers

    def body_received(self, data: bytes) -> None:
        """Keep the body, within reason."""
        if len(self.body) < _LARGEST_DOCUMENT:
            self.body += data

    def body_finished(self) -> None:
        """Hand the document over."""
        self._finish()

    def connection_failed(self, error: Exception | None) -> None:
        """Say that it is not whole."""
        self.broke = True
        self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _target_of(entry: ModelEntry, params: Mapping[str, Any]) -> Target | None:
    if not entry.model.startswith(_OPENAI):
        return None
    base = base_of(params) or home_of("openai") or _HOME[0]
    return parse_target(f"{base.rstrip('/')}/embeddings", guarded=entry.guarded)


def _key_of(params: Mapping[str, Any]) -> str | None:
    """Find the key; one from the environment goes to OpenAI's own address only."""
    if params.get("api_key") or base_of(params):
        key: str | None = params.get("api_key")
        return key
    return os.environ.get(_HOME[1]) or None
