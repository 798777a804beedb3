from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from codelab.tools.arguments import canonical, convert, decode, digest, schema
from codelab.tools.builtin.plugin import register_tools
from codelab.tools.errors import ToolArgumentsInvalid


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    count: int = 1


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    path: Annotated[str, msgspec.Meta(min_length=1, description="Where.")]
    inner: tuple[Inner, ...] = ()
    limit: Annotated[int, msgspec.Meta(ge=1, le=10)] = 5


def test_arguments_become_parameters_with_their_defaults() -> None:
    assert decode("t", '{"path": "a"}', Parameters) == Parameters(path="a")
    assert decode("t", '{"path": "a", "inner": [{"text": "x"}]}', Parameters) == Parameters(
        path="a", inner=(Inner(text="x"),)
    )


def test_every_wrong_field_is_named() -> None:
    with pytest.raises(ToolArgumentsInvalid) as caught:
        decode("t", '{"limit": "5", "inner": [{"text": 1}], "pth": "a", "more": 1}', Parameters)
    assert {error.field for error in caught.value.errors} == {
        "path",
        "limit",
        "inner",
        "pth",
        "more",
    }
    text = caught.value.message
    assert "- path: missing" in text
    assert "did you mean path?" in text
    assert "- limit: Expected `int`, got `str`" in text
    assert "$[0].text" in text
    assert len(text.splitlines()) == 6


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        '{"path": ""}',
        '{"path": null}',
        '{"path": "a", "limit": 11}',
        '{"path": "\\ud800"}',
        '{"path": "a"} trailing',
        "[" * 100_000,
        '{"path": ' + "[" * 100_000,
        '{"path": "' + "x" * 4_000_001 + '"}',
        "{" + ",".join(f'"f{number}": 1' for number in range(1000)) + "}",
    ],
)
def test_broken_arguments_are_told_to_the_model_in_few_words(arguments: str) -> None:
    with pytest.raises(ToolArgumentsInvalid) as caught:
        decode("t", arguments, Parameters)
    assert caught.value.errors
    assert len(caught.value.message) < 3000


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(repr))
def test_no_text_does_worse_than_that(arguments: str) -> None:
    try:
        decode("t", arguments, Parameters)
    except ToolArgumentsInvalid as error:
        assert error.errors


def test_the_canonical_form_does_not_depend_on_spelling() -> None:
    one = decode("t", '{"path": "a", "limit": 5}', Parameters)
    other = decode("t", '{ "limit":5,"path":"\\u0061", "inner": [] }', Parameters)
    assert canonical(one) == canonical(other) == b'{"inner":[],"limit":5,"path":"a"}'
    assert convert("t", msgspec.json.decode(canonical(one)), Parameters) == one


@given(st.lists(st.tuples(st.text(), st.binary(), st.text()), min_size=2, max_size=2, unique=True))
def test_different_calls_have_different_digests(calls: list[tuple[str, bytes, str]]) -> None:
    try:
        first, second = (digest(*call) for call in calls)
    except UnicodeEncodeError:
        return
    assert first != second
    assert digest(*calls[0]) == first


def walk(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in walk(item)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for value in node.values() for found in walk(value))]


@pytest.mark.parametrize("tool", register_tools(), ids=lambda tool: tool.name)
def test_models_get_a_plain_closed_schema(tool: Any) -> None:
    made = schema(tool.parameters)
    Draft202012Validator.check_schema(made)
    assert made["type"] == "object"
    for node in walk(made):
        assert "$ref" not in node
        if node.get("type") == "object" and "properties" in node:
            assert node["additionalProperties"] is False
    for field in made["properties"].values():
        assert field.get("description")


def test_the_schema_and_the_decoder_agree() -> None:
    made = schema(Parameters)
    validator = Draft202012Validator(made)
    for good in ({"path": "a"}, {"path": "a", "inner": [{"text": "x", "count": 2}], "limit": 10}):
        validator.validate(good)
        convert("t", good, Parameters)
    for bad in ({}, {"path": ""}, {"path": "a", "x": 1}, {"path": "a", "limit": 0}):
        assert not validator.is_valid(bad)
        with pytest.raises(ToolArgumentsInvalid):
            convert("t", bad, Parameters)
