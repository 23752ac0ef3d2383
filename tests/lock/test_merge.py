"""Two branches have rendered: what the merged lock says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from kfpipe.lock.merge import Doubt, Merged, merge
from kfpipe.lock.states import Entry, Lock, Record, Rendered, Submitted, Task, spent, task_ids
from tests.support.makers import NOW, asked, failed, record, render, rendered, result, submitted, take, unclear

KITTEN = take("kitten")
BEFORE = replace(KITTEN, fingerprint="f" * 64)


def at(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


def clip(minute: int, *, of: str = KITTEN.fingerprint, task: str = "", serial: int = 1, path: str = "") -> Rendered:
    """A clip that was asked for at `minute`, and paid."""
    return replace(
        rendered(of_result=result(finished_at=at(minute + 1))),
        asked=asked(serial=serial, asked_at=at(minute), fingerprint=of),
        task=Task(task_id=task or f"task-{minute}", request_id="r", submitted_at=at(minute)),
        render=render(path or "renders/kitten.mp4"),
    )


def under_way(minute: int, *, task: str = "", serial: int = 1, of: str = KITTEN.fingerprint) -> Submitted:
    done = clip(minute, task=task, serial=serial, of=of)
    return Submitted(asked=done.asked, task=done.task)


def one(entry: Entry, *previous: Entry, picked: bool = False) -> Lock:
    return {"kitten": Record(entry=entry, previous=previous, picked=picked)}


def both_ways(base: Lock, ours: Lock, theirs: Lock) -> Merged:
    """The merge, after a look at whether it matters who is called ours."""
    merged, other_way = merge(base, ours, theirs), merge(base, theirs, ours)
    assert merged.lock == other_way.lock
    assert [(clash.take_id, clash.doubt) for clash in merged.clashes] == [
        (clash.take_id, clash.doubt) for clash in other_way.clashes
    ]
    return merged


def settled(base: Lock, ours: Lock, theirs: Lock) -> Record:
    merged = both_ways(base, ours, theirs)
    assert merged.clashes == ()
    return merged.lock["kitten"]


def clash(base: Lock, ours: Lock, theirs: Lock) -> Doubt:
    (found,) = both_ways(base, ours, theirs).clashes
    return found.doubt


def test_different_takes_stand_side_by_side() -> None:
    ours, theirs = {"a": record(clip(1))}, {"b": record(clip(2))}
    assert both_ways({}, ours, theirs).lock == {**ours, **theirs}


def test_what_one_side_alone_has_changed_is_taken_as_it_is() -> None:
    assert settled(one(under_way(1)), one(under_way(1)), one(clip(1))) == one(clip(1))["kitten"]


def test_a_render_after_a_refusal_is_the_latest() -> None:
    refused = replace(failed(), asked=asked(asked_at=at(1)), task=None)
    assert settled(one(refused), one(refused), one(clip(5, serial=2))) == one(clip(5, serial=2))["kitten"]


def test_a_task_that_one_side_has_put_right_stays_right() -> None:
    wrong, right = one(clip(1, task="x")), one(clip(1, task="y"))
    assert settled(wrong, wrong, right) == right["kitten"]


def test_a_record_that_one_side_has_deleted_stays() -> None:
    assert settled(one(clip(1)), {}, one(clip(1))) == one(clip(1))["kitten"]


def test_a_take_rendered_on_both_sides_keeps_both_bills_and_the_later_clip() -> None:
    merged = settled({}, one(clip(1)), one(clip(5)))
    assert merged.entry == clip(5, serial=2)
    assert merged.previous == (clip(1),)
    assert spent((merged.entry, *merged.previous)) == {"USD": result().cost * 2}  # type: ignore[operator]


def test_serials_rise_and_do_not_clash() -> None:
    first = clip(1)
    merged = settled(one(first), one(clip(3, serial=2), first), one(clip(7, serial=3), clip(5, serial=2), first))
    assert [entry.asked.serial for entry in (*merged.previous, merged.entry)] == [1, 2, 3, 4]
    assert task_ids({"kitten": merged}) == {"task-1", "task-3", "task-5", "task-7"}


def test_a_merge_can_be_merged_again() -> None:
    first, ours = clip(1), one(clip(3, serial=2), clip(1))
    merged = {"kitten": settled(one(first), ours, one(clip(5, serial=2), first))}
    assert settled(ours, merged, one(clip(3, serial=2), clip(1), picked=True)) == merged["kitten"]


def test_the_side_that_asked_for_something_new_wins_over_a_later_clip_of_the_old() -> None:
    base = one(clip(1, of=BEFORE.fingerprint))
    ours = one(clip(3, serial=2), *base["kitten"].previous, base["kitten"].entry)
    theirs = one(clip(9, serial=2, of=BEFORE.fingerprint), base["kitten"].entry)
    assert settled(base, ours, theirs).entry.asked.fingerprint == KITTEN.fingerprint


def test_a_clip_wins_over_a_later_failure() -> None:
    broken = replace(failed(), asked=asked(asked_at=at(8)), failed_at=at(9), task=None)
    assert settled({}, one(clip(1)), one(broken)) == one(clip(1, serial=1))["kitten"]


def test_both_sides_followed_one_task_and_it_is_billed_once() -> None:
    later = replace(clip(1), result=result(finished_at=at(4), url_expires_at=at(5000)))
    merged = settled(one(under_way(1)), one(clip(1)), one(later))
    assert (merged.entry, merged.previous) == (later, ())


def test_the_side_that_knows_how_a_task_ended_is_believed() -> None:
    given_up = replace(failed(), asked=clip(1).asked, task=None)
    found = replace(under_way(1), task=Task(task_id="task-1", request_id=None, submitted_at=at(1)))
    unknown = replace(unclear(), asked=clip(1).asked)
    assert settled(one(unknown), one(given_up), one(found)).entry == found


def test_a_take_under_way_stays_the_latest_so_that_it_is_downloaded() -> None:
    merged = settled({}, one(under_way(1)), one(clip(5)))
    assert isinstance(merged.entry, Submitted)
    assert merged.previous == (clip(5),)
    assert merged.entry.asked.serial > 1


def test_two_tasks_under_way_are_for_a_person_to_decide() -> None:
    assert clash({}, one(under_way(1)), one(under_way(5))) is Doubt.UNDER_WAY


def test_a_task_of_the_old_request_under_way_is_no_reason_to_lose_the_new_clip() -> None:
    base = one(clip(1, of=BEFORE.fingerprint))
    ours = one(clip(3, serial=2), base["kitten"].entry)
    theirs = one(under_way(5, serial=2, of=BEFORE.fingerprint), base["kitten"].entry)
    assert clash(base, ours, theirs) is Doubt.UNDER_WAY


def test_two_answers_to_one_request_are_for_a_person_to_decide() -> None:
    assert clash({}, one(clip(1, task="x")), one(clip(1, task="y"))) is Doubt.TASKS


def test_a_clip_that_was_moved_on_one_side_is_found_there() -> None:
    moved = clip(1, path="renders/.previous/kitten.mp4")
    bare = replace(clip(1), result=result(finished_at=at(2), video_url="https://results.example.com/clip.mp4"))
    merged = settled(one(clip(1)), one(moved), one(bare))
    assert isinstance(merged.entry, Rendered)
    assert (merged.entry.render, merged.entry.result) == (moved.render, bare.result)


def test_two_clips_of_one_task_are_for_a_person_to_decide() -> None:
    other = replace(clip(1), render=replace(render(), sha256="d" * 64))
    assert clash(one(under_way(1)), one(clip(1)), one(other)) is Doubt.CLIPS


# ---- picked ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False)])
def test_a_choice_on_one_side_meets_a_render_elsewhere(before: bool, after: bool) -> None:
    base = one(under_way(1), picked=before)
    assert settled(base, one(under_way(1), picked=after), one(clip(1), picked=before)).picked is after


def test_a_choice_does_not_hold_for_a_clip_that_came_after() -> None:
    merged = settled(one(clip(1)), one(clip(1), picked=True), one(clip(5, serial=2), clip(1)))
    assert (merged.entry.asked.asked_at, merged.picked) == (at(5), False)


def test_a_choice_is_not_lost_where_the_common_past_is_unknown() -> None:
    assert settled({}, one(clip(1), picked=True), one(clip(1))).picked


def test_the_choice_of_the_side_whose_clip_is_the_latest_holds() -> None:
    assert settled({}, one(clip(1)), one(clip(5), picked=True)).picked
    assert not settled({}, one(clip(1), picked=True), one(clip(5))).picked


def test_two_choices_for_one_shot_are_for_a_person_to_decide() -> None:
    base = {"kitten@seed=1": record(clip(1)), "kitten@seed=2": record(clip(2))}
    ours = {**base, "kitten@seed=1": record(clip(1), picked=True)}
    theirs = {**base, "kitten@seed=2": record(clip(2), picked=True)}
    merged = both_ways(base, ours, theirs)
    assert [(one.take_id, one.ours.picked, one.theirs.picked) for one in merged.clashes] == [
        ("kitten@seed=1", True, False),
        ("kitten@seed=2", False, True),
    ]
    assert merged.lock == {}


def test_another_choice_replaces_the_one_before() -> None:
    base = {"kitten@seed=1": record(clip(1), picked=True), "kitten@seed=2": record(clip(2))}
    ours = {"kitten@seed=1": record(clip(1)), "kitten@seed=2": record(clip(2), picked=True)}
    assert both_ways(base, ours, base).lock == ours


def test_an_answer_that_came_late_is_better_than_none() -> None:
    adopted = replace(submitted(), task=Task(task_id="task-1", request_id=None, submitted_at=at(0)))
    assert settled({}, one(adopted), one(submitted())).entry == submitted()
