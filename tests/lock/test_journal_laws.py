"""A journal gives back what was recorded, or says that it cannot; it never makes anything up."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kfpipe.errors import Refused
from kfpipe.lock import journal
from kfpipe.lock.journal import Transition
from tests.support.makers import failed, rendered, submitted, submitting, succeeded

NAME = "shots.lock.json"
TRANSITIONS = st.builds(
    Transition,
    take_id=st.sampled_from(["kitten", "monster@seed=1", "café"]),
    entry=st.builds(
        lambda make, serial: make(serial=serial),
        st.sampled_from([submitting, submitted, succeeded, rendered, failed]),
        st.integers(1, 9),
    ),
)
BATCHES = st.lists(st.lists(TRANSITIONS, min_size=1, max_size=3), max_size=4)


def written(batches: list[list[Transition]]) -> bytes:
    head = journal.header(lockfile=NAME, host="desk", pid=1, started_at=datetime(2026, 11, 22, tzinfo=UTC))
    return head + b"".join(journal.line(batch) for batch in batches)


def read(content: bytes) -> list[Transition]:
    return list(journal.parsed(content, "shots.journal", lockfile=NAME))


def flat(batches: list[list[Transition]]) -> list[Transition]:
    return [one for batch in batches for one in batch]


@given(BATCHES)
def test_everything_recorded_comes_back_in_order(batches: list[list[Transition]]):
    assert read(written(batches)) == flat(batches)


@given(BATCHES, st.data())
def test_a_journal_cut_anywhere_holds_the_batches_before_the_cut(batches: list[list[Transition]], data: st.DataObject):
    content = written(batches)
    cut = data.draw(st.integers(0, len(content)))
    whole = max(content[:cut].count(b"\n") - 1, 0)
    assert read(content[:cut]) == flat(batches[:whole])


@given(BATCHES, st.data())
def test_a_flipped_bit_is_refused_or_costs_the_end_alone(batches: list[list[Transition]], data: st.DataObject):
    content = bytearray(written(batches))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = read(bytes(content))
    except Refused:
        return
    assert found == flat(batches)[: len(found)]


@given(st.binary(max_size=300))
def test_hostile_bytes_are_refused_or_hold_nothing(content: bytes):
    try:
        assert read(content) == []
    except Refused as refusal:
        assert refusal.problems
