"""Builds a BERT sentence encoder as an ONNX graph: token ids in, one L2-normalised vector per row out.

The graph takes rows of equal length and no mask: texts are never padded, so there is nothing to mask, and the mean
over all positions is the masked mean. It is written in the fused operators that ONNX Runtime would fuse it into
(`com.microsoft`, https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md), and is therefore run
with the basic optimisations only: the extended ones would join Add and LayerNormalization into
SkipLayerNormalization and EmbedLayerNormalization, whose CPU kernels take four times as long as what they join.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from freshet.embedding.quantise import quantise_columns
from freshet.embedding.settings import Precision

_CONTRIB = "com.microsoft"
_CONTRIB_OPERATORS = {"Attention", "QAttention", "DynamicQuantizeMatMul"}
Array = NDArray[Any]


@dataclass(frozen=True)
class BertShape:
    """What the weights do not say by themselves."""

    layers: int
    heads: int
    epsilon: float


def build_bert(weights: Mapping[str, Array], shape: BertShape, precision: Precision) -> onnx.ModelProto:
    """The whole encoder. Input ``input_ids`` int32 (n, s); output ``embedding`` float32 (n, hidden).

    ``weights`` are named as in Hugging Face's BertModel. Gelu is the exact one; pooling is the mean.
    """
    return _Builder(weights, shape, precision).build()


class _Builder:
    def __init__(self, weights: Mapping[str, Array], shape: BertShape, precision: Precision) -> None:
        self._weights = weights
        self._shape = shape
        self._int8 = precision == "int8"
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def build(self) -> onnx.ModelProto:
        hidden = self._embed_tokens()
        for layer in range(self._shape.layers):
            hidden = self._layer(f"encoder.layer.{layer}", hidden)
        axis = self._constant("positions_axis", np.array([1], np.int64))
        mean = self._node("ReduceMean", [hidden, axis], keepdims=0)
        self._nodes.append(helper.make_node("LpNormalization", [mean], ["embedding"], axis=1, p=2))
        width = self._weights["embeddings.LayerNorm.weight"].shape[0]
        graph = helper.make_graph(
            self._nodes,
            "bert_sentence_encoder",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT32, ["n", "s"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", width])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="freshet")

    def _embed_tokens(self) -> str:
        # Every token is of type 0, so its row is added to the positions once, here.
        positions = self._weights["embeddings.position_embeddings.weight"]
        positions = positions + self._weights["embeddings.token_type_embeddings.weight"][0]
        table = self._constant("words", self._weights["embeddings.word_embeddings.weight"])
        words = self._node("Gather", [table, "input_ids"])
        first, axis = (self._constant(name, np.array([0], np.int64)) for name in ("first", "axis"))
        length = self._node("Shape", ["input_ids"], start=1, end=2)
        places = self._node("Slice", [self._constant("positions", positions), first, length, axis])
        total = self._node("Add", [words, places])
        return self._node(
            "LayerNormalization", [total, *self._norm("embeddings.LayerNorm")], epsilon=self._shape.epsilon
        )

    def _layer(self, name: str, hidden: str) -> str:
        context = self._attention(f"{name}.attention.self", hidden)
        hidden = self._add_and_norm(f"{name}.attention.output", context, hidden)
        wide = self._node("Gelu", [self._linear(f"{name}.intermediate.dense", hidden)])
        return self._add_and_norm(f"{name}.output", wide, hidden)

    def _attention(self, name: str, hidden: str) -> str:
        parts = ("query", "key", "value")
        matrix = np.concatenate([self._weights[f"{name}.{part}.weight"] for part in parts]).T
        bias = self._constant(f"{name}.bias", np.concatenate([self._weights[f"{name}.{part}.bias"] for part in parts]))
        heads = self._shape.heads
        if not self._int8:
            return self._node("Attention", [hidden, self._constant(f"{name}.weight", matrix), bias], num_heads=heads)
        weight, scale, zero = self._quantised(name, matrix)
        levels, step, origin = (f"{name}.{part}" for part in ("levels", "step", "origin"))
        self._nodes.append(helper.make_node("DynamicQuantizeLinear", [hidden], [levels, step, origin]))
        inputs = [levels, weight, bias, step, scale, "", origin, zero]
        return self._node("QAttention", inputs, num_heads=heads)

    def _add_and_norm(self, name: str, narrow: str, residual: str) -> str:
        total = self._node("Add", [self._linear(f"{name}.dense", narrow), residual])
        inputs = [total, *self._norm(f"{name}.LayerNorm")]
        return self._node("LayerNormalization", inputs, epsilon=self._shape.epsilon)

    def _linear(self, name: str, rows: str) -> str:
        matrix = self._weights[f"{name}.weight"].T
        bias = self._constant(f"{name}.bias", self._weights[f"{name}.bias"])
        if self._int8:
            return self._node("DynamicQuantizeMatMul", [rows, *self._quantised(name, matrix), bias])
        product = self._node("MatMul", [rows, self._constant(f"{name}.weight", matrix)])
        return self._node("Add", [product, bias])

    def _quantised(self, name: str, matrix: Array) -> list[str]:
        levels, scales = quantise_columns(matrix)
        zeros = np.zeros(scales.shape, np.int8)
        return [
            self._constant(f"{name}.weight", levels),
            self._constant(f"{name}.scale", scales),
            self._constant(f"{name}.zero", zeros),
        ]

    def _norm(self, name: str) -> list[str]:
        return [self._constant(f"{name}.{part}", self._weights[f"{name}.{part}"]) for part in ("weight", "bias")]

    def _constant(self, name: str, values: Array) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{operator}_{len(self._nodes)}"
        domain = _CONTRIB if operator in _CONTRIB_OPERATORS else ""
        self._nodes.append(helper.make_node(operator, inputs, [name], name=name, domain=domain, **attributes))
        return name
