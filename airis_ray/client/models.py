"""`air.models`: models of one's own, registered from a notebook."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airis_ray.client.frames import Frame
from airis_ray.client.http import Http
from airis_ray.client.series import as_series
from airis_ray.errors import InvalidInput, Unavailable

Output = Literal["unusual", "usual", "reconstruction"]

PATH: Final = "/api/aiops/models"
WIDTH: Final = 64
"""Points of a window, unless said."""
CHECKED_WITHIN: Final = 120.0
"""Seconds: the server's own limit of one request; checks may need most of it on a busy machine."""
_OPSETS: Final = {"": 21, "ai.onnx.ml": 3}
"""Versions of the operators that a model is written in: old enough for every server of ours."""


class Models:
    """Models of windows. What one is trained on comes from :meth:`windows`; what it is asked about looks the same."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def windows(
        self,
        frame: object,
        width: int = WIDTH,
        *,
        time: str | None = None,
        value: str | None = None,
        by: Sequence[str] | None = None,
    ) -> npt.NDArray[np.float32]:
        """All windows [n, width] of the series of a frame, each series in deviations from its mean.

        Columns as for :meth:`.Connection.detect`.
        """
        from airis_ray.aiops.custom.windows import training
        from airis_ray.aiops.reading import read_table

        table = as_series(frame, time, value, by)
        names = [name for name in table.column_names if name not in ("time", "value")]
        labels = [table[name].cast(pa.string()).fill_null("").to_pylist() for name in names]
        series = ["\0".join(each) for each in zip(*labels, strict=True)] if names else ["series"] * len(table)
        named = pa.table({"series": series, "time": table["time"], "value": table["value"]})
        parts = [training(batch, width) for batch in read_table(named).batches]
        return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)

    def register(
        self,
        name: str,
        model: object,
        *,
        width: int = WIDTH,
        version: str | None = None,
        output: Output | None = None,
    ) -> dict[str, Any]:
        """Register a model; once it passed the checks of the server it serves as ``name``.

        ``model``: of scikit-learn (with ``score_samples``, such as an isolation forest, or one that predicts a window
        from itself), a ``torch.nn.Module`` (windows to scores [n], larger for the more unusual, or to the windows
        again), or an ONNX file, of which ``output`` says what it gives. It is sent as a graph of ONNX operators: data,
        and not a pickle.
        Raises InvalidInput for what cannot be written so, Unprocessable where a check failed.
        """
        artefact, found = graph_of(model, width)
        wanted = output or found
        if wanted is None:
            raise InvalidInput("an ONNX file: say output='unusual', 'usual' or 'reconstruction'")
        params = {"width": width, "output": wanted, "version": version}
        made: dict[str, Any] = self._http.json(
            "POST",
            f"{PATH}/{name}",
            artefact,
            params,
            binary=True,
            timeout=max(CHECKED_WITHIN, self._http.timeout),
        )
        return made

    def list(self) -> Frame:
        """A row a version: name, version, whether it serves, and what is known of it."""
        models = self._http.json("GET", PATH)
        return Frame(pa.Table.from_pylist([version for model in models for version in model["versions"]]))

    def rollback(self, name: str, version: str | None = None) -> dict[str, Any]:
        """Let an earlier version serve; unless named, the one before."""
        answer: dict[str, Any] = self._http.json("POST", f"{PATH}/{name}/rollback", {"version": version})
        return answer

    def delete(self, name: str, version: str | None = None) -> None:
        """Delete a version that does not serve, or all of a model."""
        self._http.json("DELETE", f"{PATH}/{name}" + (f"/versions/{version}" if version else ""))


def graph_of(model: object, width: int) -> tuple[bytes, Output | None]:
    """A model as ONNX, and what it gives; None of a file, which does not say. Raises InvalidInput."""
    if isinstance(model, str | Path):
        return Path(model).read_bytes(), None
    if isinstance(model, bytes):
        return model, None
    kinds = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    try:
        if "torch" in kinds:
            return _of_torch(model, width)
        if "sklearn" in kinds:
            return _of_sklearn(model, width)
    except ImportError as error:
        raise Unavailable(f"{error.name} is not installed: pip install 'airis-ray[notebooks]'") from None
    raise InvalidInput(f"{type(model).__name__}: expected a model of scikit-learn or torch, or an ONNX file")


def _of_sklearn(model: Any, width: int) -> tuple[bytes, Output]:
    from skl2onnx import to_onnx
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
    from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs

    scores = hasattr(model, "score_samples")
    example = np.zeros((1, width), np.float32)
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    options: Mapping[Any, Any] | None = {id(last): {"score_samples": True}} if _is_mixture(last) else None
    try:
        whole = to_onnx(model, example, target_opset=_OPSETS, options=options)
    except (MissingConverter, MissingShapeCalculator) as error:
        raise InvalidInput(
            f"{type(last).__name__} has no form in ONNX: {str(error).splitlines()[0]}"
        ) from None
    given = [each.name for each in whole.graph.output]
    chosen = next((name for name in ("score_samples", "scores") if scores and name in given), given[0])
    if not scores and (len(given) != 1 or np.shape(model.predict(example)) != example.shape):
        raise InvalidInput(
            f"{type(last).__name__} has no score_samples; expected that, or a prediction of each window by itself"
        )
    graph = select_model_inputs_outputs(whole, outputs=[chosen])
    if not scores:
        _as_windows(graph, width)
    packed: bytes = graph.SerializeToString()
    return packed, "usual" if scores else "reconstruction"


def _as_windows(model: Any, width: int) -> None:
    """Predictions in the shape of windows: of networks skl2onnx writes them as one column, window after window."""
    from onnx import TensorProto, helper

    (column,) = model.graph.output
    size = helper.make_tensor("airis_windows_shape", TensorProto.INT64, [2], [-1, width])
    model.graph.initializer.append(size)
    model.graph.node.append(helper.make_node("Reshape", [column.name, size.name], ["airis_windows"]))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("airis_windows", TensorProto.FLOAT, ["n", width]))


def _is_mixture(model: object) -> bool:
    """Mixtures write their scores only when asked."""
    return type(model).__name__ in ("GaussianMixture", "BayesianGaussianMixture")


def _of_torch(model: Any, width: int) -> tuple[bytes, Output]:
    import torch

    model = model.to("cpu").eval()
    example = torch.zeros(2, width)
    with torch.no_grad():
        shape = tuple(model(example).shape)
    kinds: dict[tuple[int, ...], Output] = {(2,): "unusual", (2, 1): "unusual", (2, width): "reconstruction"}
    if shape not in kinds:
        raise InvalidInput(
            f"gave {list(shape)} for windows {[2, width]}; expected [2] scores, or the windows again"
        )
    rows = torch.export.Dim("n", min=1, max=2**20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's about itself; what matters raises
        made = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            dynamic_shapes=({0: rows},),
            verbose=False,
            opset_version=_OPSETS[""],
        )
    if made is None:
        raise InvalidInput(f"{type(model).__name__}: torch wrote no graph of it")
    packed: bytes = made.model_proto.SerializeToString()
    return packed, kinds[shape]
