"""docs/models.md: each example is read by the catalogue and means what its table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from codelab.agents.builtin.plugin import register_agents
from codelab.llm.catalog.entries import Catalogue, describe
from codelab.llm.catalog.models_file import read_models_file
from codelab.llm.catalog.prices import UNKNOWN, facts_of, read_price_list
from codelab.sdk import ModelRole
from tests.conventions.documents import Example, examples

EXAMPLES = list(examples("models.md", "yaml"))
ROLES = {agent.name: agent.model for agent in register_agents()}
PRICES = read_price_list()


def meaning(catalogue: Catalogue, subject: str) -> str:
    """Answer one line of a table."""
    match subject.split():
        case ["role", role]:
            return catalogue.choose(ModelRole(role))
        case ["agent", agent]:
            return catalogue.choose(ROLES[agent], agent)
        case ["when", model, "fails"]:
            return ", ".join(catalogue.chain(model)[1:]) or "nothing"
        case ["when", model, "fails", "for", agent]:
            return ", ".join(catalogue.chain(model, agent)[1:]) or "nothing"
        case ["alias", name]:
            return catalogue.entry(name).name
        case ["window", "of", model]:
            entry = catalogue.entry(model)
            return str(describe(entry, facts_of(entry.model, PRICES, entry.info)).context_tokens)
    raise AssertionError(f"nobody knows what {subject!r} means")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6
    assert all(example.claims for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_the_example_means_what_the_document_says(example: Example, tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(example.code)
    catalogue = read_models_file(file)
    said = dict(example.claims)
    assert {subject: meaning(catalogue, subject) for subject in said} == said


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_the_examples_name_models_that_exist_and_hold_no_key(
    example: Example, tmp_path: Path
) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(example.code)
    for entry in read_models_file(file).entries.values():
        key = entry.params.get("api_key")
        assert key is None or key.variable
        if entry.provider in ("anthropic", "openai") and "api_base" not in entry.params:
            assert facts_of(entry.model, PRICES) != UNKNOWN


def test_the_roles_of_the_agents_are_as_described() -> None:
    assert ROLES == {
        "orchestrator": ModelRole.REASONING,
        "architect": ModelRole.REASONING,
        "coder": ModelRole.CODING,
        "debug": ModelRole.BALANCED,
        "ask": ModelRole.FAST,
    }
