"""No merge loses a request or a choice, and nobody can tell which side was called ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from kfpipe.lock import conflict
from kfpipe.lock import text as locktext
from kfpipe.lock.join import join
from kfpipe.lock.merge import merge
from kfpipe.lock.states import Lock
from tests.support.ledgers import KEYS, LEDGERS

PICKS: st.SearchStrategy[Mapping[str, str]] = st.dictionaries(
    st.sampled_from(["kitten", "walk", "straße"]), st.sampled_from(["@1", "@2", "@3"])
)
MADE_ON = st.sampled_from([*KEYS, "gone/0123456789"])
LOCKS = st.builds(Lock, requests=LEDGERS, picked=PICKS).flatmap(
    lambda lock: st.builds(
        replace,
        st.just(lock),
        picked_from=st.fixed_dictionaries({}, optional=dict.fromkeys(lock.picked.values(), MADE_ON)),
    )
)


@settings(max_examples=50)
@given(LOCKS, LOCKS, LOCKS)
def test_a_merge_knows_what_either_side_does_and_knows_no_side(base: Lock, ours: Lock, theirs: Lock) -> None:
    merged, other_way = merge(base, ours, theirs), merge(base, theirs, ours)
    assert merged.lock == other_way.lock
    assert merged.lock.requests == join(ours.requests, theirs.requests)
    assert [(one.shot_id, one.ours, one.theirs) for one in merged.clashes] == [
        (one.shot_id, one.theirs, one.ours) for one in other_way.clashes
    ]
    clashing = {one.shot_id for one in merged.clashes}
    for shot_id in ours.picked.keys() & theirs.picked.keys():
        if ours.picked[shot_id] == theirs.picked[shot_id]:
            assert merged.lock.picked[shot_id] == ours.picked[shot_id]
    assert not clashing & merged.lock.picked.keys()
    in_question = {take_id for one in merged.clashes for take_id in (one.ours, one.theirs)}
    for take_id, key in merged.lock.picked_from.items():
        assert take_id in in_question.union(merged.lock.picked.values())
        assert key in (ours.picked_from.get(take_id), theirs.picked_from.get(take_id))


@settings(max_examples=60)
@given(LOCKS, LOCKS)
def test_a_merge_with_oneself_or_with_the_past_changes_nothing(base: Lock, ours: Lock) -> None:
    grown = replace(ours, requests=join(base.requests, ours.requests))
    assert merge(base, grown, grown).lock == merge(base, base, grown).lock == merge(base, grown, base).lock == grown


@settings(max_examples=50)
@given(LOCKS, LOCKS, LOCKS)
def test_a_clash_resolved_by_hand_for_either_side_is_a_sound_lockfile(base: Lock, ours: Lock, theirs: Lock) -> None:
    merged = merge(base, ours, theirs)
    text = b"".join(conflict.pieces(merged))
    assert conflict.is_in(text) == bool(merged.clashes)
    if not merged.clashes:
        assert locktext.parsed(text, "x.lock.json") == merged.lock
        return
    before, rest = text.split(b"<<<<<<< ours\n")
    mine, rest = rest.split(b"=======\n")
    other, after = rest.split(b">>>>>>> theirs\n")
    for chosen, side in ((mine, ours), (other, theirs)):
        picked = {one.shot_id: side.picked[one.shot_id] for one in merged.clashes if one.shot_id in side.picked}
        expected = replace(merged.lock, picked={**merged.lock.picked, **picked})
        assert locktext.parsed(before + chosen + after, "x.lock.json") == expected
    again = conflict.settled(text, "x.lock.json")
    assert (again.lock, again.clashes) == (merged.lock, merged.clashes)
