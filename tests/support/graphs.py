"""Small ONNX graphs, as users' models are."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 32


def graph(nodes: list[Any], out: list[Any], constants: dict[str, Any] | None = None, **options: Any) -> Any:
    """A model from windows ``x`` [n, WIDTH] to ``y``, whose shape is ``out``."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTH])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, out)
    held = [
        numpy_helper.from_array(np.asarray(each, np.float32), key) for key, each in (constants or {}).items()
    ]
    made = helper.make_graph(nodes, "model", [x], [y], held)
    return helper.make_model(
        made, ir_version=8, opset_imports=[helper.make_opsetid("", 17), *options.pop("opsets", [])], **options
    )


def smooth(kept: int = 6) -> bytes:
    """A good model: a window's slow course (its first cosines) is what it is reconstructed from."""
    at = np.arange(WIDTH)
    basis = np.cos(np.pi / WIDTH * (at[:, None] + 0.5) * np.arange(kept)) * np.sqrt(2 / WIDTH)
    basis[:, 0] /= np.sqrt(2)
    onto = [helper.make_node("MatMul", ["x", "onto"], ["y"])]
    return packed(graph(onto, ["n", WIDTH], {"onto": basis @ basis.T}))


def indifferent() -> bytes:
    """A model to which all windows are the same."""
    nodes = [
        helper.make_node("Mul", ["x", "nothing"], ["none"]),
        helper.make_node("ReduceSum", ["none", "axes"], ["y"], keepdims=0),
    ]
    made = graph(nodes, ["n"], {"nothing": np.zeros(WIDTH)})
    made.graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), "axes"))
    return packed(made)


def packed(model: Any) -> bytes:
    """Its bytes."""
    found: bytes = onnx.ModelProto.SerializeToString(model)
    return found
