"""Which files a few letters mean."""

import pytest

from codelab.workspace.finding.quick_open import likeliest, names_of

PATHS = (
    "README.md",
    "docs/readme-style.md",
    "src/app/FooBarPanel.svelte",
    "src/app/foo.ts",
    "src/app/foobar.ts",
    "src/foo/other.ts",
    "tests/test_foo.py",
    "src/deep/er/still/foo.ts",
)
NAMES = names_of(PATHS, is_complete=True)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("readme", ["README.md", "docs/readme-style.md"]),
        ("foo.ts", ["src/app/foo.ts", "src/deep/er/still/foo.ts"]),
        ("foo", ["src/app/foo.ts", "src/deep/er/still/foo.ts", "src/app/foobar.ts"]),
        ("fbp", ["src/app/FooBarPanel.svelte"]),
        ("panel", ["src/app/FooBarPanel.svelte"]),
        ("foo/oth", ["src/foo/other.ts"]),
        ("te fo", ["tests/test_foo.py"]),
        ("sapfo", ["src/app/foo.ts"]),
        ("zzz", []),
    ],
)
def test_the_likeliest_come_first(query: str, first: list[str]) -> None:
    assert likeliest(NAMES, query, 50)[: len(first)] == first
    assert first or likeliest(NAMES, query, 50) == []


def test_a_hundred_thousand_names_of_one_letter_are_weighed_within_bounds() -> None:
    many = names_of((f"a/{'a' * 200}{number}" for number in range(20_000)), is_complete=True)
    assert len(likeliest(many, "aaaaaaaaaaab", 100)) == 0
    assert len(likeliest(many, "a", 100)) == 100
    assert likeliest(many, "", 2) == list(many.paths[:2])
