"""Finding models without a models file: keys in the environment, and a local Ollama."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from codelab.llm.catalog.entries import (
    EMBEDDING,
    Catalogue,
    Hidden,
    ModelEntry,
    is_embedding_name,
)
from codelab.llm.catalog.role_defaults import PREFERRED, pick, roles_by_strength
from codelab.llm.providers.http_connection import HttpConnection
from codelab.llm.providers.http_pool import HttpPool, format_request, parse_target
from codelab.sdk.agent import ModelRole

_LIST_TIMEOUT_S = 2.0
_MOST_LISTED = 50
_LARGEST_LIST = 4 * 1024 * 1024
_OLLAMA_URL = "http://127.0.0.1:11434"
_OLLAMA_PORT = 11434
# Ollama's own default window is too small for an agent's prompt, which it would cut silently.
_OLLAMA_WINDOW = 16_384
_OPENAI_URL = "https://api.openai.com/v1"
_ANTHROPIC_URL = "https://api.anthropic.com"
_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What providers say they have; none where one has not been asked or gave no answer."""

    anthropic: tuple[str, ...] | None = None
    openai: tuple[str, ...] | None = None
    ollama: tuple[str, ...] = ()


def catalogue_of(environ: Mapping[str, str], found: Found) -> Catalogue:
    """Build the catalogue: the best of each provider for each role, a local model as last resort.

    Args:
        environ: The environment, for which keys there are.
        found: What providers say they have.
    """
    entries: dict[str, ModelEntry] = {}
    roles: dict[ModelRole, list[str]] = {role: [] for role in ModelRole}
    for provider, variable in _KEYS.items():
        if not environ.get(variable):
            continue
        available = found.anthropic if provider == "anthropic" else found.openai
        chosen = pick(provider, available)
        names = list(dict.fromkeys(chosen.values()))
        if available is not None:
            best = [name for tier in PREFERRED[provider] for name in tier if name in available]
            names = list(dict.fromkeys((*names, *best))) or list(available[:_MOST_LISTED])
        fresh = [_cloud_entry(provider, name, environ) for name in names]
        entries |= {entry.name: entry for entry in fresh}
        for role, name in (chosen or roles_by_strength(fresh)).items():
            roles[role].append(name)
    local = [_ollama_entry(name, environ) for name in found.ollama]
    entries |= {entry.name: entry for entry in local}
    for role, name in roles_by_strength(local).items():
        roles[role].append(name)
    chains = {names[0]: tuple(names[1:]) for names in reversed(roles.values()) if names}
    return Catalogue(
        entries=entries,
        roles={role: names[0] for role, names in roles.items() if names},
        chains=chains,
        fallbacks=tuple(roles[ModelRole.BALANCED]),
    )


async def look_around(pool: HttpPool, environ: Mapping[str, str]) -> Found:
    """Ask every provider that there may be what it has; who does not answer soon has nothing."""
    openai_url = (environ.get("OPENAI_BASE_URL") or _OPENAI_URL).rstrip("/")
    anthropic_url = (environ.get("ANTHROPIC_BASE_URL") or _ANTHROPIC_URL).rstrip("/")
    openai_key, anthropic_key = (environ.get(_KEYS[name], "") for name in ("openai", "anthropic"))
    openai, anthropic, ollama = await asyncio.gather(
        _list(pool, f"{openai_url}/models", openai_key, {"Authorization": f"Bearer {openai_key}"}),
        _list(
            pool,
            f"{anthropic_url}/v1/models?limit=1000",
            anthropic_key,
            {"x-api-key": anthropic_key, "anthropic-version": "2023-06-01"},
        ),
        list_ollama(pool, ollama_url(environ)),
    )
    return Found(openai=openai, anthropic=anthropic, ollama=ollama or ())


async def list_ollama(pool: HttpPool, url: str) -> tuple[str, ...] | None:
    """List what an Ollama has; none when it gives no answer soon."""
    return await _list(pool, f"{url}/api/tags", "ollama", {})


def ollama_url(environ: Mapping[str, str]) -> str:
    """Read OLLAMA_HOST in any of the forms that Ollama takes."""
    host = environ.get("OLLAMA_HOST", "").strip().rstrip("/")
    if not host:
        return _OLLAMA_URL
    scheme, _, rest = host.rpartition("://")
    name, _, port = rest.partition(":")
    # A server's own bind address is no address to connect to.
    name = name if name.strip("0.") else "127.0.0.1"
    default = "" if scheme == "https" else str(_OLLAMA_PORT)
    port = port or default
    return f"{scheme or 'http'}://{name}{f':{port}' if port else ''}"


def _cloud_entry(provider: str, name: str, environ: Mapping[str, str]) -> ModelEntry:
    params = {"api_key": Hidden(f"os.environ/{_KEYS[provider]}")}
    variable = f"{provider.upper()}_BASE_URL"
    if environ.get(variable):
        params["api_base"] = Hidden(f"os.environ/{variable}")
    return ModelEntry(name=name, model=f"{provider}/{name}", params=params)


def _ollama_entry(name: str, environ: Mapping[str, str]) -> ModelEntry:
    if is_embedding_name(name):
        # litellm knows Ollama's embeddings by this name only.
        params = {"api_base": ollama_url(environ)}
        return ModelEntry(
            name=f"ollama/{name}", model=f"ollama/{name}", params=params, info=EMBEDDING
        )
    return ModelEntry(
        name=f"ollama/{name}",
        model=f"ollama_chat/{name}",
        params={"api_base": ollama_url(environ), "num_ctx": _OLLAMA_WINDOW},
        info={"max_input_tokens": _OLLAMA_WINDOW, "description": "A local model of Ollama."},
    )


class _Document:
    """Reads a whole answer."""

    def __init__(self) -> None:
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._body = bytearray()

    def headers_received(self, status: int, headers: dict[str, str]) -> None:
        """Keep the status."""
        self._status = status

    def body_received(self, data: bytes) -> None:
        """Keep the body, within reason."""
        if len(self._body) < _LARGEST_LIST:
            self._body += data

    def body_finished(self) -> None:
        """Hand the document over."""
        self._finish(bytes(self._body) if self._status == 200 else b"")

    def connection_failed(self, error: Exception | None) -> None:
        """Hand nothing over."""
        self._finish(b"")

    def _finish(self, body: bytes) -> None:
        if not self.done.done():
            self.done.set_result(body)


async def _list(
    pool: HttpPool, url: str, key: str, headers: Mapping[str, str]
) -> tuple[str, ...] | None:
    """List a provider's models; none without a key, or without an answer in time."""
    target = parse_target(url) if key else None
    if target is None:
        return None
    connection: HttpConnection | None = None
    try:
        async with asyncio.timeout(_LIST_TIMEOUT_S):
            document = _Document()
            request = format_request("GET", target, headers, b"")
            connection = await pool.send(target, request, document)
            return _names_in(await document.done)
    except (OSError, TimeoutError, ValueError):
        if connection is not None:
            connection.abort()
        return None


def _names_in(body: bytes) -> tuple[str, ...] | None:
    """Read the names out of a list in OpenAI's, Anthropic's or Ollama's form."""
    try:
        document: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    listed = document.get("data", document.get("models")) if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return None
    names = [item.get("id") or item.get("name") for item in listed if isinstance(item, dict)]
    return tuple(name for name in names if isinstance(name, str))
