from codelab.hitl.commands.patterns import covers, lines_of, touches
from codelab.hitl.commands.wrappers import understand


def test_all_that_a_command_runs_is_listed_once_with_and_without_paths_and_quotes() -> None:
    text = "/bin/sudo rm 'a b'"
    assert lines_of(text, understand(text)) == (
        "/bin/sudo rm 'a b'",
        "/bin/sudo rm a b",
        "sudo rm 'a b'",
        "sudo rm a b",
        "rm 'a b'",
        "rm a b",
    )


def test_one_line_is_enough_to_touch_and_all_are_needed_to_cover() -> None:
    text = "a 1; b 2"
    command = understand(text)
    assert touches(["b *"], lines_of(text, command))
    assert not touches(["c *"], lines_of(text, command))
    assert not covers(["b *"], text, command)
    assert covers(["b *", "a *"], text, command)
    assert not covers(["*"], "a $x", understand("a $x"))
