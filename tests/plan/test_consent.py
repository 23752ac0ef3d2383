"""What a run may spend without asking anybody."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from kfpipe.media.facts import DiskFacts
from kfpipe.plan import consent
from kfpipe.plan.consent import Granted, Withheld
from kfpipe.plan.decide import make
from kfpipe.plan.model import PlanFacts
from tests.support.makers import NOW, request, take

WALK = take("walk", request=request(prompt="It walks."))
FREE, PRICED, UNKNOWN = [], [take("kitten"), WALK], [take("kitten"), replace(WALK, unit_price=None)]


def plan_of(takes, **facts):
    known = PlanFacts(records={}, disk=DiskFacts(clips={}), region="singapore", now=NOW)
    return replace(make(takes, known, currency="USD", output_dir="renders"), **facts)


@pytest.mark.parametrize(
    ("takes", "cap", "charged", "answer"),
    [
        (PRICED, "1.00", True, Granted(cap=Decimal("1.00"))),
        (PRICED, "0.99", True, Withheld(cap=Decimal("1.00"))),
        (PRICED, None, True, Withheld(cap=Decimal("1.00"))),
        (PRICED, None, False, Granted(cap=None)),
        (PRICED, "0.99", False, Withheld(cap=Decimal("1.00"))),
        (UNKNOWN, "9.00", True, Withheld(cap=None)),
        (UNKNOWN, None, False, Granted(cap=None)),
        (UNKNOWN[1:], None, True, Withheld(cap=None)),
        (FREE, None, True, Granted(cap=Decimal(0))),
    ],
)
def test_only_what_fits_an_agreed_cap_is_spent_unasked(takes, cap, charged, answer) -> None:
    assert consent.asked(plan_of(takes), cap=cap and Decimal(cap), charged=charged) == answer


def test_what_is_under_way_counts_for_the_cap() -> None:
    plan = plan_of(PRICED, under_way=Decimal("0.25"))
    assert consent.asked(plan, cap=Decimal("1.24"), charged=True) == Withheld(cap=Decimal("1.25"))
    assert consent.asked(plan, cap=Decimal("1.25"), charged=True) == Granted(cap=Decimal("1.25"))
    assert consent.asked(plan_of(FREE, under_way=Decimal("0.25")), cap=None, charged=True) == Granted(
        cap=Decimal("0.25")
    )


@pytest.mark.parametrize(
    ("cap", "total", "most"),
    [(None, None, None), ("2", None, "2"), ("2", "9", "2"), ("2", "4", "1"), (None, "4", "1"), ("2", "3", "0")],
)
def test_what_is_on_record_counts_for_the_total_and_the_lower_limit_holds(cap, total, most) -> None:
    plan = plan_of(PRICED, on_record=Decimal("3.00"))
    limit = consent.limit(plan, cap=cap and Decimal(cap), total=total and Decimal(total))
    assert limit == (most and Decimal(most))
    assert consent.limit(plan, cap=None, total=Decimal(1)) == 0
