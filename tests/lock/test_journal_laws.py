"""A journal gives back what was recorded, or says that it cannot; it never makes anything up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from kfpipe.errors import Refused
from kfpipe.lock import journal
from kfpipe.lock.join import Requests
from kfpipe.lock.states import Entry
from tests.support.ledgers import LEDGERS, ROUGH

NAME = "shots.lock.json"
BATCHES = st.lists(ROUGH.filter(bool), max_size=4)

Batch = Mapping[str, Entry]


def written(batches: Sequence[Batch]) -> bytes:
    head = journal.header(lockfile=NAME, host="desk", pid=1, started_at=datetime(2026, 11, 22, tzinfo=UTC))
    return head + b"".join(journal.line(batch) for batch in batches)


def read(content: bytes) -> Batch:
    return journal.parsed(content, "shots.journal", lockfile=NAME).requests


def known(batches: Sequence[Batch]) -> Batch:
    requests = Requests()
    for batch in batches:
        requests.take_in(batch.items())
    return requests.view


@settings(max_examples=60)
@given(BATCHES)
def test_everything_recorded_comes_back(batches: list[Batch]) -> None:
    assert read(written(batches)) == known(batches)


@settings(max_examples=60)
@given(st.lists(LEDGERS, max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_and_a_line_twice_change_nothing(batches: list[Batch], orders: Random) -> None:
    again = [*batches, *batches[:1]]
    orders.shuffle(again)
    assert read(written(again)) == read(written(batches))


@settings(max_examples=60)
@given(BATCHES, st.data())
def test_a_journal_cut_anywhere_holds_the_batches_before_the_cut(batches: list[Batch], data: st.DataObject) -> None:
    content = written(batches)
    cut = data.draw(st.integers(0, len(content)))
    whole = max(content[:cut].count(b"\n") - 1, 0)
    assert read(content[:cut]) == known(batches[:whole])


@settings(max_examples=60)
@given(BATCHES, st.data())
def test_a_flipped_bit_is_refused_or_costs_the_end_alone(batches: list[Batch], data: st.DataObject) -> None:
    content = bytearray(written(batches))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = read(bytes(content))
    except Refused:
        return
    assert found in [known(batches[:length]) for length in range(len(batches) + 1)]


@given(st.binary(max_size=300))
def test_hostile_bytes_are_refused_or_hold_nothing(content: bytes) -> None:
    try:
        assert read(content) == {}
    except Refused as refusal:
        assert refusal.problems
