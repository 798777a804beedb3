"""The table of models that administrators have added, and what this replica knows of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError

from codelab.kit.addresses import host_of
from codelab.kit.crypto import Cipher, SealBroken
from codelab.kit.db import Database, Transaction
from codelab.kit.errors import CodeLabError, Conflict, NotFound
from codelab.llm.catalog.added import (
    AddedModel,
    address_refusal,
    build_entry,
    changed,
    check_info,
    check_name,
    check_params,
    shown,
)
from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.events import ModelAdded, ModelChanged, ModelRemoved
from codelab.llm.models import llm_models
from codelab.llm.providers.addresses import Allowed

_POLL_S = 2.0
_LOOK_UP_S = 3.0
_MOST_MODELS = 500
_ALL = sa.select(llm_models).order_by("created_at", "name")
_log = structlog.get_logger(__name__)
# Every name with the moment of its latest change. The latest moment of all would not do: a
# transaction that began earlier may end later.
_Version = tuple[tuple[str, datetime], ...]


class ShownModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was added, as it is shown: secrets read `[set]`."""

    name: str
    litellm_params: dict[str, Any]
    model_info: dict[str, Any]
    created_by: str
    created_at: datetime
    updated_at: datetime


class AddedModels:
    """Keeps the models that were added; every replica learns of a change within seconds.

    Args:
        db: The database.
        cipher: Seals the parameters.
        allowed: Which inner addresses models may have.
        poll_s: How often to look whether another replica has changed something.
    """

    def __init__(
        self, db: Database, cipher: Cipher, allowed: Allowed, *, poll_s: float = _POLL_S
    ) -> None:
        self._db = db
        self._cipher = cipher
        self._allowed = allowed
        self._poll_s = poll_s
        self._version: _Version | None = None
        self._reading = asyncio.Lock()
        self._polling: asyncio.Task[None] | None = None
        self._on_change: Callable[[], None] = lambda: None
        self.entries: Mapping[str, ModelEntry] = {}

    def follow(self, on_change: Callable[[], None]) -> None:
        """Have something called whenever `entries` are others than before."""
        self._on_change = on_change

    def start(self) -> None:
        """Read the table now and then from now on."""
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll())

    async def read(self) -> None:
        """Have the entries at hand, if they have never been read."""
        if self._version is None:
            with suppress(CodeLabError):
                await self.refresh()

    async def refresh(self) -> None:
        """Read the table, if it has changed."""
        query = sa.select(llm_models.c.name, llm_models.c.updated_at).order_by("created_at", "name")
        async with self._reading:
            async with self._db.read() as db:
                version = tuple((row.name, row.updated_at) for row in await db.execute(query))
                if version == self._version:
                    return
                rows = (await db.execute(_ALL)).all()
            opened = [model for row in rows if (model := self._open(row))]
            self.entries = {model.name: build_entry(model) for model in opened}
            self._version = version
            self._on_change()

    async def list_all(self) -> list[ShownModel]:
        """Return all, the oldest first."""
        async with self._db.read() as db:
            rows = (await db.execute(_ALL)).all()
        return [self._shown(row, self._open(row)) for row in rows]

    async def add(
        self, name: str, params: Mapping[str, Any], info: Mapping[str, Any], *, by: str
    ) -> ShownModel:
        """Add a model.

        Raises:
            InvalidInput: Something in it is not acceptable; names the field.
            Conflict: There is one of this name.
        """
        check_name(name)
        check_params(params, self._allowed)
        check_info(info)
        await self._check_places(params)
        try:
            async with self._db.transaction() as tx:
                there = await tx.execute(sa.select(sa.func.count()).select_from(llm_models))
                if there.scalar_one() >= _MOST_MODELS:
                    raise Conflict(f"There are {_MOST_MODELS} added models already.")
                now = await tx.now()
                model = AddedModel(name=name, params=params, info=info)
                row = self._sealed(model) | {"updated_at": now}
                row |= {"name": name, "created_by": by, "created_at": now}
                await tx.execute(sa.insert(llm_models), [row])
                tx.publish(ModelAdded(name=name, by=by))
        except IntegrityError:
            raise Conflict(f"There is a model named {name} already.", field="name") from None
        await self.refresh()
        return await self._get(name)

    async def change(
        self,
        name: str,
        params: Mapping[str, Any],
        info: Mapping[str, Any] | None,
        *,
        by: str,
    ) -> ShownModel:
        """Change a model.

        Args:
            name: Which.
            params: The parameters that change; null takes one away.
            info: The `model_info` in its place, if that changes.
            by: Who changes it.

        Raises:
            NotFound: None was added under this name.
            InvalidInput: Something is not acceptable; names the field.
        """
        await self._check_places(params)
        async with self._db.transaction() as tx:
            row = await _locked(tx, name)
            model = self._open(row)
            before = model.params if model else {"model": ""}
            after = changed(before, params)
            told = row.info if info is None else info
            check_params(after, self._allowed)
            check_info(told)
            values = self._sealed(AddedModel(name=name, params=after, info=told))
            # Other replicas see by this that there was a change.
            values["updated_at"] = max(await tx.now(), row.updated_at + datetime.resolution)
            await tx.execute(sa.update(llm_models).where(llm_models.c.name == name).values(values))
            tx.publish(ModelChanged(name=name, by=by))
        await self.refresh()
        return await self._get(name)

    async def remove(self, name: str, *, by: str) -> None:
        """Take a model away.

        Raises:
            NotFound: None was added under this name.
        """
        async with self._db.transaction() as tx:
            await _locked(tx, name)
            await tx.execute(sa.delete(llm_models).where(llm_models.c.name == name))
            tx.publish(ModelRemoved(name=name, by=by))
        await self.refresh()

    async def close(self) -> None:
        """Read no more."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)

    async def _poll(self) -> None:
        failing = False
        while True:
            try:
                await self.refresh()
                failing = False
            except Exception as error:
                # Once for each outage; what is known already goes on serving.
                if not failing:
                    _log.warning("added_models_not_read", error_type=type(error).__name__)
                failing = True
            await asyncio.sleep(self._poll_s)

    async def _check_places(self, params: Mapping[str, Any]) -> None:
        """Refuse a name that leads inside now; one that nobody knows is seen to when it is used."""
        url = params.get("api_base")
        if not isinstance(url, str) or self._allowed.problem(url):
            # What is wrong with it is said where all parameters are checked.
            return
        parts = urlsplit(url)
        host, port = host_of(parts), parts.port or (443 if parts.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError):
            return
        if not all(self._allowed.permits(host, port, str(place[0])) for *_, place in found):
            raise address_refusal(f"{host} leads into an inner network")

    async def _get(self, name: str) -> ShownModel:
        async with self._db.read() as db:
            row = (await db.execute(sa.select(llm_models).where(llm_models.c.name == name))).first()
        if row is None:
            raise _absent(name)
        return self._shown(row, self._open(row))

    def _sealed(self, model: AddedModel) -> dict[str, Any]:
        plain = msgspec.json.encode(model.params)
        return {"params": self._cipher.seal(plain, _context(model.name)), "info": dict(model.info)}

    def _open(self, row: sa.Row[Any]) -> AddedModel | None:
        """Open a row; none when its key is lost, which must not take the others away."""
        try:
            plain = self._cipher.open(row.params, _context(row.name))
        except SealBroken:
            _log.warning("added_model_not_opened", model=row.name)
            return None
        params = msgspec.json.decode(plain, type=dict[str, Any])
        return AddedModel(name=row.name, params=params, info=row.info)

    def _shown(self, row: sa.Row[Any], model: AddedModel | None) -> ShownModel:
        return ShownModel(
            name=row.name,
            litellm_params=shown(model.params) if model else {},
            model_info=row.info,
            created_by=row.created_by,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


async def _locked(tx: Transaction, name: str) -> sa.Row[Any]:
    query = sa.select(llm_models).where(llm_models.c.name == name).with_for_update()
    row = (await tx.execute(query)).first()
    if row is None:
        raise _absent(name)
    return row


def _absent(name: str) -> NotFound:
    return NotFound(f"No model named {name!r} has been added to this server.", field="name")


def _context(name: str) -> str:
    return f"llm_models.params:{name}"
