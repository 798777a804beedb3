"""docs/policy.md: each example is a policy that decides as its table says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from codelab.hitl.api import Rule, read_rules
from codelab.hitl.policy import Subject, decide
from codelab.tools.builtin.plugin import register_tools
from tests.conventions.documents import DOCS, Example, examples

EXAMPLES = list(examples("policy.md", "toml"))
TOOLS = {tool.name: tool for tool in register_tools()}


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3
    assert all(len(example.claims) >= 4 for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_the_example_decides_as_the_document_says(example: Example, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(example.code)
    rules = read_rules(file)
    decided = {}
    for call, _ in example.claims:
        name, _, rest = call.partition(" ")
        runs = name == "execute_command"
        subject = Subject(
            tool=name,
            protected=TOOLS[name].protected,
            paths=() if runs else (rest,),
            command=rest if runs else None,
        )
        decided[call] = decide(rules, subject).decision.value
    assert decided == dict(example.claims)


def test_every_field_of_a_rule_and_every_protected_tool_is_described() -> None:
    text = (DOCS / "policy.md").read_text("utf-8")
    fields = [field.name for field in msgspec.structs.fields(Rule)]
    assert [name for name in fields if f"| `{name}` |" not in text] == []
    protected = [tool.name for tool in TOOLS.values() if tool.protected]
    assert [name for name in protected if f"`{name}`" not in text] == []
