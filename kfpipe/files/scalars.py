"""Numbers, sums of money and times as text, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache


def decimal_text(amount: Decimal | None) -> str | None:
    """An amount as decimal text, never in exponent form."""
    return None if amount is None else f"{amount:f}"


def exact_amount(amount: Decimal) -> str:
    """At least two decimals, and as many as it takes to lose nothing: `2.50`, `0.075`."""
    exact = f"{amount.normalize():f}"
    return f"{amount:.2f}" if len(exact.partition(".")[2]) <= 2 else exact


def parse_decimal(text: str | None) -> Decimal | None:
    """The inverse of `decimal_text`. Raises decimal.InvalidOperation."""
    return None if text is None else exact_decimal(text)


@lru_cache(maxsize=4096)  # a large lockfile says few amounts many times
def exact_decimal(text: str) -> Decimal:
    """The same of an amount that is known. Raises decimal.InvalidOperation."""
    return Decimal(text)


def time_text(moment: datetime) -> str:
    """UTC, in milliseconds: `2026-11-20T10:36:58.394Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """The inverse of `time_text`: aware, in UTC. Raises ValueError."""
    return datetime.fromisoformat(text)
