"""The task list is believed as long as the service's word on single tasks agrees with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kfpipe.runner.list_trust import LAGS, OMITS, OMITTED_MOST, STALE_MOST, ListTrust


def test_an_ended_task_may_be_listed_for_a_little_longer() -> None:
    trust = ListTrust()
    for number in range(2 * STALE_MOST):
        trust.ended_while_listed(f"t{number}", 10.0)
    trust.read({f"t{number}" for number in range(2 * STALE_MOST)}, began_s=10.9, tolerance_s=1.0)
    trust.read(set(), began_s=12.0, tolerance_s=1.0)
    trust.read({"t1"}, began_s=20.0, tolerance_s=1.0)
    assert trust.complaint is None


def test_each_task_that_goes_on_being_listed_counts_once() -> None:
    trust = ListTrust()
    for number in range(STALE_MOST):
        assert trust.complaint is None
        trust.ended_while_listed(f"t{number}", 10.0)
        for began_s in (12.0, 13.0, 14.0):
            trust.read({f"t{number}"}, began_s=began_s, tolerance_s=1.0)
    assert trust.complaint == LAGS


def test_a_few_omissions_among_many_agreements_are_forgiven() -> None:
    trust = ListTrust()
    for _ in range(OMITTED_MOST):
        trust.left_out()
    assert trust.complaint == OMITS
    for _ in range(4 * OMITTED_MOST):
        trust.left_and_ended()
    assert trust.complaint is None


@given(
    lag_s=st.floats(0, 30),
    tolerance_s=st.floats(1, 20),
    ends_s=st.lists(st.floats(0, 40), min_size=STALE_MOST, max_size=20),
)
def test_only_a_list_that_lags_by_more_than_is_tolerated_is_called_late(
    lag_s: float, tolerance_s: float, ends_s: list[float]
) -> None:
    """Each task's end is found by a query as it happens; the list, read twice a second, shows it `lag_s` later."""
    trust, told = ListTrust(), set[int]()
    for half in range(200):
        now_s = half / 2
        for number, end_s in enumerate(ends_s):
            if end_s <= now_s and number not in told:
                told.add(number)
                trust.ended_while_listed(str(number), end_s)
        listed = {str(number) for number, end_s in enumerate(ends_s) if end_s > now_s - lag_s}
        trust.read(listed, began_s=now_s, tolerance_s=tolerance_s)
    if lag_s <= tolerance_s:
        assert trust.complaint is None
    if lag_s > tolerance_s + 0.5:
        assert trust.complaint == LAGS
