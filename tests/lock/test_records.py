"""Which requests are a take's own: by what they ask for, whatever they were called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kfpipe.domain import EMULATOR_REGION, Take
from kfpipe.lock import journal, lockfile, workspace
from kfpipe.lock.join import Requests
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.records import Neighbour, Records, entries, state_of
from kfpipe.lock.states import Entry, Lock
from tests.support.makers import (
    NOW,
    failed,
    key,
    parameters,
    records,
    register,
    rendered,
    request,
    submitted,
    submitting,
    succeeded,
    take,
)


def seeded(take_id: str, seed: int | None) -> Take:
    return take(take_id, request=request(parameters=parameters(seed=seed)))


def requests(**of: Entry) -> Lock:
    """Requests by name: `kitten_2` is the second that was asked under `kitten`."""
    made = {}
    for name, entry in of.items():
        take_id, _, number = name.partition("_")
        made[key(take_id, int(number or 1))] = entry
    return Lock(requests=made)


def keys(found: Records) -> dict[str, str]:
    return {take_id: record.key for take_id, record in found.items()}


def neighbour(of: Lock, name: str = "other.lock.json", **facts: bool) -> Neighbour:
    return Neighbour(name=name, folder=Path("/project"), requests=Requests(of.requests), **facts)


# ---- by content --------------------------------------------------------------------------------------------------


def test_a_take_finds_its_clip_under_another_name() -> None:
    kitten = take("kitten")
    found = records([take("cat")], requests(kitten=rendered(kitten)))
    assert keys(found) == {"cat": key("kitten")}
    assert found["cat"].is_wanted


def test_two_names_that_are_swapped_find_their_own_clips() -> None:
    a, b = seeded("a", 1), seeded("b", 2)
    lock = requests(a=rendered(a), b=rendered(b, number=2))
    swapped = [seeded("a", 2), seeded("b", 1)]
    assert keys(records(swapped, lock)) == {"a": key("b"), "b": key("a")}


def test_axes_of_a_matrix_may_change_their_order() -> None:
    before = [seeded(f"kitten@seed={seed},style={style}", 10 * seed + style) for seed in (1, 2) for style in (1, 2)]
    after = [seeded(f"kitten@style={style},seed={seed}", 10 * seed + style) for style in (1, 2) for seed in (1, 2)]
    lock = Lock(requests={key(one.id): rendered(one, number=number) for number, one in enumerate(before, 1)})
    found = records(after, lock)
    assert found.keys() == {one.id for one in after}
    assert all(found[one.id].entry.asked.fingerprint == one.fingerprint for one in after)


def test_takes_that_ask_for_the_very_same_clip_share_it() -> None:
    found = records([take("a"), take("b")], requests(a=rendered(take("a"))))
    assert keys(found) == {"a": key("a"), "b": key("a")}


def test_a_take_that_asks_for_something_new_has_its_old_requests_by_name() -> None:
    found = records([seeded("kitten", 8)], requests(kitten=rendered(seeded("kitten", 7))))
    assert not found["kitten"].is_wanted
    assert state_of(found["kitten"]) == "rendered"
    assert state_of(found.get("walk")) == "absent"


def test_what_no_take_asks_for_is_kept_under_its_first_name() -> None:
    lock = requests(gone=rendered(seeded("gone", 9)), kitten=submitted(number=2))
    found = records([take("kitten")], lock)
    assert keys(found) == {"kitten": key("kitten"), "gone": key("gone")}


def test_each_request_is_in_one_record() -> None:
    a, b = seeded("a", 1), seeded("b", 2)
    lock = requests(
        a=rendered(a), a_2=failed(b, number=2), b=failed(b, number=3), c=submitted(seeded("c", 3), number=4)
    )
    found = records([a, b], lock)
    told = [one for record in found.values() for one in (record.key, *(other for other, _ in record.others))]
    assert sorted(told) == sorted(lock.requests)
    assert len(list(entries(found))) == 4


def test_what_the_emulator_answered_is_no_clip_of_the_services() -> None:
    played = requests(kitten=rendered(region=EMULATOR_REGION))
    assert not records([take()], played)["kitten"].is_wanted
    assert records([take()], played, region=EMULATOR_REGION)["kitten"].is_wanted


# ---- the newest --------------------------------------------------------------------------------------------------


def test_the_newest_request_that_has_not_ended_counts() -> None:
    lock = requests(kitten=rendered(), kitten_2=succeeded(number=2), kitten_3=failed(number=3))
    record = records([take()], lock)["kitten"]
    assert record.key == key(number=2)
    assert [one for one, _ in record.others] == [key(number=1), key(number=3)]
    assert record.entries == (rendered(), failed(number=3), succeeded(number=2))


def test_of_failures_alone_the_newest_counts() -> None:
    record = records([take()], requests(kitten_2=failed(number=2), kitten=failed()))["kitten"]
    assert record.key == key(number=2)


def test_a_clip_on_record_is_not_hidden_by_requests_of_the_old_content() -> None:
    lock = requests(kitten=rendered(), kitten_2=rendered(seeded("kitten", 8), number=2))
    record = records([take()], lock)["kitten"]
    assert (record.key, record.is_wanted) == (key(), True)
    assert [one for one, _ in record.others] == [key(number=2)]


# ---- random seeds ------------------------------------------------------------------------------------------------


def drawn(*names: str) -> list[Take]:
    return [seeded(name, None) for name in names]


def test_takes_of_random_seeds_each_have_their_own() -> None:
    a, b = drawn("a", "b")
    lock = requests(a=rendered(a), b=rendered(b, number=2))
    assert keys(records([b, a], lock)) == {"a": key("a"), "b": key("b")}


def test_a_take_of_a_random_seed_has_none_that_another_wants() -> None:
    a, b = drawn("a", "b")
    assert keys(records([a, b], requests(a=rendered(a)))) == {"a": key("a")}


def test_a_renamed_take_of_a_random_seed_takes_whichever_nobody_wants() -> None:
    a, b = drawn("a", "b")
    (c,) = drawn("c")
    lock = requests(a=rendered(a), b=rendered(b, number=2))
    assert keys(records([a, c], lock)) == {"a": key("a"), "c": key("b")}


def test_of_those_that_nobody_wants_the_newest_that_has_not_ended_is_taken_each_once() -> None:
    gone, (c, d) = drawn("gone")[0], drawn("c", "d")
    lock = requests(gone=rendered(gone), gone_2=rendered(gone, number=2), gone_3=failed(gone, number=3))
    found = records([c, d], lock)
    assert (found["c"].key, found["d"].key) == (key("gone", 2), key("gone", 1))


def test_takes_of_random_seeds_borrow_nothing_from_another_manifest() -> None:
    (a,) = drawn("a")
    assert register(Lock(), neighbour(requests(a=rendered(a)))).of([a]) == {}


# ---- picks -------------------------------------------------------------------------------------------------------


def picked(takes: Sequence[Take], lock: Lock, **picks: str) -> set[str]:
    return {take_id for take_id, one in records(takes, replace(lock, picked=picks)).items() if one.picked}


def test_the_picked_take_is_marked() -> None:
    takes = [seeded("kitten@seed=1", 1), seeded("kitten@seed=2", 2)]
    lock = Lock(requests={key(one.id): rendered(one, number=number) for number, one in enumerate(takes, 1)})
    assert picked(takes, lock, kitten="kitten@seed=2") == {"kitten@seed=2"}


def test_a_pick_follows_its_take_to_another_name() -> None:
    lock = Lock(requests={key("kitten@seed=1"): rendered(seeded("kitten@seed=1", 1))})
    renamed = [seeded("cat@seed=1", 1), seeded("cat@seed=2", 2)]
    assert picked(renamed, lock, kitten="kitten@seed=1") == {"cat@seed=1"}


def test_a_pick_of_a_take_that_is_still_there_follows_nothing() -> None:
    old, new = seeded("kitten@seed=1", 1), seeded("kitten@seed=2", 2)
    lock = Lock(requests={key(old.id): rendered(new), key(new.id): rendered(old, number=2)})
    assert picked([old, new], lock, kitten=old.id) == {old.id}


def test_the_pick_of_a_shot_that_has_gone_marks_nobody() -> None:
    assert picked([take("walk")], requests(walk=rendered(take("walk"))), gone="gone") == set()


@pytest.mark.parametrize(
    ("made_on", "is_earlier"),
    [({}, False), ({"kitten": key()}, True), ({"kitten": key(number=2)}, False), ({"kitten": key("gone")}, False)],
    ids=["not noted", "an older clip", "this clip", "no clip on record"],
)
def test_a_pick_that_was_made_on_an_older_clip_is_told_apart(made_on: dict[str, str], is_earlier: bool) -> None:
    lock = replace(requests(kitten=rendered(), kitten_2=rendered(number=2)), picked={"kitten": "kitten"})
    assert records([take()], replace(lock, picked_from=made_on))["kitten"].picked_earlier is is_earlier


def test_a_pick_is_older_than_no_clip_that_is_still_being_made_and_than_none_that_came_back() -> None:
    old, new = take(), seeded("kitten", 8)
    again = requests(kitten=rendered(old), kitten_2=submitted(old, number=2))
    undone = requests(kitten=rendered(old), kitten_2=rendered(new, number=2))
    for lock, made_on in ((again, key()), (undone, key(number=2))):
        picks = {"picked": {"kitten": "kitten"}, "picked_from": {"kitten": made_on}}
        found = records([old], replace(lock, **picks))["kitten"]
        assert (found.picked, found.picked_earlier) == (True, False)


def test_a_pick_that_follows_its_take_to_another_name_keeps_its_age() -> None:
    clips = requests(kitten=rendered(), kitten_2=rendered(number=2))
    lock = replace(clips, picked={"kitten": "kitten"}, picked_from={"kitten": key()})
    assert records([take("cat")], lock)["cat"].picked_earlier


DRAFT = {"resolution": frozenset({"480P"}), "style": frozenset({"null"})}


@pytest.mark.parametrize(
    ("pick", "takes", "expected"),
    [
        ("a@seed=1,resolution=480P", ["a@seed=1,resolution=720P", "a@seed=2,resolution=720P"], [0]),
        ("a@seed=1,resolution=480P", ["a@seed=1,resolution=720P", "a@seed=1,resolution=1080P"], [0, 1]),
        ("a@seed=1,resolution=720P", ["a@seed=1,resolution=480P", "a@seed=2,resolution=480P"], [0]),
        ("a@seed=1", ["a@seed=1,style=ink", "a@seed=1,style=oil", "a@seed=2,style=oil"], [0, 1]),
        ("a", ["a@resolution=720P", "a@resolution=1080P"], [0, 1]),
        ("a@seed=1,resolution=1080P", ["a@seed=1,resolution=720P"], []),
        ("a@seed=9,resolution=480P", ["a@seed=1,resolution=720P", "b@seed=9,resolution=720P"], []),
        ("a", ["a@seed=1", "a@seed=2"], []),
    ],
)
def test_a_pick_made_on_a_draft_stands_for_the_takes_that_differ_only_by_its_profile(
    pick: str, takes: list[str], expected: list[int]
) -> None:
    known = register(Lock(picked={"a": pick}), by_profile=DRAFT)
    wanted = [take(take_id) for take_id in takes]
    assert known.picked_among(wanted, known.of(wanted)) == {takes[at] for at in expected}


def test_of_finals_that_a_draft_stands_for_only_a_single_one_is_the_pick_of_the_film() -> None:
    names = ["a@seed=1,resolution=720P", "a@seed=1,resolution=1080P", "a@seed=2,resolution=720P"]
    takes = [take(name, request=request(prompt=name)) for name in names]
    draft = take("a@seed=1,resolution=480P", request=request(prompt="draft"))
    clips = {key(one.id, number): rendered(one, number=number) for number, one in enumerate([draft, *takes])}
    lock = Lock(requests=clips, picked={"a": draft.id}, picked_from={draft.id: key(draft.id, 0)})
    both, one = (register(lock, by_profile=DRAFT).of(some) for some in (takes, takes[1:]))
    assert not any(both[name].picked for name in names)
    assert [(one[name].picked, one[name].picked_earlier) for name in names[1:]] == [(True, True), (False, False)]


# ---- neighbours --------------------------------------------------------------------------------------------------


def test_a_clip_that_another_manifest_has_is_borrowed() -> None:
    place = neighbour(requests(cat=rendered()))
    found = register(Lock(), place).of([take()])["kitten"]
    assert (found.key, found.is_wanted, found.place) == (key("cat"), True, place)


def test_a_clip_of_ones_own_is_not_borrowed() -> None:
    found = register(requests(kitten=rendered()), neighbour(requests(cat=rendered()))).of([take()])["kitten"]
    assert found.place is None


def test_what_is_borrowed_keeps_the_takes_own_history() -> None:
    own = requests(kitten=failed(seeded("kitten", 8)))
    found = register(own, neighbour(requests(cat=rendered()))).of([take()])["kitten"]
    assert [one for one, _ in found.others] == [key("kitten")]


def test_what_the_emulator_answered_beside_another_manifest_is_not_borrowed() -> None:
    assert register(Lock(), neighbour(requests(cat=rendered(region=EMULATOR_REGION)))).of([take()]) == {}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("a", "b/c"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def own(project: Path) -> Path:
    return project / "shots.lock.json"


def named(project: Path) -> dict[str, Neighbour]:
    return {one.name: one for one in workspace.neighbours(project, own(project))}


def test_all_lockfiles_of_a_project_are_neighbours_save_ones_own_and_damaged_ones(project: Path) -> None:
    lockfile.save(own(project), requests(kitten=rendered()))
    lockfile.save(project / "a/walk.lock.json", requests(walk=rendered(number=2)))
    lockfile.save(project / "b/c/walk.lock.json", requests(walk=submitted(number=3)))
    (project / "b/torn.lock.json").write_bytes(b"<<<<<<< ours\n")
    (project / ".git").mkdir()
    lockfile.save(project / ".git/x.lock.json", requests(walk=submitted(number=4)))
    assert named(project).keys() == {"a/walk.lock.json", "b/c/walk.lock.json"}
    assert workspace.known_tasks(project, own(project)) == {"task-2", "task-3"}


def test_a_neighbours_journal_counts_also_before_its_first_lockfile(project: Path) -> None:
    paths = LockPaths.beside(project / "a/walk.lock.json")
    paths.state_dir.mkdir()
    head = journal.header(lockfile="walk.lock.json", host="desk", pid=1, started_at=NOW)
    paths.journal_path.write_bytes(head + journal.line(requests(walk=submitted(number=2)).requests))
    (found,) = named(project).values()
    assert found.requests.view == requests(walk=submitted(number=2)).requests
    assert workspace.known_tasks(project, own(project)) == {"task-2"}


def test_a_neighbour_whose_manifest_is_gone_is_alone(project: Path) -> None:
    lockfile.save(project / "a/walk.lock.json", requests(walk=rendered()))
    lockfile.save(project / "a/run.lock.json", requests(run=rendered(number=2)))
    (project / "a/run.yaml").touch()
    assert {name: one.is_alone for name, one in named(project).items()} == {
        "a/walk.lock.json": True,
        "a/run.lock.json": False,
    }


def test_a_neighbour_that_runs_is_busy(project: Path) -> None:
    path = project / "a/walk.lock.json"
    lockfile.save(path, requests(walk=rendered()))
    assert not named(project)["a/walk.lock.json"].is_busy
    with Ledger.open(LockPaths.beside(path), now=lambda: NOW):
        assert named(project)["a/walk.lock.json"].is_busy
    assert not named(project)["a/walk.lock.json"].is_busy


def test_what_the_emulator_has_answered_is_among_its_own(project: Path) -> None:
    played = project / "a/.kfpipe/emulator/walk.lock.json"
    played.parent.mkdir(parents=True)
    lockfile.save(played, requests(walk=rendered()))
    assert named(project) == {}


def test_a_clip_asked_for_later_elsewhere_does_not_hide_ones_own_question() -> None:
    asked_here = requests(kitten=submitting())
    later = rendered(asked_at=NOW + timedelta(days=1))
    found = register(asked_here, neighbour(requests(cat=later))).of([take()])["kitten"]
    assert (found.place, state_of(found)) == (None, "submitting")
