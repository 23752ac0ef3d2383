"""The emulator's time of day, which may run faster than the wall's."""

import time


class Clock:
    """Virtual seconds since the epoch: real now at first, then `factor` virtual seconds for each real one.

    `advance` jumps ahead, so that a test sees the next day without waiting for it; `stop` holds it for good.
    """

    def __init__(self, factor: float = 1.0) -> None:
        if not factor > 0:
            raise ValueError("a clock factor is a positive number of virtual seconds per real second")
        self.factor = factor
        self._epoch_s = time.time()
        self._started_s = time.monotonic()
        self._stopped_s: float | None = None

    def now(self) -> float:
        return self._epoch_s + (self.real_s() - self._started_s) * self.factor

    def real_s(self) -> float:
        """Real seconds, from any beginning, that `advance` leaves alone."""
        return time.monotonic() if self._stopped_s is None else self._stopped_s

    def advance(self, seconds: float) -> None:
        self._epoch_s += seconds

    def stop(self) -> None:
        self._stopped_s = self._stopped_s or time.monotonic()
