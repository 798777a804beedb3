from typing import Annotated, Any, ClassVar

import msgspec
import pytest

from codelab.sdk import Tool, ToolContext, ToolResult
from codelab.tools.errors import ToolInvalid, ToolUnknown
from codelab.tools.registry import Registry


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class Nested(msgspec.Struct, frozen=True):
    children: "tuple[Nested, ...]" = ()


class Good(Tool[Nothing]):
    name: ClassVar[str] = "good_tool"
    description: ClassVar[str] = "Does good."
    parameters: ClassVar[type[msgspec.Struct]] = Nothing

    async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
        return ToolResult(output="done")


def variant(**changes: Any) -> Tool[Any]:
    made: Tool[Any] = type("Variant", (Good,), changes)()
    return made


def test_tools_are_found_by_name() -> None:
    registry = Registry()
    good = Good()
    registry.register([good])
    assert registry.get("good_tool") is good
    assert registry.all() == (good,)
    spec = registry.spec("good_tool")
    assert (spec.name, spec.description) == ("good_tool", "Does good.")
    assert spec.parameters == {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }


def test_an_unknown_tool_is_said_to_be_unknown() -> None:
    registry = Registry()
    registry.register([Good()])
    with pytest.raises(ToolUnknown, match="Did you mean good_tool"):
        registry.get("good_tol")
    with pytest.raises(ToolUnknown) as caught:
        registry.get("x" * 10_000)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "tool",
    [
        variant(name="Bad Name"),
        variant(name=""),
        variant(name="x" * 65),
        variant(description=""),
        variant(parameters=dict),
        variant(parameters=Annotated[str, "x"]),
        variant(parameters=Nested),
    ],
)
def test_a_malformed_tool_stops_the_start(tool: Tool[Any]) -> None:
    with pytest.raises(ToolInvalid):
        Registry().register([tool])


def test_a_taken_name_stops_the_start() -> None:
    registry = Registry()
    registry.register([Good()])
    with pytest.raises(ToolInvalid, match="two tools"):
        registry.register([Good()])
