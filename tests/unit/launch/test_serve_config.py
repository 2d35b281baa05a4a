"""Serve drops unknown keys of its configuration in silence, so we compare them with its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import (
    DeploymentSchema,
    HTTPOptionsSchema,
    LoggingConfig,
    RayActorOptionsSchema,
    ServeApplicationSchema,
    ServeDeploySchema,
    gRPCOptionsSchema,
)

ROOT = Path(__file__).parents[3]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))


def _unknown(keys: dict[str, Any], model: type[BaseModel]) -> set[str]:
    return set(keys) - set(model.model_fields)


def test_serve_accepts_it() -> None:
    ServeDeploySchema.model_validate(CONFIG)


def test_no_key_is_unknown_to_serve() -> None:
    assert not _unknown(CONFIG, ServeDeploySchema)
    assert not _unknown(CONFIG["http_options"], HTTPOptionsSchema)
    assert not _unknown(CONFIG["grpc_options"], gRPCOptionsSchema)
    assert not _unknown(CONFIG["logging_config"], LoggingConfig)
    for application in CONFIG["applications"]:
        assert not _unknown(application, ServeApplicationSchema)
        for deployment in application["deployments"]:
            assert not _unknown(deployment, DeploymentSchema)
            assert not _unknown(deployment["ray_actor_options"], RayActorOptionsSchema)
            assert not _unknown(deployment.get("autoscaling_config", {}), AutoscalingConfig)


@pytest.mark.parametrize("application", CONFIG["applications"], ids=lambda application: application["name"])
def test_every_deployment_is_bounded_and_fits_two_cores(application: dict[str, Any]) -> None:
    for deployment in application["deployments"]:
        assert deployment["max_ongoing_requests"] > 5, "Serve's default of 5 starves an asynchronous service"
        assert deployment["max_queued_requests"] > 0
        assert deployment["ray_actor_options"]["num_cpus"] < 1


def test_it_listens_on_loopback() -> None:
    assert CONFIG["http_options"]["host"] == "127.0.0.1"
