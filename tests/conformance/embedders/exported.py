"""A folder in sentence-transformers' layout, made of the packaged model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from onnx import ModelProto, TensorProto, helper

from freshet.embedding.bert_graph import BertShape, build_bert
from freshet.embedding.packaged import checked_tokenizer, checked_weights
from freshet.embedding.safetensors import read_tensors


def export_folder(folder: Path, pooling: str = "mean") -> Path:
    """Its graph ends in token vectors, as exports do, and takes all three inputs of BERT, in int64."""
    model = build_bert(read_tensors(checked_weights()), BertShape(layers=6, heads=12, epsilon=1e-12), "fp32")
    graph = model.graph
    pooled = next(node for node in graph.node if node.op_type == "ReduceMean")
    last = next(node for node in graph.node if pooled.input[0] in node.output)
    for node in [node for node in graph.node if node.op_type in ("ReduceMean", "LpNormalization")]:
        graph.node.remove(node)
    for node in graph.node:
        node.input[:] = ["ids32" if name == "input_ids" else name for name in node.input]
    last.output[0] = "last_hidden_state"
    # Mask and types are read, so that the session asks for them, and add nothing: there is no padding and one type.
    sizes = [
        helper.make_node("Cast", ["input_ids"], ["ids"], to=TensorProto.INT32),
        helper.make_node("Cast", ["attention_mask"], ["mask32"], to=TensorProto.INT32),
        helper.make_node("Cast", ["token_type_ids"], ["types32"], to=TensorProto.INT32),
        helper.make_node("Mul", ["ids", "mask32"], ["masked"]),
        helper.make_node("Add", ["masked", "types32"], ["ids32"]),
    ]
    for index, node in enumerate(sizes):
        graph.node.insert(index, node)
    names = ("input_ids", "attention_mask", "token_type_ids")
    del graph.input[:], graph.output[:]
    graph.input.extend(helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "s"]) for name in names)
    graph.output.append(helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "s", 384]))

    return write_folder(folder, model, pooling)


def write_folder(folder: Path, model: ModelProto, pooling: str = "mean") -> Path:
    """``model`` gives token vectors of 384 dimensions from the packaged model's token ids."""
    (folder / "onnx").mkdir(parents=True)
    (folder / "1_Pooling").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(model.SerializeToString())
    shutil.copy(checked_tokenizer(), folder / "tokenizer.json")
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 256, "do_lower_case": False})
    modes = {
        f"pooling_mode_{mode}": mode == f"{pooling}_token{'s' if pooling == 'mean' else ''}"
        for mode in ("cls_token", "mean_tokens", "max_tokens")
    }
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 384, **modes})
    kinds = ("Transformer", "Pooling", "Normalize")
    paths = ("", "1_Pooling", "2_Normalize")
    modules = [
        {"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in zip(paths, kinds, strict=True)
    ]
    write_json(folder / "modules.json", modules)
    return folder


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
