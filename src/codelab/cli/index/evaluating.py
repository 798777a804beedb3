"""`codelab index eval`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
import msgspec

from codelab.cli.index.trial import Asked, trial
from codelab.kit import log
from codelab.kit.errors import CodeLabError
from codelab.retrieval.evaluation import Question, Scores, by_repository, mean

_HEAD = ("", "n", "MRR", "nDCG@10", "Recall@10", "hit@1", "p50 ms", "p95 ms")


class QuestionsUnusable(CodeLabError):
    """A file with questions is missing, or holds something else."""

    code = "questions_unusable"
    title = "No questions"


@click.command("eval")
@click.argument("qrels", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--trees",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder with the tree of each repository: owner/name, owner__name or name.",
)
@click.option(
    "--run",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the ranked files of each question there, one JSON object a line.",
)
@click.option("--lexical", is_flag=True, help="Leave out vectors.")
def evaluate(qrels: Path, trees: Path, run: Path | None, lexical: bool) -> None:
    """Measure how good the answers are to questions whose right files are known.

    QRELS is a folder with files *.jsonl, or one such file: each line is an object with `id`,
    `repo` as owner/name, `query`, and `relevant`, a list of paths.

    The trees are indexed in a temporary folder, just as a server does it. Subjects of past commits
    count where a tree is a repository of git. Every repository weighs the same in MACRO.
    """
    log.configure("warning", "console")
    questions = read_questions(qrels)
    answers = asyncio.run(_answers(questions, trees, lexical=lexical))
    if not answers:
        raise QuestionsUnusable(f"There is no tree in {trees} to ask about.")
    for line in table(questions, answers):
        click.echo(line)
    if run is not None:
        run.write_bytes(run_of(answers))


def read_questions(qrels: Path) -> list[Question]:
    """Read all questions of a folder or of a file.

    Raises:
        QuestionsUnusable: There are none, or a line holds something else; says which.
    """
    files = sorted(qrels.glob("*.jsonl")) if qrels.is_dir() else [qrels]
    questions = []
    for file in files:
        for number, line in enumerate(file.read_bytes().splitlines(), 1):
            if not line.strip():
                continue
            try:
                questions.append(msgspec.json.decode(line, type=Question))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise QuestionsUnusable(f"{file}, line {number}: {error}.") from error
    if not questions:
        raise QuestionsUnusable(f"There is no question in {qrels}.")
    return questions


def tree_of(repository: str, trees: Path) -> Path | None:
    """Find the tree of a repository, whichever way its folder is called."""
    owner, _, name = repository.rpartition("/")
    places = (f"{owner}/{name}", f"{owner}__{name}", f"{owner}+{name}", name)
    return next((trees / place for place in places if (trees / place).is_dir()), None)


def table(questions: Sequence[Question], answers: Mapping[str, Asked]) -> Iterator[str]:
    """Write the figures down, a line for each repository and one for all."""
    asked = [one for one in questions if one.id in answers]
    scores = by_repository(asked, {name: answer.ranked for name, answer in answers.items()})
    rows = [
        _row(name, some, [answers[one.id].elapsed_s for one in asked if one.repo == name])
        for name, some in scores.items()
    ]
    everything = [answer.elapsed_s for answer in answers.values()]
    rows = [_HEAD, *rows, _row("MACRO", mean([*scores.values()]), everything)]
    width = max(len(row[0]) for row in rows)
    for name, *figures in rows:
        yield f"{name:<{width}}" + "".join(f"{figure:>10}" for figure in figures)


def run_of(answers: Mapping[str, Asked]) -> bytes:
    """Write the ranked files of each question, one JSON object a line."""
    lines = ({"id": name, "ranked": answer.ranked} for name, answer in answers.items())
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def _row(name: str, scores: Scores, times_s: Sequence[float]) -> tuple[str, ...]:
    figures = (scores.mrr, scores.ndcg, scores.recall, scores.hit)
    times = (f"{1000 * _percentile(times_s, share):.1f}" for share in (0.5, 0.95))
    return (name, str(scores.questions), *(f"{figure:.4f}" for figure in figures), *times)


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


async def _answers(
    questions: Sequence[Question], trees: Path, *, lexical: bool
) -> dict[str, Asked]:
    answers: dict[str, Asked] = {}
    async with trial(has_vectors=not lexical) as search:
        for repository in dict.fromkeys(one.repo for one in questions):
            mine = [one for one in questions if one.repo == repository]
            folder = await asyncio.to_thread(tree_of, repository, trees)
            if folder is None:
                _tell(f"There is no tree of {repository}: {len(mine)} questions are left out.")
                continue
            indexed = await search.indexed(folder)
            _tell(f"{repository}: {indexed.files:,} files, {len(mine)} questions")
            if indexed.note:
                _tell(f"Without vectors, or with some only: {indexed.note}")
            for one in mine:
                answers[one.id] = await indexed.ask(one.query)
    return answers


def _tell(line: str) -> None:
    """Say something beside the figures."""
    click.echo(line, err=True)
