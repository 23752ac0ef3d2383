"""The bill: every finished clip, what it cost, and what was paid for twice."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kfpipe.emulator.prices import Tariff
from kfpipe.emulator.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One billed task. `unit_price` (of a second) and `amount` are None where no price is known."""

    account: str
    task_id: str
    model: str
    prompt: str | None
    resolution: str
    seconds: int
    unit_price: Decimal | None
    amount: Decimal | None
    currency: str
    request_digest: str
    created: float  # virtual epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    charges: tuple[Charge, ...]
    currency: str

    @property
    def total(self) -> Decimal:
        return sum((charge.amount for charge in self.charges if charge.amount is not None), Decimal(0))

    @property
    def seconds(self) -> int:
        return sum(charge.seconds for charge in self.charges)

    @property
    def duplicates(self) -> dict[str, int]:
        """How often each request was paid for, of those paid for more than once, by digest."""
        counts = Counter(charge.request_digest for charge in self.charges)
        return {digest: count for digest, count in counts.items() if count > 1}

    def to_json(self) -> dict[str, Any]:
        return {
            "tasks": [_charge_to_json(charge) for charge in self.charges],
            "count": len(self.charges),
            "seconds": self.seconds,
            "total": str(self.total),
            "currency": self.currency,
            "duplicates": self.duplicates,
            "duplicate_count": sum(count - 1 for count in self.duplicates.values()),
        }


def charge(task: Task, tariff: Tariff) -> Charge:
    """What a succeeded task costs."""
    assert task.order is not None
    unit_price = tariff.unit_price(task.model.name, task.order.tier, has_sound=task.order.has_sound)
    return Charge(
        account=task.account,
        task_id=task.id,
        model=task.model.name,
        prompt=task.prompt,
        resolution=task.order.tier,
        seconds=task.billed_seconds,
        unit_price=unit_price,
        amount=None if unit_price is None else unit_price * task.billed_seconds,
        currency=tariff.currency,
        request_digest=task.digest,
        created=task.submitted_at,
    )


def bill(succeeded: Iterable[Task], tariff: Tariff) -> Bill:
    return Bill(charges=tuple(charge(task, tariff) for task in succeeded), currency=tariff.currency)


def joined(bills: Iterable[Bill]) -> Bill:
    """Several accounts' bills, of one currency, as one: oldest first."""
    told = tuple(bills)
    charges = sorted((charge for bill in told for charge in bill.charges), key=lambda charge: charge.created)
    return Bill(charges=tuple(charges), currency=told[0].currency)


def _charge_to_json(charge: Charge) -> dict[str, Any]:
    return {
        "account": charge.account,
        "task_id": charge.task_id,
        "model": charge.model,
        "prompt": charge.prompt,
        "resolution": charge.resolution,
        "seconds": charge.seconds,
        "unit_price": None if charge.unit_price is None else str(charge.unit_price),
        "amount": None if charge.amount is None else str(charge.amount),
        "currency": charge.currency,
        "request_digest": charge.request_digest,
        "created": charge.created,
    }
