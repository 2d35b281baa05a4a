"""Settings of session replay: where recordings lie, how long, what is masked in them, when a session is over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from airis_ray.settings.values import Bytes, Group, Seconds, seconds_of

_SIMPLE: Final = re.compile(
    r"(?P<tag>[A-Za-z][\w-]*)?(?:(?P<mark>[.#])(?P<name>[\w-]+)|\[(?P<key>[\w:.-]+)(?:=\"?(?P<value>[^\"\]]*)\"?)?\])?"
)


def _checked_selectors(text: str) -> str:
    for item in filter(None, map(str.strip, text.split(","))):
        if not _SIMPLE.fullmatch(item):
            raise ValueError(
                f"expected tag, .class, #id or [attribute=value], alone or behind a tag, got {item!r}; "
                "combinators are not understood"
            )
    return text


def _checked_patterns(text: str) -> str:
    if not text.split():
        return text
    import re2  # most processes never need it

    options = re2.Options()
    options.log_errors = False
    for item in text.split():
        try:
            found = re2.compile(item, options)
        except re2.error as error:
            (reason,) = error.args
            raise ValueError(f"{item!r} is no regular expression of RE2: {reason.decode()}") from None
        if found.match(""):
            raise ValueError(f"{item!r} matches the empty text")
    return text


def _checked_tenants(text: str) -> str:
    tenant_retentions(text)
    return text


@lru_cache(maxsize=64)
def tenant_retentions(text: str) -> Mapping[str, float]:
    """``acme=7d,globex=3d`` as seconds by tenant."""
    stated: dict[str, float] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        tenant, equals, duration = item.rpartition("=")
        if not equals or not tenant or not tenant.isprintable():
            raise ValueError(f"expected tenant=duration, got {item!r}")
        stated[tenant] = seconds_of(duration)
        if not stated[tenant]:
            raise ValueError(f"{item}: expected a duration above 0")
    return stated


class ReplaySettings(Group):
    """Recordings of browser sessions."""

    url: str | None = Field(
        None,
        description="where blocks lie: a folder, or the address of an object store as fsspec takes it (the folder "
        "replay of the data folder)",
    )
    max_bytes: Bytes = Field(64 * 2**20, gt=0, description="size of one session, before compression")
    max_length: Seconds = Field(3 * 3600.0, gt=0, description="longest time from a session's first event")
    max_idle: Seconds = Field(900.0, gt=0, description="longest pause in a session; past it a new one begins")
    tenants: Annotated[str, AfterValidator(_checked_tenants)] = Field(
        "",
        description="tenants whose recordings are kept for less than AIRIS_RETENTION_SESSIONS, acme=7d,globex=3d",
    )
    mask_inputs: bool = Field(True, description="replace the values of inputs by asterisks")
    mask_text: bool = Field(
        True, description="replace e-mail addresses, card and resident-registration numbers by asterisks"
    )
    mask_selectors: Annotated[str, AfterValidator(_checked_selectors)] = Field(
        "", description="elements whose text is masked: tag, .class, #id, [attribute=value], by commas"
    )
    mask_patterns: Annotated[str, AfterValidator(_checked_patterns)] = Field(
        "",
        description="regular expressions (RE2) whose matches are masked, separated by blanks (\\s for a blank)",
    )
    dead_click: Seconds = Field(
        3.0, gt=0, le=60.0, description="a click after which nothing happens for so long is dead"
    )
    interval: Seconds = Field(1.0, gt=0, description="how often the list of sessions is brought up to date")
    sweep: Seconds = Field(3600.0, gt=0, description="time between two looks for recordings that are too old")

    def selectors(self) -> list[dict[str, str]]:
        """The parts of each selector: ``tag``, ``mark`` (``.`` or ``#``) with ``name``, ``key`` with ``value``."""
        items = filter(None, map(str.strip, self.mask_selectors.split(",")))
        found = (_SIMPLE.fullmatch(item) for item in items)
        return [{k: v for k, v in match.groupdict().items() if v is not None} for match in found if match]

    def kept(self, tenant: str, otherwise: float) -> float:
        """The seconds for which a tenant's recordings are kept (0: for ever); ``otherwise`` is everybody's."""
        return tenant_retentions(self.tenants).get(tenant, otherwise)
