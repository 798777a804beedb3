"""The tour's sample project: a small shop with a mistake that its own tests find."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

BASKET = "shop/basket.py"
TESTS = "tests/test_basket.py"
WRONG = "    if quantity > BULK_QUANTITY:\n"
RIGHT = "    if quantity >= BULK_QUANTITY:\n"
TEST_COMMAND = "python3 -m unittest"

FILES = {
    "README.md": """\
# Corner shop

Prices of a shopping basket. Ten pieces or more of one article cost ten per cent less.

Run the tests: `python3 -m unittest`
""",
    ".gitignore": "__pycache__/\n",
    "shop/__init__.py": '"""Prices of a corner shop."""\n',
    BASKET: f'''\
"""A shopping basket with a discount for many pieces of one article."""

from decimal import Decimal

BULK_QUANTITY = 10
BULK_DISCOUNT = Decimal("0.10")


def line_total(price, quantity):
    """Return the price of several pieces; ten or more cost ten per cent less."""
    total = price * quantity
{WRONG}        total -= total * BULK_DISCOUNT
    return total


def basket_total(lines):
    """Return the price of a basket, a list of pairs (price, quantity)."""
    return sum((line_total(price, quantity) for price, quantity in lines), Decimal(0))
''',
    "tests/__init__.py": '"""Tests of the corner shop."""\n',
    TESTS: '''\
"""Tests of the basket."""

import unittest
from decimal import Decimal

from shop.basket import basket_total, line_total


class LineTotalTest(unittest.TestCase):
    def test_few_pieces_cost_the_full_price(self):
        self.assertEqual(line_total(Decimal("2.50"), 4), Decimal("10.00"))

    def test_ten_pieces_cost_ten_per_cent_less(self):
        self.assertEqual(line_total(Decimal("2.00"), 10), Decimal("18.00"))

    def test_more_than_ten_pieces_cost_ten_per_cent_less(self):
        self.assertEqual(line_total(Decimal("1.00"), 20), Decimal("18.00"))


class BasketTotalTest(unittest.TestCase):
    def test_an_empty_basket_costs_nothing(self):
        self.assertEqual(basket_total([]), Decimal(0))

    def test_lines_are_added_up(self):
        lines = [(Decimal("2.50"), 2), (Decimal("1.00"), 3)]
        self.assertEqual(basket_total(lines), Decimal("8.00"))


if __name__ == "__main__":
    unittest.main()
''',
}

# The commit is the demo's own: the user's name, signature and hooks have no part in it.
_SETTINGS = (
    *("-c", "user.name=CodeLab demo"),
    *("-c", "user.email=demo@localhost"),
    *("-c", "commit.gpgsign=false"),
    *("-c", "core.hooksPath=/dev/null"),
)
_FIRST_COMMIT = (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "Open the shop"))


async def create_sample(folder: Path) -> bool:
    """Put the sample project into the folder, with a first commit where git is installed.

    A sample that is there already stays as it is, changes included.

    Returns:
        Whether the project has a git repository now.
    """
    if not (folder / BASKET).exists():
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    if (folder / ".git").exists():
        return True
    git = shutil.which("git")
    return git is not None and await _commit(git, folder)


async def _commit(git: str, folder: Path) -> bool:
    for arguments in _FIRST_COMMIT:
        process = await asyncio.create_subprocess_exec(
            git, *_SETTINGS, *arguments, cwd=folder, stdout=asyncio.subprocess.DEVNULL
        )
        if await process.wait() != 0:
            return False
    return True
