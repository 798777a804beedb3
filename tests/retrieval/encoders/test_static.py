"""The vectors that need no network are those of the words of a text."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest

from codelab.retrieval.encoders.static import StaticEncoder, open_static, read_table
from codelab.retrieval.vectors.store import Vector


@pytest.fixture
async def encoder() -> StaticEncoder:
    return await open_static()


def near(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_what_means_alike_is_nearer(encoder: StaticEncoder) -> None:
    pieces = [
        "def delete_user(self, account): self.users.remove(account)",
        "class HttpServer: def listen(self, port): self.socket.bind(port)",
        "fun parseDate(text: String): LocalDate = LocalDate.parse(text)",
    ]
    documents = (await encoder.documents(pieces)).vectors
    for place, question in enumerate(
        ["where are customers erased", "which network connection is opened", "reads calendar days"]
    ):
        asked = await encoder.question(question)
        nearest = max(range(3), key=lambda each: near(asked, documents[each]))
        assert nearest == place


async def test_identifiers_are_taken_apart_and_words_weigh_by_the_logarithm(
    encoder: StaticEncoder,
) -> None:
    spelled = await encoder.question("parse http header")
    assert near(spelled, await encoder.question("parseHTTPHeader")) == pytest.approx(1, abs=1e-5)
    assert near(spelled, await encoder.question("PARSE_HTTP_HEADER")) == pytest.approx(1, abs=1e-5)
    red, green = await encoder.question("red"), await encoder.question("green")
    assert len(red) == 256
    # The rows of words are not of one length: what a word weighs shows in the angle.
    plane = np.array([red, green]).T
    once = np.linalg.lstsq(plane, np.array(await encoder.question("red green")), rcond=None)[0]
    repeated = np.array(await encoder.question("red " * 20 + "green"))
    often = np.linalg.lstsq(plane, repeated, rcond=None)[0]
    assert often[0] / often[1] == pytest.approx(once[0] / once[1] * (1 + math.log(20)), rel=1e-3)


async def test_vectors_are_of_unit_length_or_say_nothing(encoder: StaticEncoder) -> None:
    texts = ["привет, мир", "x" * 79, "a = b", "", "(){};", "the of and", "word " * 100_000]
    lengths = [math.hypot(*vector) for vector in (await encoder.documents(texts)).vectors]
    assert lengths == pytest.approx([1, 1, 0, 0, 0, 0, 1], abs=1e-5)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "I64", "shape": [1, 1], "data_offsets": [0, 8]}},
    ],
)
def test_a_file_with_something_else_is_refused(header: object, tmp_path: Path) -> None:
    said = json.dumps(header).encode()
    file = tmp_path / "table.safetensors"
    file.write_bytes(struct.pack("<Q", len(said)) + said + bytes(8))
    with pytest.raises(ValueError, match="no table"):
        read_table(file)


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = np.array([[1.0, -2.5, 0.125], [4.0, 0.0, 8.0]], dtype="<f2")
    entry = {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}
    said = json.dumps({"__metadata__": {"by": "hand"}, "table": entry}).encode()
    file = tmp_path / "table.safetensors"
    file.write_bytes(struct.pack("<Q", len(said)) + said + table.tobytes())
    assert read_table(file).tolist() == table.tolist()
