"""A model runs in a process that can do nothing but score; what is none is refused in a sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from airis_ray.aiops.custom import process
from airis_ray.aiops.custom.card import Output
from airis_ray.aiops.custom.process import ModelProcess
from airis_ray.errors import Unprocessable
from airis_ray.settings import ModelSettings
from tests.support.graphs import WIDTH, graph, packed, smooth
from tests.unit.aiops.custom.made import SETTINGS, card

WINDOWS = np.random.default_rng(0).normal(size=(50, WIDTH)).astype(np.float32)


@contextmanager
def running(
    artefact: bytes, output: Output = "reconstruction", settings: ModelSettings = SETTINGS
) -> Iterator[ModelProcess]:
    model = ModelProcess(card(artefact, output=output), artefact, settings)
    try:
        yield model
    finally:
        model.close()


def node(kind: str, *takes: str, **options: Any) -> Any:
    return helper.make_node(kind, ["x", *takes], ["y"], **options)


def elsewhere() -> bytes:
    """A graph whose numbers are to be read from a file of this machine."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[WIDTH])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../etc/passwd")
    model = graph([node("Add", "w")], ["n", WIDTH])
    model.graph.initializer.append(tensor)
    return packed(model)


def hidden() -> bytes:
    """The same, in a branch of a condition."""
    inner = helper.make_graph([helper.make_node("Identity", ["w"], ["z"])], "inner", [], [])
    inner.initializer.append(onnx.load_model_from_string(elsewhere()).graph.initializer[0])
    inner.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [WIDTH]))
    on = helper.make_tensor("on", TensorProto.BOOL, [], [True])
    model = graph([helper.make_node("If", ["on"], ["y"], then_branch=inner, else_branch=inner)], [WIDTH])
    model.graph.initializer.append(on)
    return packed(model)


def foreign() -> bytes:
    opsets = [helper.make_opsetid("com.microsoft", 1)]
    return packed(graph([node("Gelu", domain="com.microsoft")], ["n", WIDTH], opsets=opsets))


def two() -> bytes:
    model = graph([node("Neg")], ["n", WIDTH])
    model.graph.output.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTH]))
    return packed(model)


def test_scores_are_those_of_the_graph() -> None:
    with running(smooth()) as model:
        found = model.score(WINDOWS)
        again = model.score(WINDOWS[:7])
    assert found.shape == (50,)
    assert found.mean() > 0.5  # noise is not smooth
    assert again == pytest.approx(found[:7], rel=1e-5)
    slow = np.cos(np.pi / WIDTH * (np.arange(WIDTH) + 0.5) * 3)[None, :].astype(np.float32)
    with running(smooth()) as model:
        assert model.score(slow) == pytest.approx([0.0], abs=1e-9)


@pytest.mark.parametrize(
    ("artefact", "output", "sentence"),
    [
        (b"\x80\x04\x95 a pickle", "usual", "cannot be loaded"),
        (elsewhere(), "reconstruction", "in another file"),
        (hidden(), "reconstruction", "in another file"),
        (foreign(), "reconstruction", "operators of com.microsoft"),
        (two(), "reconstruction", "expected one output"),
        (smooth(), "usual", r"gave \[2, 32\] for 2 windows; expected a score of each"),
        (packed(graph([node("Log")], ["n", WIDTH])), "reconstruction", "gave what is no number"),
    ],
)
def test_what_is_no_model_is_refused_in_a_sentence(artefact: bytes, output: Output, sentence: str) -> None:
    with running(artefact, output) as model, pytest.raises(Unprocessable, match=sentence):
        model.score(WINDOWS)


def wide(rows: int, columns: int, *nodes: Any) -> bytes:
    """A graph that makes a table of such a size, called ``wide``, and adds what ``nodes`` make of it to each window."""
    model = graph(
        [
            helper.make_node("ReduceSum", ["x"], ["first"], keepdims=1),
            helper.make_node("Expand", ["first", "shape"], ["wide"]),
            *nodes,
            helper.make_node("ReduceSum", [nodes[-1].output[0] if nodes else "wide"], ["sum"], keepdims=0),
            helper.make_node("Add", ["x", "sum"], ["y"]),
        ],
        ["n", WIDTH],
    )
    model.graph.initializer.append(helper.make_tensor("shape", TensorProto.INT64, [2], [rows, columns]))
    return packed(model)


def test_a_model_that_takes_too_much_memory_ends() -> None:
    with running(wide(200_000, 3200)) as asked, pytest.raises(Unprocessable, match="model waves@1"):
        asked.score(WINDOWS)


def test_a_model_that_takes_too_long_ends_and_can_be_asked_again() -> None:
    slow = wide(3000, 3000, helper.make_node("MatMul", ["wide", "wide"], ["product"]))
    with running(slow, settings=SETTINGS.model_copy(update={"timeout": 0.05})) as asked:
        for _ in range(2):
            with pytest.raises(Unprocessable, match=r"took longer than 0\.05 s; its process was ended"):
                asked.score(WINDOWS)


def test_the_process_can_open_nothing() -> None:
    """Its own functions, in a child of a child: what :func:`worker.confine` takes away is gone."""
    script = (
        "import runpy, socket\n"
        f"worker = runpy.run_path({str(process._WORKER)!r}, run_name='worker')\n"
        "worker['warm_up'](); worker['confine'](2**26)\n"
        "for name, attempt in {'file': lambda: open('/etc/hostname'), 'socket': socket.socket,\n"
        "    'memory': lambda: bytearray(2**28), 'program': lambda: __import__('subprocess').run(['true'])}.items():\n"
        "    try:\n        attempt(); print(name, 'open')\n"
        "    except (OSError, MemoryError) as error: print(name, 'closed')\n"
    )
    found = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=120)
    closed = "file closed\nsocket closed\nmemory closed\nprogram closed\n"
    assert found.stdout == closed, found.stderr
