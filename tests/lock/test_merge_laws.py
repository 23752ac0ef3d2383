"""No merge loses a task or a cent, and nobody can tell which side was called ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from kfpipe.lock import conflict
from kfpipe.lock import text as locktext
from kfpipe.lock.merge import merge
from kfpipe.lock.states import Entry, Failed, Lock, Record, Rendered, Task, entries, result_of, task_ids, task_of
from kfpipe.lock.transitions import applied, put_back
from tests.support.makers import NOW, asked, failed, rendered, result, submitted, unclear


def request(minute: int, fingerprint: str, kind: str) -> Entry:
    """The request of that minute; each has a task, a price and an answer of its own."""
    shapes: dict[str, Entry] = {
        "rendered": rendered(of_result=result(cost=Decimal(minute), finished_at=NOW + timedelta(minutes=minute + 1))),
        "failed": replace(failed(), failed_at=NOW + timedelta(minutes=minute + 1)),
        "submitted": submitted(),
        "unclear": unclear(),
    }
    entry = shapes[kind]
    sent = asked(serial=1, asked_at=NOW + timedelta(minutes=minute), fingerprint=fingerprint * 64)
    if task_of(entry) is None:
        return replace(entry, asked=sent)
    return replace(entry, asked=sent, task=Task(task_id=f"task-{minute}", request_id=None, submitted_at=sent.asked_at))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Lock, Lock, Lock]:
    """A record, and two that went on from it, each in minutes of its own."""
    before = draw(st.lists(st.integers(1, 50), max_size=3, unique=True))
    later = st.lists(st.integers(51, 99), max_size=3, unique=True)
    sides = [[2 * minute + side for minute in sorted(draw(later))] for side in (0, 1)]
    ended = st.sampled_from(["rendered", "failed"])
    latest = st.sampled_from(["rendered", "failed", "submitted", "unclear"])
    fingerprints = st.sampled_from("ab")

    def record(minutes: list[int], known: dict[int, Entry]) -> Lock:
        for minute in minutes:
            kind = latest if minute == minutes[-1] else ended
            known.setdefault(minute, request(minute, draw(fingerprints), draw(kind)))
        if not minutes:
            return {}
        *previous, entry = (
            replace(known[minute], asked=replace(known[minute].asked, serial=serial))
            for serial, minute in enumerate(minutes, 1)
        )
        return {"kitten": Record(entry=entry, previous=tuple(previous), picked=draw(st.booleans()))}

    def gone_on(lock: Lock) -> Lock:
        """With an earlier clip restored, perhaps."""
        clips = [(take_id, clip) for take_id in lock for clip in lock[take_id].previous if isinstance(clip, Rendered)]
        if not clips or not isinstance(lock["kitten"].entry, Rendered | Failed) or draw(st.booleans()):
            return lock
        take_id, clip = draw(st.sampled_from(clips))
        return {take_id: applied(lock[take_id], put_back(lock[take_id], clip, clip.render.path))}

    known: dict[int, Entry] = {}
    base = record(sorted(before), known)
    mine, other = (gone_on(record([*sorted(before), *side], dict(known))) for side in sides)
    return base, mine, other


@settings(max_examples=200)
@given(histories())
def test_no_merge_loses_a_task_or_a_cent_or_knows_a_side(versions: tuple[Lock, Lock, Lock]) -> None:
    base, ours, theirs = versions
    merged, other_way = merge(base, ours, theirs), merge(base, theirs, ours)
    assert merged.lock == other_way.lock
    assert [one.doubt for one in merged.clashes] == [one.doubt for one in other_way.clashes]
    if not merged.clashes:
        assert task_ids(merged.lock) == task_ids(ours) | task_ids(theirs)
        bills = {task_of(one): result_of(one) for side in (ours, theirs) for one in entries(side)}
        kept = [result for one in entries(merged.lock) if (result := result_of(one)) is not None]
        assert sum(one.cost for one in kept) == sum(one.cost for one in bills.values() if one is not None)  # type: ignore[misc]
        assert locktext.parsed(b"".join(locktext.pieces(merged.lock)), "kitten.lock.json") == merged.lock


@given(histories())
def test_a_merge_with_oneself_or_with_the_past_changes_nothing(versions: tuple[Lock, Lock, Lock]) -> None:
    base, ours, _ = versions
    assert merge(base, ours, ours).lock == merge(base, base, ours).lock == ours


@given(histories())
def test_a_clash_resolved_by_keeping_either_side_is_a_sound_lockfile(versions: tuple[Lock, Lock, Lock]) -> None:
    merged = merge(*versions)
    if merged.clashes:
        text = b"".join(conflict.pieces(merged))
        before, rest = text.split(b"<<<<<<< ours\n")
        ours, rest = rest.split(b"=======\n")
        theirs, after = rest.split(b">>>>>>> theirs\n")
        assert locktext.parsed(before + ours + after, "x.lock.json") == versions[1]
        assert locktext.parsed(before + theirs + after, "x.lock.json") == versions[2]
