"""The settings: one frozen tree, built once, from ``AIRIS_*`` variables.

A variable's name is ``AIRIS_`` and the path of its field: ``settings.http.port`` is ``AIRIS_HTTP_PORT``.
A variable that names no field is an error that names the nearest one.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator

from airis_ray.errors import InvalidInput
from airis_ray.settings.aiops import DetectSettings, ModelSettings
from airis_ray.settings.intake import AccountSettings, IngestSettings, LogSettings
from airis_ray.settings.program import (
    DeltaSettings,
    GrpcSettings,
    HttpSettings,
    LimitSettings,
    LlmSettings,
    LoginSettings,
    SelfSettings,
    TestSettings,
)
from airis_ray.settings.replay import ReplaySettings, tenant_retentions
from airis_ray.settings.store import (
    CacheSettings,
    DiskSettings,
    RedisSettings,
    RetentionSettings,
    StoreSettings,
)
from airis_ray.settings.stream import KafkaSettings, StreamSettings
from airis_ray.settings.values import Group, SignalKind
from airis_ray.settings.watch import WatchSettings

__all__ = [
    "CacheSettings",
    "DetectSettings",
    "DiskSettings",
    "IngestSettings",
    "KafkaSettings",
    "LlmSettings",
    "ModelSettings",
    "RedisSettings",
    "ReplaySettings",
    "RetentionSettings",
    "Settings",
    "SignalKind",
    "StoreSettings",
    "StreamSettings",
    "WatchSettings",
    "described",
    "variables",
]


class Settings(Group):
    """All settings. Build with :meth:`from_env`."""

    data_dir: Path = Field(Path(".airis"), description="folder of everything that is kept on this machine")
    clickhouse_url: str | None = Field(None, description="ClickHouse to use in place of the embedded store")
    auth: Literal["enabled", "disabled"] = Field(
        "enabled", description="disabled only on a loopback listen address"
    )
    url: str | None = Field(
        None, description="AIRIS-Ray that the client and the commands ask (this machine's)"
    )
    key: SecretStr | None = Field(
        None, description="API key of the client and the commands (the admin key of the data folder)"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="level of the program's log"
    )
    http: HttpSettings = HttpSettings()
    grpc: GrpcSettings = GrpcSettings()
    store: StoreSettings = StoreSettings()
    retention: RetentionSettings = RetentionSettings()
    disk: DiskSettings = DiskSettings()
    logs: LogSettings = LogSettings()
    accounts: AccountSettings = AccountSettings()
    ingest: IngestSettings = IngestSettings()
    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    cache: CacheSettings = CacheSettings()
    stream: StreamSettings = StreamSettings()
    watch: WatchSettings = WatchSettings()
    detect: DetectSettings = DetectSettings()
    models: ModelSettings = ModelSettings()
    delta: DeltaSettings = DeltaSettings()
    replay: ReplaySettings = ReplaySettings()
    llm: LlmSettings = LlmSettings()
    limits: LimitSettings = LimitSettings()
    login: LoginSettings = LoginSettings()
    self: SelfSettings = SelfSettings()
    test: TestSettings = TestSettings()

    @model_validator(mode="after")
    def _auth_needs_loopback(self) -> Settings:
        if self.auth == "disabled" and self.http.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(
                f"AIRIS_AUTH=disabled is accepted on a loopback address only; AIRIS_HTTP_HOST is {self.http.host}"
            )
        return self

    @model_validator(mode="after")
    def _kafka_credentials(self) -> Settings:
        kafka = self.kafka
        if kafka.security_protocol.startswith("SASL") and not (kafka.sasl_username and kafka.sasl_password):
            raise ValueError(
                f"AIRIS_KAFKA_SECURITY_PROTOCOL={kafka.security_protocol} needs AIRIS_KAFKA_SASL_USERNAME and "
                "AIRIS_KAFKA_SASL_PASSWORD"
            )
        if (kafka.ssl_certificate_location is None) != (kafka.ssl_key_location is None):
            raise ValueError(
                "AIRIS_KAFKA_SSL_CERTIFICATE_LOCATION and AIRIS_KAFKA_SSL_KEY_LOCATION go together: "
                "one of them is not set"
            )
        return self

    @model_validator(mode="after")
    def _recordings_go_before_their_rows(self) -> Settings:
        most = self.retention.sessions
        for tenant, kept in tenant_retentions(self.replay.tenants).items():
            if most and kept > most:
                raise ValueError(
                    f"AIRIS_REPLAY_TENANTS: {tenant} would keep recordings for {kept:g} s, longer than the "
                    f"{most:g} s of AIRIS_RETENTION_SESSIONS; raise that one and name who keeps them for less"
                )
        return self

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises InvalidInput with one sentence that names the variable, what came and what was expected.
        """
        environ = os.environ if environ is None else environ
        known = dict(variables())
        tree: dict[str, Any] = {}
        for name, value in environ.items():
            if not name.startswith("AIRIS_"):
                continue
            if name not in known:
                raise InvalidInput(_unknown(name, list(known)))
            _put(tree, known[name], value)
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise InvalidInput(_sentence(error)) from None


def variables() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every variable's name with the path of its field."""
    for name, field in Settings.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for leaf in annotation.model_fields:
                yield f"AIRIS_{name}_{leaf}".upper(), (name, leaf)
        else:
            yield f"AIRIS_{name}".upper(), (name,)


def described(settings: Settings) -> list[dict[str, str]]:
    """Every variable with its value, default and meaning; URLs without their passwords."""
    rows = []
    for name, path in variables():
        value: Any = settings
        group: type[BaseModel] = Settings
        for step in path:
            field, value = group.model_fields[step], getattr(value, step)
            group = type(value) if isinstance(value, BaseModel) else group
        shown = _without_password("" if value is None else str(value))
        default = "" if field.default is None else str(field.default)
        rows.append(
            {"variable": name, "value": shown, "default": default, "meaning": field.description or ""}
        )
    return rows


def _put(tree: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = value


def _without_password(text: str) -> str:
    return re.sub(r"//[^@/]*@", "//***@", text)


def _unknown(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"; did you mean {nearest[0]}?" if nearest else "; `airis settings` lists those there are"
    return f"{name} is no setting of AIRIS-Ray{hint}"


def _sentence(error: ValidationError) -> str:
    parts = []
    for item in error.errors():
        name = "_".join(["AIRIS", *(str(step) for step in item["loc"])]).upper()
        message = item["msg"].removeprefix("Value error, ")
        shown = _without_password(repr(item["input"]))
        parts.append(f"{name}={shown}: {message}" if item["loc"] else message)
    return "; ".join(parts)
