"""The laws of joining, over whole ledgers and the nastiest versions of their requests."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from kfpipe.lock import text as locktext
from kfpipe.lock.codec import entry_from_json, entry_to_json
from kfpipe.lock.join import Requests, join, joined
from kfpipe.lock.states import (
    NO_DOUBTS,
    Canceled,
    Doubts,
    Entry,
    Failed,
    Lock,
    Lost,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Unclear,
    result_of,
    task_of,
    tasks_of,
    versions,
)
from tests.support.ledgers import ENTRIES, KEYS, LEDGERS, ROUGH

Ledger = Mapping[str, Entry]

EXAMPLES = 60


def written(ledger: Ledger) -> bytes:
    return b"".join(locktext.pieces(Lock(requests=ledger)))


def facts(ledger: Ledger) -> Iterator[tuple[str, ...]]:
    """What is known, as far as it can only grow: whatever a task is on record for, it stays that task's."""
    for key, entry in ledger.items():
        yield "request", key
        if entry.asked.account is not None:
            yield "account", key
            yield from [("key", key)] if entry.asked.account.key else []
        if entry.doubts.given_up_at is not None or (isinstance(entry, Lost) and entry.task is None):
            yield "given up", key
        yield from (("known", task_id) for task_id in entry.doubts.candidates)
        yield from (("candidate", key, task_id) for task_id in entry.doubts.candidates)
        for version in versions(entry):
            yield from _task_facts(version)


def _task_facts(version: Entry) -> Iterator[tuple[str, ...]]:
    task, result = task_of(version), result_of(version)
    if task is None:
        return
    yield "known", task.task_id
    yield "owned", task.task_id
    if task.request_id is not None:
        yield "receipt", task.task_id
    if result is not None:
        yield "delivered", task.task_id
        yield from [("prompt", task.task_id)] if result.actual_prompt else []
        yield from [("refused", task.task_id, result.refused.path)] if result.refused else []
    if isinstance(version, Rendered):
        yield "clip", task.task_id, version.render.sha256
        yield from [("codec", task.task_id, version.render.sha256)] if version.render.codec else []


def costs(ledger: Ledger) -> dict[str, tuple[object, ...]]:
    """The most that each task is said to have cost, with the life of its link and the moves of its clips."""
    found: dict[str, tuple[object, ...]] = {}
    for entry in ledger.values():
        for version in versions(entry):
            task, result = task_of(version), result_of(version)
            if task is not None and result is not None:
                said = (result.cost is not None, result.cost or 0)
                found[task.task_id] = max(found.get(task.task_id, said), said)
    return found


def lives(ledger: Ledger) -> dict[str, object]:
    return {
        task.task_id: result.url_expires_at
        for entry in ledger.values()
        for version in versions(entry)
        if (task := task_of(version)) and (result := result_of(version))
    }


def rank(entry: Entry) -> int:
    """How far the request is, in the order of the module."""
    if task_of(entry) is not None:
        return 10 + [Submitted, Lost, Canceled, Failed, Succeeded, Rendered].index(type(entry))
    return 3 if isinstance(entry, Lost) else [Submitting, Failed, Unclear].index(type(entry))


@settings(max_examples=EXAMPLES)
@given(LEDGERS, LEDGERS)
def test_nobody_can_tell_which_side_was_called_ours(one: Ledger, other: Ledger) -> None:
    assert join(one, other) == join(other, one)
    assert written(join(one, other)) == written(join(other, one))


@settings(max_examples=EXAMPLES)
@given(LEDGERS, LEDGERS, LEDGERS)
def test_nobody_can_tell_which_were_joined_first(one: Ledger, other: Ledger, third: Ledger) -> None:
    assert join(join(one, other), third) == join(one, join(other, third))


@settings(max_examples=EXAMPLES)
@given(LEDGERS, LEDGERS)
def test_what_is_joined_again_changes_nothing(one: Ledger, other: Ledger) -> None:
    both = join(one, other)
    assert join(one, one) == one
    assert join(both, both) == join(one, both) == join(both, one) == join(other, both) == both


@settings(max_examples=EXAMPLES)
@given(LEDGERS, LEDGERS)
def test_nothing_that_is_known_is_forgotten(one: Ledger, other: Ledger) -> None:
    both = join(one, other)
    for side in (one, other):
        assert set(facts(side)) <= set(facts(both))
        assert all(cost <= costs(both)[task_id] for task_id, cost in costs(side).items())
        assert all(life <= lives(both)[task_id] for task_id, life in lives(side).items())  # type: ignore[operator]
        for key, entry in side.items():
            lost = tasks_of(entry) - tasks_of(both[key])
            assert lost <= both[key].doubts.candidates
            assert lost or rank(both[key]) >= rank(entry)


