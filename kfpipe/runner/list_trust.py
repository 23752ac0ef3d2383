"""Whether the account's task list can be relied on to say which tasks are in progress: evidence, and a verdict. Pure.

How soon the list follows the tasks is not documented, nor that it shows all of them. So what it says is compared with
what single queries say, which are the service's own word on a task.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LAGS: Final = "it still shows tasks as in progress that have ended"
OMITS: Final = "it leaves out tasks that are in progress"

STALE_MOST: Final = 3
"""So many ended tasks that the list goes on showing are no coincidence."""

OMITTED_MOST: Final = 5
"""So many tasks in progress may be left out: pages move while they are read."""

_OMITTED_SHARE: Final = 0.25
_REMEMBERED_S: Final = 60.0


@dataclass(slots=True)
class ListTrust:
    """The evidence about one model's list. `ended_at_s`: when queries found tasks ended that were listed."""

    ended_at_s: dict[str, float] = field(default_factory=dict)
    stale: int = 0
    omitted: int = 0
    confirmed: int = 0

    def left_and_ended(self) -> None:
        """A task that the list no longer shows has ended."""
        self.confirmed += 1

    def left_out(self) -> None:
        """A task that the list does not show is in progress."""
        self.omitted += 1

    def ended_while_listed(self, task_id: str, now_s: float) -> None:
        """A task has ended that was listed when the list was last read. It may have ended since."""
        self.ended_at_s[task_id] = now_s

    def read(self, listed: set[str], *, began_s: float, tolerance_s: float) -> None:
        """What a reading of the list that began at `began_s` shows as in progress."""
        for task_id, ended_at_s in [*self.ended_at_s.items()]:
            if task_id in listed and began_s - ended_at_s > tolerance_s:
                self.stale += 1
            elif task_id in listed and began_s - ended_at_s < _REMEMBERED_S:
                continue
            del self.ended_at_s[task_id]

    @property
    def complaint(self) -> str | None:
        """What is wrong with the list; None as long as it can be relied on."""
        if self.stale >= STALE_MOST:
            return LAGS
        if self.omitted >= OMITTED_MOST and self.omitted > _OMITTED_SHARE * self.confirmed:
            return OMITS
        return None
