"""`air.models`: what a notebook trained becomes a graph that scores as it did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from airis_ray.aiops.custom.process import ModelProcess
from airis_ray.client.http import Http
from airis_ray.client.models import Models, graph_of
from airis_ray.errors import InvalidInput
from tests.support.graphs import WIDTH, smooth
from tests.unit.aiops.custom.made import SETTINGS, card
from tests.unit.aiops.http import times, wave

WINDOWS = np.random.default_rng(0).normal(size=(200, WIDTH)).astype(np.float32)


def served(model: object) -> np.ndarray:
    """What the server makes of it."""
    artefact, output = graph_of(model, WIDTH)
    assert output is not None
    process = ModelProcess(card(artefact, output=output), artefact, SETTINGS)
    try:
        return process.score(WINDOWS)
    finally:
        process.close()


def test_what_scikit_learn_scores_is_what_the_server_scores() -> None:
    model = make_pipeline(StandardScaler(), IsolationForest(n_estimators=10, random_state=0)).fit(WINDOWS)
    assert served(model) == pytest.approx(-model.decision_function(WINDOWS), abs=1e-4)


def test_a_reconstruction_of_windows_is_scored_by_its_error() -> None:
    model = MLPRegressor(hidden_layer_sizes=(4,), tol=0.1, n_iter_no_change=2, random_state=0).fit(
        WINDOWS, WINDOWS
    )
    errors = np.square(model.predict(WINDOWS) - WINDOWS).mean(axis=1)
    assert served(model) == pytest.approx(errors, rel=1e-3)


def test_a_module_of_torch() -> None:
    import torch

    class Energy(torch.nn.Module):
        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            return windows.square().mean(dim=1)

    assert served(Energy()) == pytest.approx(np.square(WINDOWS).mean(axis=1), rel=1e-4)


def test_what_no_server_could_run(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(smooth())
    assert graph_of(path, WIDTH) == (smooth(), None)
    with pytest.raises(InvalidInput, match="dict: expected a model"):
        graph_of({}, WIDTH)
    with pytest.raises(InvalidInput, match="KMeans has no score_samples"):
        graph_of(KMeans(2, n_init=1).fit(WINDOWS), WIDTH)


def test_windows_of_a_frame_are_cut_by_series() -> None:
    table = pa.table(
        {
            "time": pa.array([t for t in times(100) for _ in "ab"], pa.timestamp("ns", "UTC")),
            "host": ["a", "b"] * 100,
            "value": np.stack([wave(100, seed=1), 1e6 * wave(100, seed=2)], axis=1).ravel(),
        }
    )
    http = Http("http://airis", None, 1.0)
    windows = Models(http).windows(table, WIDTH)
    http.close()
    assert windows.shape == (2 * 35, WIDTH)
    assert np.abs(windows).max() < 4
