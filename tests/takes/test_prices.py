"""What a second of video costs, and what it counts for a cap."""

from __future__ import annotations

from dataclasses import replace
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


def test_where_sound_has_a_price_of_its_own_both_can_be_given() -> None:
    known = shipped()
    kling = known.models["kling/kling-v3-video-generation"]
    one = PriceLine(model=kling.name, resolution="720P", amount=Decimal("0.70"), path=("prices", kling.name, "720P"))
    made, (warning,) = price_list([one], known, known.regions["beijing"])
    assert "depends on sound: this one counts for both" in warning.what
    assert warning.expected == "`720P: {silent: AMOUNT, sound: AMOUNT}`"
    assert [str(made.per_second(kling, "720P", sound=sound)) for sound in (False, True)] == ["0.70", "0.70"]
    assert str(made.per_second_for_cap(kling, "720P", sound=True)) == "0.90"  # a manifest loosens no cap
    both = [replace(one, sound=False), replace(one, sound=True, amount=Decimal("1.10"))]
    made, findings = price_list(both, known, known.regions["beijing"])
    assert not findings
    assert [str(made.per_second(kling, "720P", sound=sound)) for sound in (False, True)] == ["0.70", "1.10"]
    _, findings = price_list([replace(one, model="wan3.0-video")], known, known.regions["beijing"])
    assert not findings
