"""What was added, removed and changed since an earlier commit."""

from __future__ import annotations

from decimal import Decimal

from kfpipe.domain import Take
from kfpipe.lock.records import Records
from kfpipe.plan.compare import Comparison, Kind, Price, Revision, compare
from tests.support.makers import parameters, record, rendered, request, take


def compared(
    before: list[Take], after: list[Take], was: Records | None = None, now: Records | None = None
) -> Comparison:
    return compare(Revision(name="main", commit="c" * 40, takes=tuple(before), records=was or {}), after, now or {})


def told(comparison: Comparison) -> list[tuple[str, Kind, list[str]]]:
    return [(one.take_id, one.kind, [each.text for each in one.differences]) for one in comparison.changes]


def test_takes_that_differ_are_in_the_order_of_the_manifest_and_those_that_went_come_last() -> None:
    longer = take("c", request=request(parameters=parameters(duration_s=8)))
    comparison = compared([take("a"), take("b"), take("c")], [take("new"), longer, take("b")])
    assert told(comparison) == [
        ("new", Kind.ADDED, []),
        ("c", Kind.CHANGED, ["duration 5 -> 8"]),
        ("a", Kind.REMOVED, []),
    ]
    assert (comparison.unchanged, comparison.count(Kind.ADDED)) == (1, 1)


def test_another_price_or_place_is_a_difference_though_the_clip_is_the_same() -> None:
    dearer = take(unit_price=Decimal("0.20"), output="clips/kitten.mp4")
    (row,) = told(compared([take()], [dearer]))
    assert row == ("kitten", Kind.CHANGED, ["cost 0.50 -> 1.00", "output renders/kitten.mp4 -> clips/kitten.mp4"])


def test_a_price_that_follows_from_the_request_is_not_reported_beside_it() -> None:
    (row,) = told(compared([take()], [take(request=request(model="wan2.2-kf2v-flash"), unit_price=None)]))
    assert row[2] == ["model wan2.7-i2v -> wan2.2-kf2v-flash"]


def test_the_record_counts_as_far_as_the_take_has_come() -> None:
    paid = {"kitten": record(rendered())}
    assert told(compared([take()], [take()], {}, paid))[0][2] == ["record absent -> rendered (task-1)"]
    assert compared([take()], [take()], paid, paid).changes == ()


def test_the_sums_leave_out_what_has_no_price_and_say_so() -> None:
    comparison = compared([take("a")], [take("a"), take("b", unit_price=None)])
    assert comparison.before == Price(cost=Decimal("0.50"), unpriced=0)
    assert comparison.after == Price(cost=Decimal("0.50"), unpriced=1)


def test_a_take_that_is_rendered_again_has_moved_on_by_its_request() -> None:
    was, now = {"kitten": record(rendered())}, {"kitten": record(rendered(number=2), rendered())}
    assert told(compared([take()], [take()], was, now))[0][2] == ["record rendered (task-1) -> rendered (task-2)"]
