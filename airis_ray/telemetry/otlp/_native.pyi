from typing import Any

LAYOUTS: tuple[str, ...]

def decode(
    signal: int, payload: bytes, tenant: str, received_ns: int, room: int, /
) -> tuple[tuple[Any, ...], int, int, tuple[tuple[str, str], ...]] | tuple[str, int] | None: ...
def use_powers(powers: bytes, /) -> None: ...
