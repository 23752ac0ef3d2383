"""The cap of a run: what is spent, what is reserved for tasks under way, and whether one more fits. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(slots=True, kw_only=True)
class Budget:
    """`cap` is the most that this run may cost, None for no limit. A price of None is unknown: it never fits a cap.

    `reserved` begins with what earlier runs have left under way.
    """

    cap: Decimal | None
    reserved: Decimal = Decimal(0)
    spent: Decimal = field(default=Decimal(0), init=False)

    def reserve(self, cost: Decimal | None) -> bool:
        """Set `cost` aside if it fits; False if the submission must not be sent."""
        if self.cap is not None and (cost is None or self.spent + self.reserved + cost > self.cap):
            return False
        self.reserved += cost or Decimal(0)
        return True

    def release(self, cost: Decimal | None) -> None:
        """Release what was reserved for a task that will not be billed."""
        self.reserved -= cost or Decimal(0)

    def pay(self, reserved: Decimal | None, billed: Decimal | None) -> None:
        """Replace a reservation with what was actually billed."""
        self.release(reserved)
        self.spent += billed or Decimal(0)
