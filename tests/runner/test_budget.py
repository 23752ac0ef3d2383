"""The purse never lets more out than the cap."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kfpipe.runner.budget import Budget


def test_what_does_not_fit_is_not_reserved() -> None:
    purse = Budget(cap=Decimal("1.00"))
    assert purse.reserve(Decimal("0.60"))
    assert not purse.reserve(Decimal("0.60"))
    assert purse.reserve(Decimal("0.40"))


def test_an_unknown_price_fits_no_cap_but_goes_without_one() -> None:
    assert not Budget(cap=Decimal(1000)).reserve(None)
    assert Budget(cap=None).reserve(None)


def test_a_failed_task_gives_its_money_back() -> None:
    purse = Budget(cap=Decimal("0.50"))
    assert purse.reserve(Decimal("0.50"))
    purse.release(Decimal("0.50"))
    assert purse.reserve(Decimal("0.50"))


def test_what_was_billed_counts_not_what_was_estimated() -> None:
    purse = Budget(cap=Decimal("1.00"))
    assert purse.reserve(Decimal("0.50"))
    purse.pay(Decimal("0.50"), Decimal("0.60"))
    assert purse.spent == Decimal("0.60")
    assert not purse.reserve(Decimal("0.50"))


@given(st.lists(st.decimals(min_value=0, max_value=3, places=2), max_size=30), st.lists(st.booleans(), min_size=30))
def test_no_order_of_reservations_and_payments_exceeds_the_cap(costs: list[Decimal], succeeds: list[bool]) -> None:
    purse = Budget(cap=Decimal("5.00"))
    for cost, success in zip(costs, succeeds, strict=False):
        if purse.reserve(cost):
            if success:
                purse.pay(cost, cost)
            else:
                purse.release(cost)
        assert purse.spent + purse.reserved <= Decimal("5.00")
