"""What a second of video costs, and what it counts for a cap."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kfpipe.catalogue import shipped
from kfpipe.manifest.model import PriceLine
from kfpipe.takes.prices import price_list

WAN = "wan2.7-i2v"
CHEAP, DEAR = Decimal("0.0001"), Decimal(9)


def line(amount: Decimal, *, in_manifest: bool, model: str = WAN) -> PriceLine:
    path = ("prices", model, "720P") if in_manifest else ()
    return PriceLine(model=model, resolution="720P", amount=amount, path=path)


def prices(*lines: PriceLine, model: str = WAN, region: str = "beijing") -> tuple[Decimal | None, Decimal | None]:
    """The price that is shown, and the one that counts for a cap."""
    known = shipped()
    made, findings = price_list(lines, known, known.regions[region])
    assert not findings
    found = known.models[model]
    return made.per_second(found, "720P"), made.per_second_for_cap(found, "720P")


def test_no_price_of_a_manifest_loosens_a_cap() -> None:
    shown, counted = prices(line(CHEAP, in_manifest=True))
    assert shown == CHEAP
    assert counted == prices()[0]


def test_a_dearer_price_of_a_manifest_counts() -> None:
    assert prices(line(DEAR, in_manifest=True)) == (DEAR, DEAR)


def test_the_command_line_alone_makes_it_cheaper() -> None:
    assert prices(line(CHEAP, in_manifest=False)) == (CHEAP, CHEAP)
    assert prices(line(DEAR, in_manifest=True), line(CHEAP, in_manifest=False)) == (CHEAP, CHEAP)


@pytest.mark.parametrize("in_manifest", [True, False])
def test_where_no_price_is_published_the_one_that_is_given_counts(in_manifest: bool) -> None:
    model = "wan2.2-kf2v-flash"
    assert prices(model=model, region="singapore") == (None, None)
    assert prices(line(CHEAP, in_manifest=in_manifest, model=model), model=model, region="singapore") == (CHEAP, CHEAP)
