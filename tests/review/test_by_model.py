"""What the models of a shot are compared by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from kfpipe.domain import Take
from kfpipe.lock.states import Fidelity, Rendered
from kfpipe.review import by_model
from tests.support import makers


def take_of(model: str, price: str | None) -> Take:
    unit_price = None if price is None else Decimal(price)
    return makers.take(f"lamp@model={model}", request=makers.request(model=model), unit_price=unit_price)


def clip_of(of: Take, took_s: float, fidelity: Fidelity | None) -> Rendered:
    started_at = makers.task().submitted_at
    made = makers.rendered(of, of_result=makers.result(finished_at=started_at + timedelta(seconds=took_s)))
    return replace(made, render=replace(made.render, fidelity=fidelity))


def test_a_shot_of_one_model_has_nothing_to_compare() -> None:
    takes = [by_model.seen(take_of("wan2.7-i2v", "0.10"), None, None)] * 2
    assert by_model.groups(takes) == ()


def test_a_seed_is_shown_where_the_model_has_one() -> None:
    request = makers.request(model="wan2.7-i2v")
    parameters = request.parameters
    assert by_model.seed_text(replace(request, parameters=replace(parameters, seed=7))) == "7"
    unseeded = replace(request, parameters=replace(parameters, seed=None))
    assert by_model.seed_text(unseeded) == "random"
    assert by_model.seed_text(replace(unseeded, variant=())) is None


def test_models_are_told_by_price_by_the_median_of_their_times_and_by_their_worst_ends() -> None:
    wan, kling = take_of("wan2.7-i2v", "0.15"), take_of("kling/kling-v3-video-generation", "0.10")
    told = by_model.groups(
        [
            by_model.seen(kling, None, clip_of(kling, 10, Fidelity(first=Decimal("0.98"), last=Decimal("0.70")))),
            by_model.seen(wan, None, None),
            by_model.seen(kling, None, clip_of(kling, 30, Fidelity(first=Decimal("0.91"), last=None))),
            by_model.seen(kling, None, clip_of(kling, 500, None)),
            by_model.seen(take_of("kling/kling-v3-video-generation", "0.150"), None, None),
            by_model.seen(take_of("vidu/viduq3-pro_start-end2video", None), None, None),
        ]
    )
    assert [(one.model, one.takes, one.unit_price, one.took_s, one.fidelity) for one in told] == [
        ("kling/kling-v3-video-generation", 4, "0.10 to 0.15", 30, ("0.91", "0.70")),
        ("wan2.7-i2v", 1, "0.15", None, None),
        ("vidu/viduq3-pro_start-end2video", 1, None, None, None),
    ]


def test_what_was_asked_for_counts_and_not_what_the_manifest_has_come_to() -> None:
    now, then = take_of("wan3.0-video", "0.20"), take_of("wan2.7-i2v", "0.10")
    seen = by_model.seen(now, makers.record(makers.rendered(then)), None)
    assert (seen.model, seen.unit_price) == ("wan2.7-i2v", Decimal("0.10"))
