"""litellm itself: imported once, in a thread, off the start-up path, and told to keep quiet."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

import structlog

from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.errors import ModelFailed
from codelab.llm.providers.no_redirects import follow_no_redirects

# The import takes some seconds, and far more on a machine that is busy.
_LOADING_S = 20.0
_log = structlog.get_logger(__name__)


class LiteLLM:
    """Loads litellm in the background.

    The import takes some 4 s and 180 MB, and a provider's first call some 400 ms more, for modules
    that litellm itself imports late. Both happen here, in a thread beside the event loop.
    """

    def __init__(self) -> None:
        self.module: Any = None
        self._loading: asyncio.Future[Any] | None = None

    def start(self, entries: Sequence[ModelEntry] = ()) -> None:
        """Start loading, if that has not happened yet.

        Args:
            entries: The models whose first call should be as quick as the next.
        """
        if self._loading is not None:
            return
        loop = asyncio.get_running_loop()
        self._loading = loop.create_future()
        names = sorted({entry.model for entry in entries if entry.model})
        work = threading.Thread(
            target=self._load, args=(loop, names), name="codelab-litellm", daemon=True
        )
        work.start()

    async def load(self) -> Any:
        """Return the module; waits for it if need be.

        Raises:
            ModelFailed: litellm cannot be imported.
        """
        if self.module is None:
            self.start()
            if self._loading is not None:
                await asyncio.shield(self._loading)
        if self.module is None:
            raise ModelFailed("litellm cannot be imported; reinstall CodeLab.")
        return self.module

    async def close(self) -> None:
        """Close the connections that litellm keeps; lets an import that runs come to its end."""
        if self._loading is not None:
            # A thread that dies in the middle of an import keeps the import's lock, and the
            # interpreter, which imports a few things on its way out, would wait for ever.
            await asyncio.wait([self._loading], timeout=_LOADING_S)
        if self.module is not None:
            await self.module.close_litellm_async_clients()

    def _load(self, loop: asyncio.AbstractEventLoop, names: Sequence[str]) -> None:
        started = time.monotonic()
        module = None
        try:
            module = _import()
            _warm(module, names)
        except Exception:
            _log.exception("litellm_not_loaded")
        finally:
            self.module = module
            seconds = round(time.monotonic() - started, 1)
            _log.info("litellm_loaded", ok=module is not None, duration_s=seconds)
            # The loop may have been closed in the meantime.
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._loaded)

    def _loaded(self) -> None:
        if self._loading is not None and not self._loading.done():
            self._loading.set_result(None)


def _import() -> Any:
    # Without this litellm asks for a newer price list over the network while it is imported.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    # The same for what Anthropic's headers may hold, with the first call.
    os.environ["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] = "True"
    # It warns of its own code, which concerns nobody here; some of that comes with later calls.
    for package in ("litellm", "pydantic"):
        warnings.filterwarnings("ignore", module=rf"{package}(\.|$)")
    import litellm

    litellm.telemetry = False
    # To count tokens it would fetch the tokenizers of some models, and wait for that for a minute.
    litellm.disable_hf_tokenizer_download = True
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    litellm.disable_streaming_logging = True
    litellm.turn_off_message_logging = True
    follow_no_redirects(litellm)
    return litellm


def _warm(module: Any, names: Sequence[str]) -> None:
    """Let litellm go through a call of each model without any request being made."""
    for name in names:
        try:
            answer = module.completion(
                model=name,
                api_key="unused",
                messages=[{"role": "user", "content": "hello"}],
                mock_response="hello",
                stream=True,
            )
            for _ in answer:
                pass
        except Exception as error:
            # Some providers cannot be rehearsed; their first call is slower, that is all.
            _log.debug("litellm_not_warmed", model=name, error_type=type(error).__name__)
