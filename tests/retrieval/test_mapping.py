from hypothesis import given
from hypothesis import strategies as st

from codelab.retrieval.mapping import MappedFile, drawn

NAMES = st.text("abcdef", min_size=1, max_size=6)
FILES = st.lists(
    st.builds(
        MappedFile,
        path=st.lists(NAMES, min_size=1, max_size=5).map("/".join),
        weight=st.floats(0, 10),
        symbols=st.lists(NAMES, max_size=15).map(tuple),
    ),
    max_size=60,
    unique_by=lambda one: one.path,
)


def test_folders_come_with_their_files_and_what_these_define() -> None:
    files = [
        MappedFile(path="README.md"),
        MappedFile(path="shop/cart.py", weight=2, symbols=("class Cart", "total")),
        MappedFile(path="shop/web/page.py", weight=1, symbols=("render",)),
    ]
    assert drawn(files, 1000).splitlines() == [
        "./  (1 file)",
        "  README.md",
        "shop/  (1 file)",
        "  cart.py: class Cart, total",
        "shop/web/  (1 file)",
        "  page.py: render",
    ]


def test_what_matters_most_is_shown_where_there_is_little_room() -> None:
    files = [MappedFile(path=f"src/{n:03}.py", symbols=("thing" * 5,)) for n in range(300)]
    files.append(MappedFile(path="src/zz.py", weight=5, symbols=("Heart",)))
    shown = drawn(files, 200)
    assert "  zz.py: Heart" in shown
    assert "src/  (301 files)" in shown


def test_a_file_beneath_a_folder_that_is_not_shown_is_counted_above() -> None:
    deep = [MappedFile(path="/".join(["folder" * 8] * depth) + "/x.py") for depth in range(1, 30)]
    shown = drawn(deep, 200)
    counted = sum(int(line.split("(")[1].split()[0]) for line in shown.splitlines() if "(" in line)
    assert counted == len(deep)


@given(FILES, st.integers(200, 3000))
def test_the_map_keeps_to_its_budget(files: list[MappedFile], budget: int) -> None:
    shown = drawn(files, budget)
    # At least the root is shown, whatever the budget.
    assert len(shown) <= budget * 3.5 + 80
