"""Numbers as a person reads and types them: money, counts, sizes, spans of time."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from kfpipe.errors import Refused
from kfpipe.files.scalars import exact_amount

_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)


@lru_cache(maxsize=256)
def amount_text(amount: Decimal) -> str:
    """At least two decimals, and as many as it takes to lose nothing: `2.50`, `0.075`."""
    return exact_amount(amount)


def money_text(amount: Decimal, currency: str) -> str:
    """`USD 2.50`."""
    return f"{currency} {amount_text(amount)}"


def parse_amount(text: str, option: str) -> Decimal:
    """An amount that a person gave for `option`. Raises Refused."""
    if not _AMOUNT.fullmatch(text):
        raise Refused.because(option, f"'{text}' is not an amount", expected="a number such as 2.50")
    return Decimal(text)


def billed_otherwise(billed_seconds: Decimal, asked_seconds: int) -> str:
    """What to say of a clip that was billed for another length than was asked for."""
    return f"billed for {billed_seconds.normalize():f} s, not the {asked_seconds} s asked for"


def counted(count: int, noun: str) -> str:
    """`1 take`, `5 takes`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size_text(size_bytes: int) -> str:
    """`940 B`, `12.4 kB`, `3.1 MB`."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def span_text(seconds: float) -> str:
    """`42 s`, `3 min 05 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
