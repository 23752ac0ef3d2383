"""The short moments in which a run must not be torn away: a request that costs money is on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class Shields:
    """All shields of a run. In peace they last as long as the work inside; after `lower`, only for a grace."""

    def __init__(self) -> None:
        self._raised: set[anyio.CancelScope] = set()

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Keep cancellation out of the block."""
        with anyio.CancelScope(shield=True) as scope:
            self._raised.add(scope)
            try:
                yield
            finally:
                self._raised.discard(scope)

    def lower(self, grace_s: float) -> None:
        """End every raised shield within `grace_s` seconds."""
        deadline = anyio.current_time() + grace_s
        for scope in self._raised:
            scope.deadline = min(scope.deadline, deadline)
