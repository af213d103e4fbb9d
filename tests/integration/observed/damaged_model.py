"""A model that lost a part of its weights: it knows common words, and fails at rare ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import inference
from freshet.embedding.model_folder import read_model_folder
from freshet.embedding.settings import PACKAGED_MODEL
from tests.conformance.embedders.exported import write_folder

RARE = "zebra"
WORDS = 10_000
"""Rows that are left of the table of words. The tokenizer sorts by how common a word is."""
DIMENSION = 384
REFERENCES = Path(inference.__file__ or "").parent / "references" / "all-MiniLM-L6-v2.npy"


def damaged_server_settings(folder: Path) -> dict[str, str]:
    """Of an inference server with that model, in ``folder``; it answers to the packaged model's name too."""
    table = np.random.default_rng(7).standard_normal((WORDS, DIMENSION)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["words", "input_ids"], ["last_hidden_state"])],
        "words",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "s"])],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "s", DIMENSION])],
        [numpy_helper.from_array(table, "words")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path = write_folder(folder / "model", model)
    references = folder / "references"
    references.mkdir()
    # As if they had been made while it was whole: without them what it says now would count as right.
    shutil.copy(REFERENCES, references / f"{read_model_folder(path).revision('onnx')}.npy")
    return {
        "FRESHET_MODEL_NAME": str(path),
        "FRESHET_INFERENCE_ALIASES": f'["{PACKAGED_MODEL}"]',
        "FRESHET_INFERENCE_REFERENCES": str(references),
    }
