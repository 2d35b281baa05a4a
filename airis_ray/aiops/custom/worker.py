"""The process that runs one model of a user. Run as a script by :mod:`.process`; nothing of ours is imported here.

It reads a header (JSON, one line: bytes of the artefact, width, output, memory, seconds), the artefact, and then
requests: a count of windows (4 bytes, little-endian) and the windows as float32. It answers each with a byte (0:
scores follow, as float32; 1: a length and a sentence follow).

Before the artefact is looked at, the process gives up what it does not need: it can open no file and no socket, start
no program, write nothing, and hold no more memory than it was allowed. The kernel ends it where one answer takes longer
than it may, and it ends when the other end is closed. The graph is parsed here as well: whatever it does to a parser,
it does in this process.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import onnx
import onnxruntime

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""Operators of these alone, as the ONNX standard defines them: no custom ones, no functions with code of their own."""
OUTPUTS = ("unusual", "usual", "reconstruction")


class Refused(Exception):
    """A sentence about the artefact."""


def main() -> None:
    """Answer requests until the other end is closed."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    header = json.loads(source.readline(4096))
    width, seconds = int(header["width"]), float(header["seconds"])
    warm_up()
    confine(int(header["memory"]))
    try:
        artefact = _read(source, int(header["bytes"]))
        signal.setitimer(signal.ITIMER_REAL, seconds)
        score = opened(artefact, width, str(header["output"]))
        _answer(sink, b"")
    except Refused as error:
        return _refuse(sink, str(error))
    except Exception as error:  # whatever a parser says of an artefact: it is the artefact's
        return _refuse(sink, f"cannot be loaded: {_first_line(error)}")
    while count := source.read(4):
        windows = np.frombuffer(_read(source, struct.unpack("<I", count)[0] * width * 4), "<f4")
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            _answer(sink, score(windows.reshape(-1, width)).astype("<f4").tobytes())
        except Exception as error:
            return _refuse(sink, _first_line(error))
    return None


def warm_up() -> None:
    """Run a graph of ours, so that everything that is loaded at first use is loaded."""
    helper = onnx.helper
    kind = onnx.TensorProto.FLOAT
    ends = [helper.make_tensor_value_info(name, kind, ["n", 4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "warm", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session(model.SerializeToString()).run(None, {"x": np.zeros((1, 4), np.float32)})


def confine(memory: int) -> None:
    """Give up what scoring does not need; ``memory``: bytes beyond what is held now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    os.chdir("/")
    # A descriptor is needed for every file, socket and pipe: three are open, and there will be no fourth.
    bounds = {
        resource.RLIMIT_AS: held + memory,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 3,
    }
    for limit, most in bounds.items():
        resource.setrlimit(limit, (most, most))


def opened(artefact: bytes, width: int, output: str) -> Any:
    """A function from windows [n, width] to how unusual they are [n]. Raises Refused, or what the runtime raises."""
    model = onnx.load_model_from_string(artefact)
    check(model)
    run = session(model.SerializeToString())
    takes, gives = run.get_inputs(), run.get_outputs()
    if len(takes) != 1 or takes[0].type != "tensor(float)":
        came = ", ".join(f"{each.name} {each.type}" for each in takes)
        raise Refused(f"takes {came or 'nothing'}; expected one input, windows [n, {width}] of float32")
    if len(gives) != 1 or gives[0].type not in ("tensor(float)", "tensor(double)"):
        came = ", ".join(f"{each.name} {each.type}" for each in gives)
        raise Refused(f"gives {came or 'nothing'}; expected one output of float32 or float64")
    name = takes[0].name

    def score(windows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        with np.errstate(over="ignore", invalid="ignore"):  # said below as what it is
            return read(np.asarray(run.run(None, {name: windows})[0], np.float64), windows, output)

    score(np.zeros((2, width), np.float32))
    return score


def check(model: Any) -> None:
    """Raises Refused for what is not in the graph itself, and for operators outside of the standard."""
    for part in (*model.opset_import, *(node for graph in graphs(model.graph) for node in graph.node)):
        if part.domain not in DOMAINS:
            raise Refused(f"uses operators of {part.domain}; expected those of ONNX alone")
    if len(model.functions):
        raise Refused("holds functions; expected a graph of operators")
    for tensor in tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or len(tensor.external_data):
            raise Refused(f"keeps {tensor.name or 'a tensor'} in another file; expected all in one")


def graphs(graph: Any) -> Iterator[Any]:
    """A graph and those within it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from graphs(inner)


def tensors(whole: Any) -> Iterator[Any]:
    """Every tensor that a graph holds, wherever."""
    for graph in graphs(whole):
        yield from graph.initializer
        sparse = list(graph.sparse_initializer)
        for node in graph.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)
                sparse += [attribute.sparse_tensor, *attribute.sparse_tensors]
        for each in sparse:
            yield from (each.values, each.indices)


def session(artefact: bytes) -> Any:
    """One thread, no log, nothing read from elsewhere."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return onnxruntime.InferenceSession(artefact, options, providers=["CPUExecutionProvider"])


def read(found: np.ndarray[Any, Any], windows: np.ndarray[Any, Any], output: str) -> np.ndarray[Any, Any]:
    """What a model gave as how unusual each window is. Raises Refused for a wrong shape, or what is no number."""
    n, width = windows.shape
    if output == "reconstruction":
        if found.shape != (n, width):
            raise Refused(f"gave {list(found.shape)} for {n} windows; expected them again, {[n, width]}")
        found = np.square(found - windows).mean(axis=1)
    if found.shape not in ((n,), (n, 1)):
        raise Refused(f"gave {list(found.shape)} for {n} windows; expected a score of each, {[n]}")
    scores = found.reshape(n).astype(np.float32)
    if not np.isfinite(scores).all():
        raise Refused(f"gave what is no number for {int((~np.isfinite(scores)).sum())} of {n} windows")
    return -scores if output == "usual" else scores


def _read(source: BinaryIO, size: int) -> bytes:
    found = source.read(size)
    if len(found) != size:
        raise SystemExit(0)  # the other end is gone
    return found


def _answer(sink: BinaryIO, payload: bytes) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    sink.write(b"\0" + payload)
    sink.flush()


def _refuse(sink: BinaryIO, sentence: str) -> None:
    text = sentence.encode()[:1000]
    sink.write(b"\1" + struct.pack("<I", len(text)) + text)
    sink.flush()


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    main()
