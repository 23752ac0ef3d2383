"""What has changed since a commit, in words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kfpipe.cli.views import diff as diff_view
from kfpipe.plan.compare import Comparison, Price, Revision

PAST = Revision(name="main", commit="0123456789abcdef", takes=(), records={})


def comparison(before: str, after: str, unpriced: int = 0) -> Comparison:
    return Comparison(
        past=PAST,
        changes=(),
        unchanged=0,
        before=Price(cost=Decimal(before), unpriced=0),
        after=Price(cost=Decimal(after), unpriced=unpriced),
    )


@pytest.mark.parametrize(
    ("compared", "text"),
    [
        (comparison("1.20", "1.60"), "USD 1.20 -> USD 1.60 (+0.40)"),
        (comparison("1.20", "0.825"), "USD 1.20 -> USD 0.825 (-0.375)"),
        (comparison("1.20", "1.20"), "USD 1.20"),
        (comparison("1.20", "1.20", 2), "USD 1.20 -> USD 1.20 and 2 clips at an unknown price"),
    ],
)
def test_the_price_of_all_takes_shows_what_is_added_where_that_is_known(compared: Comparison, text: str) -> None:
    assert diff_view.summary(compared, "USD") == [
        "since main (01234567): no takes",
        f"  cost of rendering every take once: {text}",
    ]
