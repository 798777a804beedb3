from codelab.retrieval.figures import figures_of
from codelab.retrieval.index.entries import Coverage
from codelab.retrieval.indexing.followed import Standing


def coverage(**languages: tuple[int, int]) -> Coverage:
    return Coverage(
        files=0, lines=0, size=0, pieces=0, symbols=0, languages=languages, how={}, skipped={}
    )


def test_the_indexes_of_all_projects_are_added_up() -> None:
    standings = [
        (Standing(phase="ready", compared_at=70.0), 2),
        (Standing(phase="comparing", done=3, of=10, compared_at=40.0), 0),
        (Standing(phase="failed", done=3, of=10), 1),
        (Standing(), 0),
    ]
    unknown = Coverage(
        files=1, lines=9, size=0, pieces=0, symbols=0, languages={"": (1, 9)}, how={}, skipped={}
    )
    coverages = [coverage(Go=(1, 10)), None, coverage(Go=(2, 5), Rust=(1, 1)), unknown]
    figures = figures_of(standings, coverages, 100.0)
    assert figures.states == {"ready": 1, "indexing": 1, "failed": 1, "none": 1}
    assert figures.waiting == 2 + 7 + 1
    assert figures.age_s == 60
    assert figures.files == {"Go": 3, "Rust": 1, "other": 1}
    assert figures.lines == {"Go": 15, "Rust": 1, "other": 9}


def test_without_projects_there_is_nothing() -> None:
    figures = figures_of([], [], 100.0)
    assert (figures.waiting, figures.age_s, figures.files, figures.states) == (0, 0, {}, {})
