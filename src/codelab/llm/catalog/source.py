"""Where the catalogue comes from: the models file or what is found, followed as it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import msgspec
import structlog

from codelab.llm.catalog.discovery import (
    Found,
    catalogue_of,
    list_ollama,
    look_around,
    ollama_url,
)
from codelab.llm.catalog.entries import Catalogue, ModelEntry
from codelab.llm.catalog.models_file import ModelsFile, build_catalogue, parse_models_file
from codelab.llm.catalog.watching import Watched, look, signature_of
from codelab.llm.errors import CatalogueInvalid
from codelab.llm.providers.http_pool import HttpPool
from codelab.llm.settings import LlmSettings

_LOOK_EVERY_S = 1.0

_log = structlog.get_logger(__name__)


class CatalogueSource:
    """The models of the file, or those that are found where there is no file.

    Args:
        settings: Name the file.
        environ: Tells which providers there are a key for, and where Ollama is.
        known: Models that plugins bring, which the file may name too.
        pool: The connections for asking providers what they have.
        on_change: Called when `catalogue` has been replaced.

    Raises:
        CatalogueInvalid: The models file cannot be used.
    """

    def __init__(
        self,
        settings: LlmSettings,
        environ: Mapping[str, str],
        known: Collection[str],
        pool: HttpPool,
        on_change: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._known = known
        self._pool = pool
        self._on_change = on_change
        self._found: Found | None = None
        self._listed: dict[str, tuple[str, ...]] = {}
        self._changing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._first: asyncio.Task[None] | None = None
        self.complaint = ""
        path = settings.models_file
        # The look comes before the reading, so that what is written meanwhile is noticed.
        now = signature_of(path) if path else None
        self._watched = Watched(now, now)
        self._file = self._read()
        self.catalogue = self._build(self._file)

    def start(self) -> None:
        """Search for models, and from now on follow what changes."""
        if self._tasks:
            return
        self._first = asyncio.create_task(self._search())
        self._tasks = [self._first, asyncio.create_task(self._search_again())]
        if self._settings.models_file:
            self._tasks.append(asyncio.create_task(self._watch(self._settings.models_file)))

    async def searched(self) -> None:
        """Wait for the first search, if one is under way."""
        if self._first is not None:
            await asyncio.wait([self._first])

    async def close(self) -> None:
        """Follow no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _read(self) -> ModelsFile | None:
        path = self._settings.models_file
        if path is None or (self._settings.models_file_optional and not path.exists()):
            return None
        return parse_models_file(path)

    def _build(self, file: ModelsFile | None) -> Catalogue:
        if file is not None:
            return build_catalogue(
                file.document,
                file.source,
                self._known,
                file.lines,
                lambda entry: self._listed.get(self._address(entry), ()),
            )
        if not self._settings.discover:
            return Catalogue()
        return catalogue_of(self._environ, self._found or Found())

    def _address(self, entry: ModelEntry) -> str:
        return str(entry.resolved().get("api_base") or ollama_url(self._environ)).rstrip("/")

    async def _watch(self, path: Path) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now = await asyncio.to_thread(signature_of, path)
            self._watched, due = look(self._watched, now)
            if due:
                await self._read_again()

    async def _read_again(self) -> None:
        async with self._changing:
            try:
                file = await asyncio.to_thread(self._read)
                wildcards = self._build(file).wildcards
            except CatalogueInvalid as error:
                if error.message != self.complaint:
                    self.complaint = error.message
                    _log.warning("models_file_refused", reason=error.message)
                return
            await self._ask(file, wildcards)
            self.complaint = ""
            self._adopt(file)

    async def _search(self) -> None:
        async with self._changing:
            await self._ask(self._file, self.catalogue.wildcards)
            self._adopt(self._file)

    async def _search_again(self) -> None:
        while True:
            await asyncio.sleep(self._settings.search_every_s)
            await self._search()

    async def _ask(self, file: ModelsFile | None, wildcards: tuple[ModelEntry, ...]) -> None:
        """Ask who may have models what they have; who gives no answer keeps what was known."""
        if file is not None:
            addresses = list({self._address(entry) for entry in wildcards})
            answers = await asyncio.gather(*(list_ollama(self._pool, url) for url in addresses))
            for url, names in zip(addresses, answers, strict=True):
                if names is not None:
                    self._listed[url] = names
        elif self._settings.discover and self._found is None:
            self._found = await look_around(self._pool, self._environ)
        elif self._settings.discover and self._found is not None:
            ollama = await list_ollama(self._pool, ollama_url(self._environ))
            if ollama is not None:
                self._found = msgspec.structs.replace(self._found, ollama=ollama)

    def _adopt(self, file: ModelsFile | None) -> None:
        before = self.catalogue
        self._file, self.catalogue = file, self._build(file)
        if self.catalogue != before:
            self._on_change()
            _log.info("models_changed", models=len(self.catalogue.entries))
