"""Whoever wants how much when: the runs of an account never hold more than its limit, and share it fairly."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from kfpipe.lock.book.sharing import EVERY_MODEL, LimitKind, Share, allowed, dealt

RUNS = "abcd"


def share(run: str, *, places: int, scope: str = "wan", held: int = 0, wanted: int = 0, busy: int = 0) -> Share:
    return Share(run=run, kind=LimitKind.TASKS, scope=scope, places=places, held=held, wanted=wanted, busy=busy)


def settled(shares: dict[str, Share], run: str, left: int, turn: int) -> None:
    """One run asks the book, which writes down what it is given."""
    own, others = shares[run], [other for name, other in shares.items() if name != run]
    may_use = allowed(own, others, {"wan": left}, turn)
    shares[run] = replace(own, held=max(may_use, own.busy))


acts = st.lists(
    st.tuples(st.sampled_from(RUNS), st.integers(0, 12), st.floats(0, 1), st.integers(0, 9)), min_size=1, max_size=60
)


@given(
    places=st.integers(1, 9),
    scopes=st.lists(st.sampled_from(["wan", EVERY_MODEL]), min_size=len(RUNS), max_size=len(RUNS)),
    left=st.integers(0, 3),
    acts=acts,
)
def test_all_runs_together_never_hold_more_than_the_limit(
    places: int, scopes: list[str], left: int, acts: list[tuple[str, int, float, int]]
) -> None:
    shares = {run: share(run, places=places, scope=scope) for run, scope in zip(RUNS, scopes, strict=True)}
    for run, wanted, part_busy, turn in acts:
        own = shares[run]
        busy = round(own.held * part_busy)
        shares[run] = replace(own, wanted=max(wanted, busy), busy=busy)
        settled(shares, run, left, turn)
        assert shares[run].held >= busy
        assert sum(one.held for one in shares.values()) <= max(places - left, 0)


@example(places=8, wanted=[1, 2, 3, 3], first=0)
@given(places=st.integers(1, 12), wanted=st.lists(st.integers(0, 15), min_size=1, max_size=4), first=st.integers(0, 9))
def test_in_a_round_of_turns_all_get_the_same_unless_they_want_less(places: int, wanted: list[int], first: int) -> None:
    names = {(run, "wan"): want for run, want in zip(RUNS, wanted, strict=False)}
    got = dict.fromkeys(names, 0)
    in_turn = sum(want > 0 for want in wanted)
    for turn in range(first, first + in_turn):
        hands = dealt(names, places, turn)
        assert sum(hands.values()) == min(places, sum(wanted))
        got = {name: count + hands[name] for name, count in got.items()}
    full = max(got.values())
    assert all(got[name] >= full - 1 or got[name] == want * in_turn for name, want in names.items())


@given(places=st.integers(1, 9), wanted=st.lists(st.integers(0, 12), min_size=2, max_size=4), turn=st.integers(0, 9))
def test_what_is_free_goes_to_those_who_want_it_within_two_rounds(places: int, wanted: list[int], turn: int) -> None:
    shares = {run: share(run, places=places, wanted=want) for run, want in zip(RUNS, wanted, strict=False)}
    shares["a"] = replace(shares["a"], held=places)
    for run in [*shares] * 2:
        settled(shares, run, 0, turn)
    target = dealt({one.name: one.wanted for one in shares.values()}, places, turn)
    assert all(one.held >= target[one.name] for one in shares.values())


def test_the_lowest_limit_of_the_runs_at_work_counts() -> None:
    own, other = share("a", places=20, wanted=20), share("b", places=5, scope=EVERY_MODEL, held=3, wanted=3)
    assert allowed(own, [other], {}, 0) == 2


def test_what_a_run_of_another_model_holds_is_no_concern() -> None:
    own, other = share("a", places=5, wanted=5), share("b", places=5, scope="kling", held=5, wanted=5)
    assert allowed(own, [other], {}, 0) == 5


def test_places_of_a_run_that_has_ended_are_nobodys_for_a_moment() -> None:
    own, ended = share("a", places=5, wanted=5), replace(share("b", places=5, held=3), is_over=True)
    assert allowed(own, [ended], {}, 0) == 2
