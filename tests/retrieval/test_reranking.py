"""A model puts findings into order, and where it does not, they stay as they were."""

from __future__ import annotations

import asyncio

import pytest

from codelab.kit.errors import CodeLabError
from codelab.retrieval.reranking import SHOWN, RerankedCode, Reranker
from codelab.retrieval.settings import RerankSettings
from codelab.sdk.retrieval import Finding, Findings, References, SymbolPlace, SymbolPlaces

NUMBERS = range(60)


class Down(CodeLabError):
    code = "model_unreachable"


class Model:
    """Says what is scripted; without a script it never answers."""

    name = "quick"

    def __init__(self, *script: str | CodeLabError, tokens: int | None = None) -> None:
        self.script = list(script)
        self.tokens = tokens
        self.asked: list[str] = []

    def affordable(self, cost_usd: float, answer_tokens: int) -> int | None:
        return self.tokens

    async def answer(self, question: str, answer_tokens: int) -> str:
        self.asked.append(question)
        if not self.script:
            await asyncio.Event().wait()
        said = self.script.pop(0)
        if isinstance(said, CodeLabError):
            raise said
        return said


class Code:
    """Finds as many files as are asked for."""

    async def search(self, question: str, *, folder: str = ".", most: int = 8) -> Findings:
        found = (Finding(path=f"{folder}/{n}.py", score=1 / (n + 1), text="x") for n in NUMBERS)
        return Findings(findings=tuple(found)[:most], note="half of it")

    async def symbols(self, name: str, *, most: int = 20) -> SymbolPlaces:
        place = SymbolPlace(name=name, kind="class", path="a.py", first=1, last=most)
        return SymbolPlaces(places=(place,))

    async def references(self, name: str, *, most: int = 60) -> References:
        return References(truncated=most == 7)

    async def map(self, budget: int) -> str:
        return f"{budget}"


def reranked(model: Model, now: list[float] | None = None, timeout_s: float = 5) -> RerankedCode:
    clock = now or [0.0]
    settings = RerankSettings(model="quick", timeout_s=timeout_s)
    return RerankedCode(Code(), Reranker(model, settings, lambda: clock[0]))


def places(found: Findings) -> list[str]:
    return [one.path.removesuffix(".py").rpartition("/")[2] for one in found.findings]


async def test_the_first_fifty_are_shown_and_the_chosen_ones_come_first() -> None:
    model = Model("[50, 3]")
    found = await reranked(model).search("where?", folder="src", most=4)
    assert places(found) == ["49", "2", "0", "1"] and found.findings[0].path == "src/49.py"
    assert [one.reason for one in found.findings] == ["a model's choice"] * 2 + ["", ""]
    scores = [one.score for one in found.findings]
    assert scores == sorted(scores, reverse=True) and found.note == "half of it"
    (text,) = model.asked
    assert f"[{SHOWN}] src/49.py" in text and f"[{SHOWN + 1}]" not in text
    assert (await reranked(Model("[60]")).search("where?", most=60)).findings[0].path == "./59.py"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Model(Down("It cannot be reached.")), "It cannot be reached."),
        (Model("None of them, sorry."), "It named none"),
        (Model(), "It took too long."),
        (Model("[2]", tokens=10), "cost is too little"),
    ],
)
async def test_without_its_help_the_order_stays_and_the_answer_says_so(
    model: Model, reason: str
) -> None:
    found = await reranked(model, timeout_s=0.05).search("where?", most=3)
    assert places(found) == ["0", "1", "2"]
    assert found.note.startswith("half of it; not put into order by quick: ")
    assert reason in found.note


async def test_after_a_failure_the_model_is_left_in_peace_for_a_minute() -> None:
    model, now = Model(Down("It cannot be reached."), "[2]"), [1000.0]
    code = reranked(model, now)
    await code.search("where?")
    now[0] += 59
    assert "It cannot be reached." in (await code.search("where?")).note
    assert len(model.asked) == 1
    now[0] += 2
    assert places(await code.search("where?", most=2)) == ["1", "0"]


async def test_a_cheap_question_shows_less_of_each_piece() -> None:
    model = Model("[2]", tokens=1200)
    assert places(await reranked(model).search("where?", most=2)) == ["1", "0"]
    assert len(model.asked[0]) <= 2400


async def test_all_else_is_answered_as_before() -> None:
    code = reranked(Model())
    assert (await code.symbols("Cart", most=3)).places[0].last == 3
    assert (await code.references("Cart", most=7)).truncated
    assert await code.map(300) == "300"
