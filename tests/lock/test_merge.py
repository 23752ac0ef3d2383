"""Two branches have rendered: what the merged lock says of it, in files and between git's markers."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from kfpipe.domain import CANCELED, TASK_LOST
from kfpipe.errors import Refused
from kfpipe.lock import conflict, lockfile, mergedriver
from kfpipe.lock import text as locktext
from kfpipe.lock.join import given_up
from kfpipe.lock.merge import Clash, Merged, merge
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import (
    EMPTY,
    Canceled,
    Doubts,
    Entry,
    Failed,
    Failure,
    Lock,
    Lost,
    Rendered,
    Submitted,
    Succeeded,
    Unclear,
    spent,
    task_of,
)
from kfpipe.lock.tidy import LockPlace
from tests.support.makers import (
    NOW,
    asked,
    failed,
    key,
    lock,
    render,
    rendered,
    result,
    submitted,
    submitting,
    succeeded,
    take,
    task,
    unclear,
)

NAME = "shots.lock.json"


def one(entry: Entry, **picked: str) -> Lock:
    return lock(entry, picked=picked)


def lost() -> Lost:
    failure = Failure(code=TASK_LOST, message="the service has forgotten it", request_id=None, billed=None)
    return Lost(asked=asked(), task=task(), ended_at=NOW, failure=failure)


def canceled() -> Canceled:
    failure = Failure(code=CANCELED, message="cancelled while it waited", request_id=None, billed=False)
    return Canceled(asked=asked(), task=task(), ended_at=NOW, failure=failure)


def both_ways(base: Lock, ours: Lock, theirs: Lock) -> Merged:
    """The merge, after a look at whether it matters who is called ours."""
    merged, other_way = merge(base, ours, theirs), merge(base, theirs, ours)
    assert merged.lock == other_way.lock
    assert [clash.shot_id for clash in merged.clashes] == [clash.shot_id for clash in other_way.clashes]
    return merged


def settled(base: Lock, ours: Lock, theirs: Lock) -> Lock:
    merged = both_ways(base, ours, theirs)
    assert merged.clashes == ()
    return merged.lock


def content(of: Lock) -> bytes:
    return b"".join(locktext.pieces(of))


# ---- requests ----------------------------------------------------------------------------------------------------


def test_different_takes_stand_side_by_side() -> None:
    ours, theirs = lock(rendered(), take_id="a"), lock(rendered(number=2), take_id="b")
    assert settled(EMPTY, ours, theirs).requests == {**ours.requests, **theirs.requests}


def test_what_one_side_alone_has_changed_is_taken_as_it_is() -> None:
    assert settled(one(submitted()), one(submitted()), one(rendered())) == one(rendered())


def test_a_record_that_one_side_has_deleted_stays() -> None:
    assert settled(one(rendered()), EMPTY, one(rendered())) == one(rendered())


def test_a_take_rendered_on_both_sides_keeps_both_requests_and_both_bills() -> None:
    ours, theirs = (Lock(requests={key(number=number): rendered(number=number)}) for number in (1, 2))
    merged = settled(EMPTY, ours, theirs)
    assert merged.requests == {**ours.requests, **theirs.requests}
    assert spent(merged.requests.values()) == {"USD": result().cost * 2}  # type: ignore[operator]


def test_both_sides_followed_one_task_and_it_is_billed_once() -> None:
    later = rendered(of_result=result(url_expires_at=result().url_expires_at.replace(hour=23)))
    assert settled(one(submitted()), one(rendered()), one(later)) == one(later)


def test_a_state_never_steps_back_whichever_side_knows_more() -> None:
    story: list[Entry] = [submitting(), submitted(), failed(), succeeded(), rendered()]
    for less, more in pairwise(story):
        assert settled(one(less), one(less), one(more)) == one(more)
        assert settled(one(more), one(less), one(more)) == one(more)


def test_a_receipt_that_came_late_is_better_than_a_find() -> None:
    adopted = replace(submitted(), task=replace(task(), request_id=None))
    assert settled(EMPTY, one(adopted), one(submitted())) == one(submitted())


def test_a_find_that_went_further_keeps_the_receipt_and_the_account_of_the_other_side() -> None:
    adopted = replace(rendered(account=None), task=replace(task(), request_id=None))
    assert settled(EMPTY, one(adopted), one(submitted())) == one(rendered())


def test_an_open_question_that_one_side_has_answered_is_answered() -> None:
    (entry,) = settled(one(unclear()), one(unclear()), one(submitted())).requests.values()
    assert isinstance(entry, Submitted)
    assert entry.doubts.candidates == {"task-1", "task-2"}


def test_a_clip_that_was_moved_on_one_side_is_found_there_and_the_dead_link_stays_dead() -> None:
    moved = rendered(of_render=render("renders/.previous/kitten.mp4", moved=1))
    bare = rendered(of_result=result(video_url="https://results.example.com/clip.mp4"))
    (entry,) = settled(one(rendered()), one(moved), one(bare)).requests.values()
    assert isinstance(entry, Rendered)
    assert (entry.render, entry.result) == (moved.render, bare.result)


def test_an_amount_that_is_written_in_two_ways_has_one_spelling_after_whoever_is_ours() -> None:
    short, long = (one(rendered(of_result=result(billed_seconds=Decimal(text)))) for text in ("5", "5.0"))
    assert short == long
    assert content(merge(EMPTY, short, long).lock) == content(merge(EMPTY, long, short).lock)


def test_two_tasks_of_one_request_stay_both_on_record() -> None:
    other = replace(submitted(), task=task("task-other"))
    (entry,) = settled(EMPTY, one(rendered()), one(other)).requests.values()
    assert (entry, entry.doubts.rivals) == (replace(rendered(), doubts=entry.doubts), (other,))


WithTask = Submitted | Lost | Canceled | Failed | Succeeded | Rendered
WITH_TASK: list[WithTask] = [submitted(), lost(), canceled(), failed(), succeeded(), rendered()]


@pytest.mark.parametrize(("less", "more"), [*pairwise(WITH_TASK)], ids=lambda entry: type(entry).__name__)
def test_of_two_tasks_of_one_request_the_one_that_went_further_stands(less: WithTask, more: WithTask) -> None:
    less = replace(less, task=task("task-other"))
    (entry,) = settled(EMPTY, one(less), one(more)).requests.values()
    assert (type(entry), task_of(entry)) == (type(more), task_of(more))
    assert entry.doubts.rivals == (less,)


REFUSAL = failed(code="InvalidParameter")
NO_TASK = [submitting(), replace(REFUSAL, task=None), unclear(), given_up(submitting(), Doubts(given_up_at=NOW))]


@pytest.mark.parametrize(("less", "more"), [*pairwise(NO_TASK)], ids=lambda entry: type(entry).__name__)
def test_of_a_request_without_a_task_what_was_found_out_last_stands(less: Entry, more: Entry) -> None:
    (entry,) = settled(EMPTY, one(less), one(more)).requests.values()
    assert type(entry) is type(more)
    assert entry.doubts.candidates == less.doubts.candidates | more.doubts.candidates


def test_what_was_in_doubt_stays_known_whatever_the_other_side_says() -> None:
    doubts = Doubts(candidates=frozenset(("task-1", "task-9")), given_up_at=NOW)
    (entry,) = settled(EMPTY, one(replace(rendered(), doubts=doubts)), one(unclear())).requests.values()
    assert isinstance(entry, Rendered)
    assert entry.doubts == Doubts(candidates=frozenset(("task-1", "task-2", "task-9")), given_up_at=NOW)


def test_of_two_bills_of_one_task_the_larger_one_counts() -> None:
    dear = rendered(of_result=result(billed_seconds=Decimal(9), cost=Decimal("0.90")))
    unknown = rendered(of_result=result(cost=None))
    for less in (rendered(), unknown):
        assert settled(EMPTY, one(less), one(dear)) == one(dear)


def test_a_task_that_two_requests_name_is_that_ones_which_was_asked_first() -> None:
    ours = Lock(requests={key("walk", 1): submitted(take("walk"))})
    late = replace(rendered(number=5), task=task("task-1"))
    theirs = Lock(requests={key("kitten", 5): late})
    merged = settled(EMPTY, ours, theirs).requests
    first, second = merged[key("walk", 1)], merged[key("kitten", 5)]
    assert first == replace(rendered(take("walk")), asked=asked(take("walk")))
    assert isinstance(second, Unclear)
    assert second.doubts.candidates == {"task-1"}


# ---- picks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [({}, {"kitten": "kitten"}), ({"kitten": "kitten"}, {})])
def test_a_choice_on_one_side_meets_a_render_elsewhere(before: dict[str, str], after: dict[str, str]) -> None:
    assert settled(one(submitted(), **before), one(submitted(), **after), one(rendered(), **before)).picked == after


def test_the_same_choice_on_both_sides_is_one() -> None:
    assert settled(EMPTY, one(rendered(), kitten="kitten"), one(rendered(), kitten="kitten")).picked == {
        "kitten": "kitten"
    }


def test_two_choices_for_one_shot_are_for_a_person_to_decide() -> None:
    base = Lock(picked={"kitten": "a", "walk": "walk"})
    ours, theirs = (Lock(picked={**base.picked, "kitten": name}) for name in "bc")
    merged = both_ways(base, ours, theirs)
    assert merged.clashes == (Clash(shot_id="kitten", ours="b", theirs="c"),)
    assert merged.lock.picked == {"walk": "walk"}


def test_a_choice_and_its_withdrawal_are_for_a_person_to_decide_only_where_both_changed_it() -> None:
    base = Lock(picked={"kitten": "a"})
    assert settled(base, EMPTY, base).picked == {}
    assert both_ways(base, EMPTY, Lock(picked={"kitten": "b"})).clashes != ()


def test_the_clip_that_a_take_was_picked_on_comes_from_the_side_that_changed_it_else_it_is_the_later() -> None:
    clips = lock(rendered(), rendered(number=2), rendered(number=3), picked={"kitten": "kitten"})

    def on(number: int) -> Lock:
        return replace(clips, picked_from={"kitten": key(number=number)})

    assert settled(on(2), on(1), on(2)) == on(1)
    assert settled(on(1), on(2), on(3)) == settled(EMPTY, on(3), on(1)) == on(3)
    assert settled(clips, clips, on(1)) == on(1)
    assert settled(on(1), on(1), replace(on(1), picked={})).picked_from == {}


# ---- files -------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> LockPaths:
    return LockPaths.beside(tmp_path / NAME)


def torn(ours: Lock, theirs: Lock) -> bytes:
    """As git leaves it where it has no driver: from the first line that differs to the end."""
    one, other = content(ours).splitlines(keepends=True), content(theirs).splitlines(keepends=True)
    same = 0
    while one[same] == other[same]:
        same += 1
    return b"".join(one[:same]) + conflict.marked(b"".join(one[same:]), b"".join(other[same:]))


def test_fmt_joins_both_sides_of_a_conflict(home: LockPaths) -> None:
    ours, theirs = one(submitted()), lock(rendered(), failed(number=2), take_id="kitten")
    home.lockfile_path.write_bytes(torn(ours, theirs))
    with pytest.raises(Refused) as refused:
        lockfile.load(home.lockfile_path)
    assert refused.value.problems[0].fix == locktext.JOIN
    assert LockPlace.of(home.lockfile_path).rewrite()
    assert lockfile.load(home.lockfile_path) == theirs


def test_fmt_joins_a_conflict_that_shows_the_common_past(home: LockPaths) -> None:
    head, rest = content(one(submitted())).split(b'      "state"', 1)
    rest = b'      "state"' + rest
    after = content(one(rendered())).split(b'      "state"', 1)[1]
    sides = (rest, content(one(submitting())).removeprefix(head), b'      "state"' + after)
    ours, base, theirs = sides
    home.lockfile_path.write_bytes(
        head + b"<<<<<<< HEAD\n" + ours + b"||||||| 4711\n" + base + b"=======\n" + theirs + b">>>>>>> main\n"
    )
    LockPlace.of(home.lockfile_path).rewrite()
    assert lockfile.load(home.lockfile_path) == one(rendered())


def test_half_a_merge_is_refused_with_its_place_and_nothing_is_overwritten(home: LockPaths) -> None:
    half = content(one(rendered())).replace(b'      "fingerprint"', b'<<<<<<< HEAD\n      "finger', 1)
    home.lockfile_path.write_bytes(half)
    for attempt in (lambda: lockfile.load(home.lockfile_path), LockPlace.of(home.lockfile_path).rewrite):
        with pytest.raises(Refused) as refused:
            attempt()
        (problem,) = refused.value.problems
        assert problem.position is not None
        assert problem.fix
    assert home.lockfile_path.read_bytes() == half


def clashing(home: LockPaths, base: Lock, ours: Lock, theirs: Lock) -> Merged:
    """The driver's work on three files."""
    paths = {}
    for side, of in (("base", base), ("ours", ours), ("theirs", theirs)):
        paths[side] = home.lockfile_path.with_name(side)
        paths[side].write_bytes(content(of))
    merged = mergedriver.settle(**paths, name=NAME)
    home.lockfile_path.write_bytes(paths["ours"].read_bytes())
    return merged


