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
        (FREE, None, True, Granted(cap=Decimal(0))),
    ],
)
def test_only_what_fits_an_agreed_cap_is_spent_unasked(takes, cap, charged, answer) -> None:
    facts = PlanFacts(records={}, disk=DiskFacts(clips={}), region="singapore", now=NOW)
    plan = make(takes, facts, currency="USD", output_dir="renders")
    assert consent.asked(plan, cap=cap and Decimal(cap), charged=charged) == answer
