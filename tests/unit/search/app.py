"""The applications of search and analytics over a store, and callers of any tenant."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import numpy as np

from airis_ray.analytics.app import create_app as create_analytics
from airis_ray.search.app import create_app
from airis_ray.search.embedding import Embedder
from airis_ray.settings import Settings
from airis_ray.store import Store
from airis_ray.web.auth import Guard, Principal, Scope


class AnyTenant:
    """A key ring to which every key is the reader of the tenant of that name."""

    async def verify(self, key: str) -> Principal | None:
        return Principal(key, key, frozenset({Scope.READ}))


class Letters:
    """Vectors of letter pairs: enough of a meaning for tests that are not about the model."""

    def query(self, text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        vector = np.zeros(64, dtype=np.float32)
        for first, second in itertools.pairwise(text):
            vector[(ord(first) * 31 + ord(second)) % 64] += 1
        return vector / (np.linalg.norm(vector) or 1)

    def passages(self, texts: Any) -> dict[str, Any]:
        return {text: self.query(text) for text in texts}


class Applications:
    """Sends to whichever application has the path, as Serve does."""

    def __init__(
        self, store: Store, clock: Callable[[], int], embedder: Embedder | None = None, **settings: Any
    ) -> None:
        made = Settings.model_validate({"limits": {"requests_per_minute": 10**9}, **settings})
        guard = Guard(made, AnyTenant())
        analytics = create_analytics(made, store, guard, clock)
        self._apps = {
            "/api/analytics": analytics,
            "/api/search": create_app(
                made,
                store,
                guard,
                clock,
                applications={"/api/analytics": analytics},
                embedder=embedder or Letters(),
            ),
        }

    async def send(self, method: str, path: str, body: Mapping[str, Any], tenant: str) -> tuple[int, Any]:
        """Status and JSON of a call."""
        prefix = next(each for each in self._apps if path.startswith(f"{each}/"))
        transport = httpx.ASGITransport(self._apps[prefix], root_path=prefix, raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {tenant}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://airis", headers=headers) as client:
            sent: dict[str, Any] = {"json": dict(body)} if method == "POST" else {"params": dict(body)}
            answer = await client.request(method, path, **sent)
            return answer.status_code, answer.json()