def test_picks_that_clash_are_marked_alone_and_pick_settles_them(home: LockPaths) -> None:
    ours = replace(
        one(rendered(), kitten="kitten@seed=1", walk="walk"), picked_from={"walk": key(), "kitten@seed=1": key()}
    )
    theirs = replace(
        lock(rendered(), submitting(number=2), picked={"kitten": "kitten@seed=2", "walk": "walk"}),
        picked_from={"walk": key(), "kitten@seed=2": key()},
    )
    clashing(home, EMPTY, ours, theirs)
    marked = home.lockfile_path.read_text("utf-8").splitlines()
    start = marked.index("<<<<<<< ours")
    assert marked[start : start + 5] == [
        "<<<<<<< ours",
        '    "kitten": "kitten@seed=1",',
        "=======",
        '    "kitten": "kitten@seed=2",',
        ">>>>>>> theirs",
    ]
    assert marked[start + 6 :] == [
        "  },",
        '  "picked_from": {',
        f'    "kitten@seed=1": "{key()}",',
        f'    "kitten@seed=2": "{key()}",',
        f'    "walk": "{key()}"',
        "  }",
        "}",
    ]
    with pytest.raises(Refused) as refused:
        lockfile.load(home.lockfile_path)
    (problem,) = refused.value.problems
    assert problem.fix == locktext.CHOOSE
    assert problem.position is not None
    assert problem.position.line == start + 1
    assert lockfile.pick(home, "kitten", "kitten@seed=2", key=key())
    assert lockfile.load(home.lockfile_path) == theirs