@settings(max_examples=EXAMPLES)
@given(LEDGERS, LEDGERS, LEDGERS)
def test_no_task_has_two_owners_and_kfpipe_reads_what_it_writes(one: Ledger, other: Ledger, third: Ledger) -> None:
    all_of_them = join(join(one, other), third)
    owned = [task_id for entry in all_of_them.values() for task_id in tasks_of(entry)]
    assert len(owned) == len(set(owned))
    assert locktext.parsed(written(all_of_them), "shots.lock.json").requests == all_of_them


@settings(max_examples=EXAMPLES)
@given(st.lists(LEDGERS, min_size=2, max_size=5), st.integers(0, 1 << 30))
def test_any_number_of_ledgers_in_any_order_and_as_often_as_one_likes_have_the_same_bytes(
    ledgers: Sequence[Ledger], chance: int
) -> None:
    orders = random.Random(chance)
    expected = _all_of(ledgers)
    for _ in range(3):
        again = [*ledgers, *orders.choices(ledgers, k=2)]
        orders.shuffle(again)
        assert _all_of(again) == expected
        half = orders.randrange(1, len(again))
        parts = [_joined(again[:half]), _joined(again[half:])]
        assert _all_of(parts) == expected


def _joined(ledgers: Sequence[Ledger]) -> Ledger:
    found: Ledger = {}
    for one in ledgers:
        found = join(found, one)
    return found


def _all_of(ledgers: Sequence[Ledger]) -> bytes:
    return written(_joined(ledgers))


@settings(max_examples=EXAMPLES // 2)
@given(ROUGH)
def test_a_file_in_which_tasks_have_two_owners_is_put_right_in_whatever_order_it_is_read(rough: Ledger) -> None:
    assert written(Requests(rough).view) == written(Requests(dict(reversed(list(rough.items())))).view)


@settings(max_examples=EXAMPLES // 2)
@given(st.sampled_from(sorted(KEYS)).flatmap(lambda key: st.lists(ENTRIES[key], min_size=3, max_size=3)))
def test_versions_of_one_request_can_be_joined_in_any_order(three: list[Entry]) -> None:
    one, other, third = three
    assert joined(one, other) == joined(other, one)
    assert joined(joined(one, other), third) == joined(one, joined(other, third))
    assert joined(one, joined(one, other)) == joined(one, other)
    assert joined(one, one) == one


@settings(max_examples=EXAMPLES // 2)
@given(LEDGERS, LEDGERS)
def test_requests_are_found_by_content_and_by_name_as_they_are(one: Ledger, other: Ledger) -> None:
    requests = Requests(one)
    requests.take_in(other.items())
    fingerprints = {entry.asked.fingerprint for entry in requests.view.values()}
    alike = {key: entry for fingerprint in fingerprints for key, entry in requests.alike(fingerprint)}
    named = {key: entry for name in ("kitten", "walk@seed=1", "walk@seed=2") for key, entry in requests.named(name)}
    assert alike == named == requests.view


def as_read(entry: Entry) -> Entry:
    """The same, read from the disk: none of its facts are the very same values."""
    return entry_from_json(entry_to_json(entry))


def steps(rendered: Entry, doubts: Doubts) -> Iterator[Entry]:
    """What a run puts on record of a request, one after the other: each has the facts of the one before."""
    assert isinstance(rendered, Rendered)
    asked, task, result = rendered.asked, rendered.task, rendered.result
    yield Submitting(asked=asked, doubts=doubts)
    yield Submitted(asked=asked, task=task, doubts=doubts)
    yield Succeeded(asked=asked, task=task, result=result, doubts=doubts)
    yield replace(rendered, doubts=doubts)


RENDERED = ENTRIES[next(iter(KEYS))].filter(lambda entry: isinstance(entry, Rendered))


@settings(max_examples=EXAMPLES)
@given(RENDERED, RENDERED, st.booleans())
def test_steps_of_a_run_are_joined_as_if_they_were_read_from_the_disk(one: Entry, other: Entry, doubtful: bool) -> None:
    doubts = one.doubts if doubtful else NO_DOUBTS
    known = [*steps(one, doubts), *steps(replace(other, asked=one.asked), doubts)]
    for before, after in permutations(known, 2):
        assert joined(before, after) == joined(as_read(before), as_read(after))
