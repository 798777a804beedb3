"""A model in a folder is run as it is, on a small one that is built here."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from codelab.retrieval.encoders.models import Traits
from codelab.retrieval.encoders.onnx import open_onnx
from codelab.retrieval.errors import EncoderUnavailable

WORDS = {"[UNK]": 0, "red": 1, "green": 2, "ask": 3, "tell": 4}
ROWS = np.array([[9, 9], [1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
ASKING = Traits(names=(), source="this test", question="ask ", document="tell ", window=4)


def build(folder: Path, *, rows: np.ndarray = ROWS, is_pooled: bool = False) -> None:
    """Write a model that looks up each token's row, and a tokeniser of five words."""
    folder.mkdir(exist_ok=True)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    table = onnx.numpy_helper.from_array(rows, "table")
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["tokens"])]
    shape: list[str | int] = ["batch", "length", 2]
    result = "tokens"
    if is_pooled:
        nodes.append(helper.make_node("ReduceMax", ["tokens"], ["pooled"], axes=[1], keepdims=0))
        shape, result = ["batch", 2], "pooled"
    output = helper.make_tensor_value_info(result, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "lookup", inputs, [output], [table])
    imports = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), folder / "model.onnx")
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))


async def test_tokens_become_one_vector_and_filling_counts_for_nothing(tmp_path: Path) -> None:
    build(tmp_path)
    encoder = await open_onnx(tmp_path, Traits(names=(), source="this test"))
    vectors = (await encoder.documents(["red", "red red green", "green"])).vectors
    assert [list(vector) for vector in vectors] == [
        pytest.approx([1, 0]),
        pytest.approx([2 / math.sqrt(5), 1 / math.sqrt(5)]),
        pytest.approx([0, 1]),
    ]
    await encoder.close()


async def test_the_model_is_asked_in_its_own_way(tmp_path: Path) -> None:
    build(tmp_path)
    encoder = await open_onnx(tmp_path, ASKING)
    assert list(await encoder.question("green")) == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5)])
    (told,) = (await encoder.documents(["red"])).vectors
    assert list(told) == pytest.approx([math.sqrt(0.5), -math.sqrt(0.5)])
    # The window holds four tokens.
    assert await encoder.question("green green green red") == await encoder.question("green " * 3)
    await encoder.close()


async def test_models_that_pool_themselves_are_left_alone(tmp_path: Path) -> None:
    build(tmp_path, is_pooled=True)
    encoder = await open_onnx(tmp_path, Traits(names=(), source="this test"))
    assert list(await encoder.question("red green")) == pytest.approx([math.sqrt(0.5)] * 2)
    await encoder.close()
    build(tmp_path)
    first = await open_onnx(tmp_path, Traits(names=(), source="this test", pooling="first"))
    assert list(await first.question("red green")) == pytest.approx([1, 0])
    await first.close()


async def test_another_model_in_the_same_folder_has_another_name(tmp_path: Path) -> None:
    names = []
    for rows in (ROWS, ROWS, ROWS * 2):
        build(tmp_path, rows=rows)
        encoder = await open_onnx(tmp_path, ASKING)
        names.append(encoder.name)
        await encoder.close()
    assert names[0] == names[1] != names[2]


async def test_a_model_that_fails_is_told_of(tmp_path: Path) -> None:
    build(tmp_path, rows=np.full((5, 2), np.nan, dtype=np.float32))
    encoder = await open_onnx(tmp_path, ASKING)
    with pytest.raises(EncoderUnavailable):
        await encoder.question("red")
    await encoder.close()
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EncoderUnavailable):
        await open_onnx(tmp_path, ASKING)
    with pytest.raises(EncoderUnavailable):
        await open_onnx(tmp_path / "nowhere", ASKING)
