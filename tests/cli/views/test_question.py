"""Whether a run may spend, and up to where."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kfpipe.cli.views.question import Question, consent_to
from kfpipe.domain import Take
from kfpipe.plan.consent import Granted
from tests.support.makers import take
from tests.support.planned import planned

PRICED = [take("kitten"), take("walk")]
UNPRICED = [take("kitten"), take("walk", unit_price=None)]


def test_an_estimate_within_the_cap_needs_no_question_and_the_cap_holds() -> None:
    assert consent_to(planned(PRICED), cap=Decimal(1), charged=True) == Granted(cap=Decimal(1))


def test_the_emulator_charges_nothing_so_that_nobody_is_asked() -> None:
    assert consent_to(planned(UNPRICED), cap=None, charged=False) == Granted(cap=None)


def test_a_budget_is_rehearsed_with_the_emulator_too() -> None:
    assert isinstance(consent_to(planned(PRICED), cap=Decimal("0.5"), charged=False), Question)


def test_a_plan_that_spends_nothing_may_spend_nothing() -> None:
    assert consent_to(planned([]), cap=None, charged=True) == Granted(cap=Decimal(0))


@pytest.mark.parametrize(
    ("takes", "cap", "text", "agreed"),
    [
        (PRICED, None, "Render 2 clips for USD 1.00?", Decimal("1.00")),
        (
            PRICED,
            Decimal("0.75"),
            "Render 2 clips for USD 1.00, USD 0.25 over the budget of USD 0.75?",
            Decimal("1.00"),
        ),
        (UNPRICED, None, "Render 2 clips for USD 0.50 and an unknown price (wan2.7-i2v:720P: 1 clip)?", None),
        (
            UNPRICED,
            Decimal(100),
            "Render 2 clips for USD 0.50 and an unknown price (wan2.7-i2v:720P: 1 clip), "
            "possibly over the budget of USD 100.00?",
            None,
        ),
    ],
)
def test_anything_else_is_a_question_that_names_the_price(
    takes: list[Take], cap: Decimal | None, text: str, agreed: Decimal | None
) -> None:
    asked = consent_to(planned(takes), cap=cap, charged=True)
    assert isinstance(asked, Question)
    assert (asked.text, asked.cap) == (text, agreed)
