"""Numbers as a person reads and types them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kfpipe.cli.output.amounts import counted, money_text, parse_amount, size_text, span_text
from kfpipe.errors import Refused


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "USD 0.00"), ("2.5", "USD 2.50"), ("0.075", "USD 0.075"), ("1E+2", "USD 100.00"), ("0.500", "USD 0.50")],
)
def test_money_shows_cents_and_loses_none(amount: str, text: str) -> None:
    assert money_text(Decimal(amount), "USD") == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")]
)
def test_spans_of_time_are_short(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(940, "940 B"), (12_400, "12.4 kB"), (3_100_000, "3.1 MB"), (2_500_000_000, "2.5 GB")]
)
def test_sizes_are_short(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


def test_one_of_a_kind_is_not_plural() -> None:
    assert [counted(count, "clip") for count in (0, 1, 1200)] == ["0 clips", "1 clip", "1,200 clips"]


def test_a_typed_amount_is_exact() -> None:
    assert parse_amount("12.50", "--max-cost") == Decimal("12.50")


@pytest.mark.parametrize("text", ["", "-1", "nan", "1e3", "USD 3", "1,000", "٣"])
def test_anything_else_is_no_amount(text: str) -> None:
    with pytest.raises(Refused, match="is not an amount"):
        parse_amount(text, "--max-cost")