def test_git_alone_leaves_no_choice_between_clips_that_a_take_was_picked_on(home: LockPaths) -> None:
    clips = lock(rendered(), rendered(number=2), picked={"kitten": "kitten"})
    ours, theirs = (replace(clips, picked_from={"kitten": key(number=number)}) for number in (1, 2))
    home.lockfile_path.write_bytes(torn(ours, theirs))
    with pytest.raises(Refused) as refused:
        lockfile.load(home.lockfile_path)
    assert refused.value.problems[0].fix == locktext.JOIN
    assert LockPlace.of(home.lockfile_path).rewrite()
    assert lockfile.load(home.lockfile_path) == theirs


def test_each_of_two_clashes_is_settled_by_itself(home: LockPaths) -> None:
    merged = clashing(home, EMPTY, one(rendered(), a="a@1", b="b@1"), one(rendered(), a="a@2", b="b@2"))
    assert len(merged.clashes) == 2
    assert lockfile.pick(home, "a", "a@2")
    with pytest.raises(Refused):
        lockfile.load(home.lockfile_path)
    assert lockfile.read_both(home).picked == {"a": "a@2"}
    assert lockfile.pick(home, "b", None)
    assert lockfile.load(home.lockfile_path) == one(rendered(), a="a@2")


def test_fmt_leaves_a_clash_of_picks_to_pick(home: LockPaths) -> None:
    clashing(home, EMPTY, one(rendered(), a="a@1"), one(rendered(), a="a@2"))
    before = home.lockfile_path.read_bytes()
    with pytest.raises(Refused) as refused:
        LockPlace.of(home.lockfile_path).rewrite()
    assert refused.value.problems[0].fix == locktext.CHOOSE
    assert home.lockfile_path.read_bytes() == before


