"""The five scenarios of the main job, each a whole turn over a real socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.flows.harness import Client, Frame, approve, of_type, spoken
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall, When

ORCHESTRATOR = When(system_contains="You are the **orchestrator**")
CODER = When(system_contains="You are the **coder**")
DEBUG = When(system_contains="You are the **debugger**")
ARCHITECT = When(system_contains="You are the **architect**")

FIXED = {"old_text": "prices[1:]", "new_text": "prices"}


def edit_call(**change: str) -> ToolCall:
    return ToolCall("edit_file", {"path": "shop/cart.py", "replacements": [change]})


async def test_coder_writes_a_new_feature_after_approval(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    content = "def average(prices):\n    return sum(prices) / len(prices)\n"
    await model_server.script(
        model_key,
        [
            Reply(
                text="I look at the cart first.",
                tool_calls=[
                    ToolCall("read_file", {"path": "shop/cart.py"}),
                    ToolCall("list_files", {"path": "."}),
                ],
                split="bytes",
                when=CODER,
            ),
            Reply(
                text=["I add ", "`average`", "."],
                tool_calls=[
                    ToolCall("write_file", {"path": "shop/average.py", "content": content})
                ],
                split="bytes",
                when=CODER,
            ),
            Reply(text="Done: shop/average.py is new.", when=CODER),
        ],
    )
    session_id = await client.new_session()

    frames = await client.turn(session_id, "Add a function for the average price", approve)

    assert of_type(frames, "agent")[0]["to"] == "coder"
    results = {result["call_id"]: result for result in of_type(frames, "tool_result")}
    calls = of_type(frames, "tool_call")
    assert [call["tool"] for call in calls] == ["read_file", "list_files", "write_file"]
    assert all(results[call["call_id"]]["ok"] for call in calls)
    write = calls[2]
    assert write["requires_approval"]
    assert "+def average(prices):" in write["preview"]
    assert of_type(frames, "approval")[-1]["status"] == "approved"
    assert (project / "shop/average.py").read_text() == content
    assert "I look at the cart first." in spoken(frames, "coder")
    assert spoken(frames).endswith("Done: shop/average.py is new.")
    done = frames[-1]["data"]
    assert done["stop_reason"] == "end"
    assert done["usage"]["input_tokens"] == 30
    assert_gapless(frames)
    seen = await model_server.requests(model_key)
    assert "def total(prices):" in str(seen[1].body)


async def test_debug_finds_the_bug_and_hands_it_to_coder(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(
        model_key,
        [
            Reply(tool_calls=[ToolCall("read_file", {"path": "shop/cart.py"})], when=DEBUG),
            Reply(
                text="Root cause: `total` skips the first price.",
                tool_calls=[
                    ToolCall(
                        "delegate",
                        {"agent": "coder", "task": "In shop/cart.py sum all prices, not [1:]."},
                    )
                ],
                when=DEBUG,
            ),
            Reply(tool_calls=[edit_call(**FIXED)], when=CODER),
            Reply(text="Fixed in shop/cart.py.", when=CODER),
            Reply(text="coder has fixed it: all prices are summed.", when=DEBUG),
        ],
    )
    session_id = await client.new_session()

    frames = await client.turn(session_id, "The total is wrong, there is a bug", approve)

    chosen = of_type(frames, "agent")
    assert [agent["to"] for agent in chosen] == ["debug", "coder"]
    assert chosen[1]["from"] == "debug"
    assert "prices[1:]" not in (project / "shop/cart.py").read_text()
    delegated = next(call for call in of_type(frames, "tool_call") if call["tool"] == "delegate")
    report = next(
        result
        for result in of_type(frames, "tool_result")
        if result["call_id"] == delegated["call_id"]
    )
    assert report["output"] == "Fixed in shop/cart.py."
    assert frames[-1]["data"]["stop_reason"] == "end"
    coder_request = (await model_server.requests(model_key))[2].body
    assert "The total is wrong" not in str(coder_request), "a sub-task has a context of its own"
    assert_gapless(frames)


async def test_architect_answers_and_writes_only_documents(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(
        model_key,
        [
            Reply(text="I would split pricing from storage.", when=ARCHITECT),
            Reply(
                tool_calls=[
                    ToolCall("write_file", {"path": "shop/pricing.py", "content": "x = 1\n"}),
                    ToolCall("write_file", {"path": "docs/pricing.md", "content": "# Pricing\n"}),
                ],
                when=ARCHITECT,
            ),
            Reply(text="It is in docs/pricing.md.", when=ARCHITECT),
        ],
    )
    session_id = await client.new_session()

    first = await client.turn(session_id, "Which architecture fits this shop?")
    assert spoken(first, "architect") == "I would split pricing from storage."

    second = await client.turn(session_id, "Yes, write it down", approve, agent="architect")
    results = of_type(second, "tool_result")
    assert [result["ok"] for result in results] == [False, True]
    assert not (project / "shop/pricing.py").exists()
    assert (project / "docs/pricing.md").read_text() == "# Pricing\n"
    assert len(of_type(second, "approval")) == 1
    history = (await model_server.requests(model_key))[1].body
    assert "I would split pricing from storage." in str(history)
    assert_gapless([*first, *second])


async def test_orchestrator_plans_a_compound_task_over_two_agents(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    steps = [
        {"id": "fix", "title": "Fix the sum", "agent": "coder"},
        {"id": "doc", "title": "Describe the sum", "agent": "architect"},
    ]
    await model_server.script(
        model_key,
        [
            Reply(
                text="Two independent steps.",
                tool_calls=[ToolCall("update_plan", {"steps": steps})],
                when=ORCHESTRATOR,
            ),
            Reply(
                tool_calls=[
                    ToolCall(
                        "delegate", {"agent": "coder", "task": "Sum all prices.", "step": "fix"}
                    ),
                    ToolCall(
                        "delegate",
                        {"agent": "architect", "task": "Write docs/sum.md.", "step": "doc"},
                    ),
                ],
                when=ORCHESTRATOR,
            ),
            Reply(tool_calls=[edit_call(**FIXED)], when=CODER),
            Reply(
                tool_calls=[ToolCall("write_file", {"path": "docs/sum.md", "content": "# Sum\n"})],
                when=ARCHITECT,
            ),
            Reply(text="Summed.", when=CODER),
            Reply(text="Described.", when=ARCHITECT),
            Reply(text="Both are done.", when=ORCHESTRATOR),
        ],
    )
    session_id = await client.new_session()

    frames = await client.turn(
        session_id, "Fix the sum in the cart and then document its structure", approve
    )

    plans = [[step["status"] for step in plan["steps"]] for plan in of_type(frames, "plan")]
    assert plans[0] == ["pending", "pending"]
    assert ["running", "running"] in plans
    assert plans[-1] == ["done", "done"]
    assert {agent["to"] for agent in of_type(frames, "agent")} == {
        "orchestrator",
        "coder",
        "architect",
    }
    assert "prices[1:]" not in (project / "shop/cart.py").read_text()
    assert (project / "docs/sum.md").exists()
    assert spoken(frames, "orchestrator").endswith("Both are done.")
    final = (await model_server.requests(model_key))[-1].body
    assert "Summed." in str(final)
    assert "Described." in str(final)
    assert_gapless(frames)


async def test_a_rejection_with_feedback_changes_the_plan(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(
        model_key,
        [
            Reply(
                tool_calls=[ToolCall("write_file", {"path": "README.md", "content": "gone\n"})],
                when=CODER,
            ),
            Reply(
                text="Then a new file.",
                tool_calls=[ToolCall("write_file", {"path": "NOTES.md", "content": "kept\n"})],
                when=CODER,
            ),
            Reply(text="NOTES.md has it.", when=CODER),
        ],
    )
    session_id = await client.new_session()
    answers: list[dict[str, Any]] = [
        {"approved": False, "feedback": "Keep the README, use NOTES.md"},
        {"approved": True},
    ]

    def answer(data: Frame) -> dict[str, Any]:
        return answers.pop(0)

    frames = await client.turn(session_id, "Write the notes into the README", answer)

    assert [approval["status"] for approval in of_type(frames, "approval")] == [
        "rejected",
        "approved",
    ]
    assert (project / "README.md").read_text().startswith("# Shop")
    assert (project / "NOTES.md").read_text() == "kept\n"
    second = (await model_server.requests(model_key))[1].body
    assert "Keep the README, use NOTES.md" in str(second)
    assert_gapless(frames)


def assert_gapless(frames: list[Frame]) -> None:
    numbers = [frame["seq"] for frame in frames if frame.get("seq")]
    assert numbers == list(range(1, len(numbers) + 1))
