"""Agents ask the index of a real project, which follows what happens to the files."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

import pytest

from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.retrieval.api import (
    EncoderChoice,
    IndexingSettings,
    Retrieval,
    StoreChoice,
)
from codelab.retrieval.plain import PlainCode
from codelab.sdk.retrieval import CodeSearch
from codelab.workspace.api import Workspaces, WorkspaceSettings
from codelab.workspace.models import workspaces as table
from tests.support.tables import make_tables

CART = """# What a customer has chosen.


class Cart:
    def total(self, prices):
        # Add all prices up, without those that are reduced.
        return sum(prices)
"""
SHOP = {
    "shop/cart.py": CART,
    "shop/mail.py": "def send_receipt(address, cart):\n    return address, cart.total([])\n",
    "shop/stock.py": "def reserve(article):\n    raise OutOfStock(article)\n",
    "notes.md": "# The shop\n\nReceipts are sent by mail.\n",
    ".gitignore": "private.py\n",
    "private.py": "def total(secret):\n    return secret\n",
    ".codelabignore": "prices.py\n",
    "prices.py": "def total(hidden):\n    return hidden\n",
}


def _no_models(name: str) -> NoReturn:
    raise AssertionError(name)


class Shop:
    """A project with its index, and an agent that searches it."""

    def __init__(self, root: Path, retrieval: Retrieval, workspace_id: str) -> None:
        self.root = root
        self.index: Path
        self.retrieval = retrieval
        self.id = workspace_id
        self.code: CodeSearch
        self.plain: PlainCode

    async def found(self, question: str) -> list[str]:
        return [one.path for one in (await self.code.search(question)).findings]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    root = tmp_path / "project"
    for path, text in SHOP.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    bus = Bus()
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/codelab.db", bus)
    await make_tables(db, [users, table])
    workspaces = Workspaces(db, WorkspaceSettings(data_dir=data_dir))
    record = await workspaces.ensure(root)
    settings = IndexingSettings(folder=data_dir / "index")
    retrieval = Retrieval(workspaces, bus, db, settings, EncoderChoice(), StoreChoice(), _no_models)
    await retrieval.start()
    made = Shop(root, retrieval, record.id)
    made.index = settings.folder / record.id
    view = await workspaces.open(record.id)
    made.code = retrieval.code(record.id, view)
    made.plain = PlainCode(view, str)
    yield made
    await retrieval.close()
    await workspaces.close()
    await db.close()


async def test_a_project_without_an_index_is_searched_as_it_is_written(shop: Shop) -> None:
    answer = await shop.plain.search("where are the prices added up?")
    assert answer.note == "found by plain search: the index of this project is not made yet"
    best = answer.findings[0]
    assert (best.path, best.first, best.last) == ("shop/cart.py", 2, 8)
    assert best.text == "\n".join(CART.split("\n")[1:])
    assert [one.path for one in (await shop.plain.search("prices", folder="shop")).findings] == [
        "shop/cart.py"
    ]
    assert (await shop.plain.search("a hidden secret")).findings == ()
    assert (await shop.plain.search("?")).findings == ()
    (place,) = (await shop.plain.symbols("Cart")).places
    assert (place.path, place.kind, place.first) == ("shop/cart.py", "class", 4)
    references = await shop.plain.references("total")
    assert [(one.path, one.line) for one in references.references] == [
        ("shop/cart.py", 5),
        ("shop/mail.py", 2),
    ]
    assert "list_files" in await shop.plain.map(500)


async def test_what_is_described_is_found_with_its_text_and_the_reason(shop: Shop) -> None:
    await shop.retrieval.refresh(shop.id)
    answer = await shop.code.search("where are the prices added up?")
    best = answer.findings[0]
    assert (best.path, best.first, best.last) == ("shop/cart.py", 1, 7)
    assert best.text == CART.removesuffix("\n")
    assert best.names == ("Cart", "total") and "words" in best.reason
    assert answer.note == ""
    inside = await shop.code.search("receipt", folder="shop")
    assert inside.findings[0].path == "shop/mail.py"
    assert all(one.path.startswith("shop/") for one in inside.findings)


async def test_what_agents_may_not_read_is_never_found(shop: Shop) -> None:
    await shop.retrieval.refresh(shop.id)
    for question in ("secret", "hidden", "total"):
        assert not {"private.py", "prices.py"} & set(await shop.found(question))
    # A rule that comes later holds at once, whatever the index still knows.
    (shop.root / ".codelabignore").write_text("prices.py\nmail.py\n", "utf-8")
    assert "shop/mail.py" not in await shop.found("send a receipt by mail")
    assert (await shop.code.references("send_receipt")).references == ()
    assert "mail.py" not in await shop.code.map(500)


async def test_no_stale_line_is_told(shop: Shop) -> None:
    await shop.retrieval.refresh(shop.id)
    (shop.root / "shop/cart.py").write_text("class Basket:\n    pass\n", "utf-8")
    (shop.root / "shop/mail.py").unlink()
    answer = await shop.code.search("add prices up")
    assert [(one.path, one.text) for one in answer.findings if one.path == "shop/cart.py"] in (
        [("shop/cart.py", "")],
        [],
    )
    assert (await shop.code.symbols("Cart")).places == ()
    assert not [one for one in await shop.found("receipt") if one == "shop/mail.py"]

    async def is_known() -> bool:
        return [one.path for one in (await shop.code.symbols("Basket")).places] == ["shop/cart.py"]

    deadline = time.monotonic() + 15
    while not await is_known():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["damaged", "deleted"])
async def test_an_index_that_is_lost_while_it_is_in_use_is_made_anew(shop: Shop, how: str) -> None:
    await shop.retrieval.refresh(shop.id)
    assert (await shop.code.symbols("Cart")).note == ""
    if how == "deleted":
        shutil.rmtree(shop.index)
    for file in shop.index.rglob("catalogue.db"):
        with file.open("r+b") as damaged:
            damaged.write(b"\1" * file.stat().st_size)

    deadline = time.monotonic() + 20
    while not (status := await shop.retrieval.status(shop.id)).note:
        assert time.monotonic() < deadline, status
        # Nobody who asks meanwhile is told of anything but what there is.
        assert [one.path for one in (await shop.code.symbols("Cart")).places] == ["shop/cart.py"]
        await asyncio.sleep(0.02)
    assert (status.state, status.note) == (
        "ready",
        "The index could not be read and was made anew.",
    )
    assert status.coverage is not None and status.coverage.languages["Python"][0] == 3
    assert (await shop.code.symbols("Cart")).places[0].last == 7


async def test_symbols_and_references_are_found_by_name(shop: Shop) -> None:
    await shop.retrieval.refresh(shop.id)
    (place,) = (await shop.code.symbols("total")).places
    assert (place.path, place.kind, place.container) == ("shop/cart.py", "method", "Cart")
    assert (place.first, place.last) == (5, 7)
    references = (await shop.code.references("total")).references
    assert [(one.path, one.line, one.is_definition) for one in references] == [
        ("shop/cart.py", 5, True),
        ("shop/mail.py", 2, False),
    ]
    drawn = await shop.code.map(500)
    assert "cart.py: class Cart" in drawn and "private" not in drawn


async def test_meaning_comes_by_itself_and_status_tells_how_far_it_is(shop: Shop) -> None:
    await shop.retrieval.refresh(shop.id)
    before = await shop.retrieval.status(shop.id)
    assert before.state == "ready" and before.coverage is not None
    assert before.coverage.languages["Python"][0] == 3
    deadline = time.monotonic() + 20
    while (vectors := (await shop.retrieval.status(shop.id)).vectors).state != "complete":
        assert time.monotonic() < deadline, vectors
        await asyncio.sleep(0.05)
    assert (vectors.store, vectors.done) == ("sqlite", vectors.total)
    answer = await shop.code.search("arithmetic of costs in baskets")
    assert answer.findings[0].path == "shop/cart.py"
    assert "meaning" in answer.findings[0].reason
