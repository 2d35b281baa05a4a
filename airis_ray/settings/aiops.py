"""Settings of detection and forecasts: where tensors are computed, and the models that users register."""

from __future__ import annotations

from pydantic import Field

from airis_ray.settings.values import Bytes, Group, Seconds


class DetectSettings(Group):
    """How detection computes."""

    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="where tensors are computed: cpu, cuda, cuda:1; auto takes the first GPU that is there",
    )


class ModelSettings(Group):
    """Models that users register (``/api/aiops/models``)."""

    url: str | None = Field(
        None,
        description="where models are kept, as fsspec writes it, such as s3://bucket/models; unset: the data folder",
    )
    max_bytes: Bytes = Field(8 * 2**20, gt=0, description="size of one model, at most")
    per_tenant: int = Field(50, gt=0, description="versions of models that a tenant may keep")
    loaded: int = Field(
        4, gt=0, description="models that one replica holds ready, each in a process of its own"
    )
    memory: Bytes = Field(1 * 2**30, ge=2**26, description="memory that one model's process may take")
    timeout: Seconds = Field(20.0, gt=0, le=100, description="longest that a model computes at a time")
    check_timeout: Seconds = Field(
        60.0, gt=0, le=110, description="longest that the checks of a new model take, all together"
    )
