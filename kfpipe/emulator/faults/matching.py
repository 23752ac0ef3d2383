"""Which requests a scripted fault strikes. What it then does is in `kinds`, how it is written in `script`."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from kfpipe.emulator.faults.kinds import Act, Count, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One entry of a script. Counts start at 1; without any, every request that fits is struck."""

    on: Phase
    act: Act
    nth: Count | None = None
    every: Count | None = None
    times: Count | None = None
    model: str | None = None
    prompt_contains: str | None = None

    def fits(self, phase: Phase, model: str | None, prompt: str | None) -> bool:
        return (
            self.on is phase
            and self.model in (None, model)
            and (self.prompt_contains is None or self.prompt_contains in (prompt or ""))
        )

    def strikes(self, count: int, struck: int) -> bool:
        """Whether the `count`-th request that fits is struck, after `struck` earlier ones were."""
        if self.nth is not None and count != self.nth:
            return False
        if self.every is not None and count % self.every != 0:
            return False
        return self.times is None or struck < self.times


class Faults:
    """A script at work: it counts the requests that fit each fault. Usable from any thread."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults: list[Fault] = []
        self._counts: list[int] = []
        self._struck: list[int] = []
        self._lock = threading.Lock()
        self.add(*faults)

    def add(self, *faults: Fault) -> None:
        """Append faults; their counting starts now."""
        with self._lock:
            self._faults += faults
            self._counts += [0] * len(faults)
            self._struck += [0] * len(faults)

    def clear(self) -> None:
        with self._lock:
            self._faults, self._counts, self._struck = [], [], []

    def strike(self, phase: Phase, model: str | None, prompt: str | None) -> tuple[Act, ...]:
        """Count one request; the acts that strike it, in the script's order."""
        acts: list[Act] = []
        with self._lock:
            for index, fault in enumerate(self._faults):
                if not fault.fits(phase, model, prompt):
                    continue
                self._counts[index] += 1
                if fault.strikes(self._counts[index], self._struck[index]):
                    self._struck[index] += 1
                    acts.append(fault.act)
        return tuple(acts)