def test_a_version_that_cannot_be_read_leaves_both_sides_between_markers(home: LockPaths) -> None:
    ours, theirs = content(one(rendered())), b"{}"
    for side, text in (("base", b""), ("ours", ours), ("theirs", theirs)):
        home.lockfile_path.with_name(side).write_bytes(text)
    with pytest.raises(Refused) as refused:
        mergedriver.settle(
            **{side: home.lockfile_path.with_name(side) for side in ("base", "ours", "theirs")}, name=NAME
        )
    assert refused.value.problems[0].file == f"{NAME} (theirs)"
    assert home.lockfile_path.with_name("ours").read_bytes() == conflict.marked(ours, theirs)


def test_git_merges_with_the_driver_in_place(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        done = subprocess.run(["git", *identity, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    def commit(of: Lock) -> None:
        (tmp_path / NAME).write_bytes(content(of))
        git("add", ".")
        git("commit", "-qm", "x")

    git("init", "-q", "-b", "main")
    assert mergedriver.install(tmp_path).is_new
    assert not mergedriver.install(tmp_path).is_new
    commit(one(submitting()))
    git("checkout", "-qb", "side")
    commit(one(rendered(), kitten="kitten"))
    git("checkout", "-q", "main")
    commit(lock(submitted(), failed(number=2)))
    git("merge", "-q", "--no-edit", "side")
    expected = lock(rendered(), failed(number=2), picked={"kitten": "kitten"})
    assert lockfile.load(tmp_path / NAME) == expected
