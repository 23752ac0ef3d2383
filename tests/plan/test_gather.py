"""What is on record and on disk of a project, and what that makes of its plan: with real files, and nothing sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from kfpipe import api, environment
from kfpipe.domain import Take
from kfpipe.errors import Refused
from kfpipe.lock import journal, lockfile, workspace
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.records import Register
from kfpipe.lock.states import EMPTY, Entry, Lock, Rendered
from kfpipe.plan import gather
from kfpipe.plan.model import Action, Plan, Whose
from kfpipe.project import Project
from tests.support import stills
from tests.support.makers import (
    ACCOUNT,
    NOW,
    failed,
    key,
    render,
    rendered,
    request,
    result,
    submitted,
    submitting,
    succeeded,
    take,
)
from tests.support.manifests import PAID

CLIP = b"a clip that was paid for"
OTHER = take(request=request(prompt="Other words."))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path.resolve() / "project"
    made.mkdir()
    (made / ".git").mkdir()
    stills.save(made, {"a.png": "navy", "b.png": "orange"}, stills.HD)
    monkeypatch.setattr(environment, "now", lambda: NOW)
    return made


def project(
    folder: Path, name: str = "film.yaml", shots: str = "  - {id: kitten, prompt: A kitten., seed: 7}\n"
) -> Project:
    for still in ("a.png", "b.png"):
        if not (folder / still).exists():
            folder.mkdir(exist_ok=True)
            (folder / still).write_bytes((folder.parent / still).read_bytes())
    (folder / name).write_text(f"{PAID}shots:\n{shots}", "utf-8")
    return api.load(folder / name)


def only(of: Project) -> Take:
    (made,) = of.takes
    return made


def clip(of: Take, path: str | None = None, content: bytes = CLIP, **changes: Any) -> Rendered:
    digest = hashlib.sha256(content).hexdigest()
    made = render(path or of.output, sha256=digest, size_bytes=len(content))
    return rendered(of, of_render=made, **changes)


def put(path: Path, content: bytes = CLIP) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def save(path: Path, requests: Mapping[str, Entry]) -> None:
    lockfile.save(path, Lock(requests=requests))


def left_behind(path: Path, requests: Mapping[str, Entry]) -> None:
    """The journal of a run that was killed before it wrote its lockfile, at `path`."""
    paths = LockPaths.beside(path)
    head = journal.header(lockfile=path.name, host="desk", pid=1, started_at=NOW)
    put(paths.journal_path, head + journal.line(requests))


def plan(of: Project, known: Lock | None = None, **options: Any) -> Plan:
    """With our account at hand; the lock is what is on disk, unless another is given."""
    usual: dict[str, Any] = {"select": (), "retry": (), "rerender": ()}
    usual["select"] = lambda _: True
    known = lockfile.read(of.paths) if known is None else known
    return gather.plan(of, known, whose=Whose(account=ACCOUNT), **{**usual, **options})


def actions(of: Plan) -> list[tuple[str, Action]]:
    return [(step.id, step.action) for step in of.steps]


# ---- the bytes count -------------------------------------------------------------------------------------------------


def test_a_clip_in_its_place_is_kept_and_one_that_was_renamed_is_brought_there(folder: Path) -> None:
    film = project(folder)
    save(film.lockfile_path, {key(): clip(only(film))})
    place = put(folder / "renders/kitten.mp4")
    assert actions(plan(film)) == [("kitten", Action.KEEP)]
    place.rename(folder / "renders/by hand.mp4")
    (step,) = plan(film).steps
    assert (step.action, step.reasons) == (Action.REUSE, ("its clip is at renders/by hand.mp4",))


def test_a_renamed_shot_has_its_clip_already(folder: Path) -> None:
    film = project(folder)
    save(film.lockfile_path, {key(): clip(only(film))})
    put(folder / "renders/kitten.mp4")
    renamed = project(folder, shots="  - {id: cat, prompt: A kitten., seed: 7}\n")
    (step,) = plan(renamed).steps
    assert step.action is Action.REUSE
    assert step.reasons == ("its clip is at renders/kitten.mp4", "on record as kitten")
    assert plan(renamed).cost == 0


def test_earlier_words_that_are_back_find_the_clip_that_was_set_aside(folder: Path) -> None:
    film = project(folder)
    save(film.lockfile_path, {key("kitten", 1): clip(only(film)), key("kitten", 2): rendered(OTHER, number=2)})
    put(folder / "renders/kitten.mp4", b"the clip of the other words")
    put(folder / "renders/.previous/kitten.mp4")
    (step,) = plan(film).steps
    assert (step.action, step.reasons) == (Action.REUSE, ("its clip is at renders/.previous/kitten.mp4",))


def test_a_pointer_whose_content_git_lfs_has_is_no_reason_to_download(folder: Path) -> None:
    film = project(folder)
    entry = clip(only(film), content=CLIP * 20)
    save(film.lockfile_path, {key(): entry})
    sha256 = entry.render.sha256
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(CLIP) * 20}\n"
    place = put(folder / "renders/kitten.mp4", pointer.encode())
    (step,) = plan(film).steps
    assert (step.action, step.is_at_hand) == (Action.DECIDE, True)
    assert step.reasons[-1] == "`git lfs pull` fetches it"
    put(folder / ".git/lfs/objects" / sha256[:2] / sha256[2:4] / sha256, CLIP * 20)
    (step,) = plan(film).steps
    assert step.action is Action.REUSE
    assert place.read_text() == pointer, "to plan moves nothing"


# ---- twins -----------------------------------------------------------------------------------------------------------

TWINS = "  - {id: kitten, prompt: A kitten., seed: 7}\n  - {id: cat, prompt: A kitten., seed: 7}\n"


def test_two_takes_of_one_fingerprint_are_one_request_and_the_second_is_reused(folder: Path) -> None:
    film = project(folder, shots=TWINS)
    first = plan(film)
    assert actions(first) == [("kitten", Action.RENDER), ("cat", Action.WAIT)]
    assert first.cost == film.takes[0].cost
    save(film.lockfile_path, {key(): submitted(film.takes[0])})
    running = plan(film)
    assert actions(running) == [("kitten", Action.FOLLOW), ("cat", Action.WAIT)]
    assert (len(running.debts), running.under_way) == (1, film.takes[0].cap_cost)
    save(film.lockfile_path, {key(): clip(film.takes[0])})
    put(folder / "renders/kitten.mp4")
    done = plan(film)
    assert (actions(done), done.cost) == ([("kitten", Action.KEEP), ("cat", Action.REUSE)], 0)


def test_twins_that_are_rendered_again_are_paid_for_once(folder: Path) -> None:
    film = project(folder, shots=TWINS)
    save(film.lockfile_path, {key(): clip(film.takes[0])})
    put(folder / "renders/kitten.mp4")
    again = plan(film, rerender="*")
    assert actions(again) == [("kitten", Action.RENDER), ("cat", Action.WAIT)]
    assert again.cost == film.takes[0].cost


# ---- other lockfiles and journals ------------------------------------------------------------------------------------


def test_the_debts_of_a_killed_run_are_in_the_plan_after_the_manifest_was_renamed(folder: Path) -> None:
    film = project(folder, "old.yaml")
    left_behind(film.lockfile_path, {key(): submitted(only(film)), key("gone", 2): submitting(OTHER, number=2)})
    (folder / "old.yaml").unlink()
    renamed = plan(project(folder, "new.yaml"))
    assert actions(renamed) == [("kitten", Action.FOLLOW), (key("gone", 2), Action.ADOPT)]
    assert {debt.key for debt in renamed.debts} == {key(), key("gone", 2)}
    assert renamed.steps[0].reasons[-1] == "on record in old.lock.json"
    assert renamed.cost == 0


def test_of_a_manifest_that_is_still_there_only_what_we_want_is_in_our_plan(folder: Path) -> None:
    film = project(folder, "old.yaml")
    requests = {key(): submitted(only(film)), key("gone", 2): submitting(OTHER, number=2)}
    left_behind(film.lockfile_path, requests)
    assert actions(plan(project(folder, "new.yaml"))) == [("kitten", Action.FOLLOW)]
    elsewhere = project(folder, "new.yaml", shots="  - {id: kitten, prompt: Something else.}\n")
    assert actions(plan(elsewhere)) == [("kitten", Action.RENDER)]


def test_a_lockfile_and_its_journal_are_joined_before_they_are_looked_at(folder: Path) -> None:
    film = project(folder, "old.yaml")
    save(film.lockfile_path, {key(): submitting(only(film))})
    left_behind(film.lockfile_path, {key(): succeeded(only(film))})
    assert actions(plan(project(folder, "new.yaml"))) == [("kitten", Action.DOWNLOAD)]


def test_what_a_run_of_another_manifest_has_in_hand_is_left_to_it(folder: Path) -> None:
    film, other = project(folder, "old.yaml"), project(folder, "new.yaml")

    async def while_it_runs() -> Plan:
        with Ledger.open(film.paths, now=lambda: NOW) as ledger:
            await ledger.record(key(), submitted(only(film)))
            return plan(other)

    (step,) = anyio.run(while_it_runs).steps
    assert (step.action, step.reasons[0]) == (Action.DECIDE, "a run of old.lock.json has this request in hand")
    assert actions(plan(other)) == [("kitten", Action.FOLLOW)]


def test_the_clip_of_a_manifest_in_another_folder_is_found_there(folder: Path) -> None:
    film = project(folder / "trailer")
    save(film.lockfile_path, {key(): clip(only(film))})
    put(folder / "trailer/renders/kitten.mp4")
    (step,) = plan(project(folder)).steps
    assert (step.action, step.cost) == (Action.REUSE, 0)
    assert step.reasons == (
        "its clip is at trailer/renders/kitten.mp4",
        "on record in trailer/film.lock.json",
    )


def test_a_request_that_failed_here_and_was_rendered_there_is_not_paid_for_again(folder: Path) -> None:
    film, other = project(folder, "old.yaml"), project(folder, "new.yaml")
    save(film.lockfile_path, {key("kitten", 2): clip(only(film), number=2)})
    save(other.lockfile_path, {key(): failed(only(film), code="InternalError.Algo")})
    put(folder / "renders/kitten.mp4")
    (step,) = plan(other).steps
    assert (step.action, step.cost, step.reasons[0]) == (Action.REUSE, 0, "its clip is in place")


def test_the_clip_of_another_manifest_stays_where_it_is(folder: Path) -> None:
    """Two manifests with one output folder, and a shot of the same name in each."""
    film = project(folder, "old.yaml")
    other = project(folder, "new.yaml", shots="  - {id: kitten, prompt: Something else.}\n")
    save(film.lockfile_path, {key(): clip(only(film))})
    put(folder / "renders/kitten.mp4")
    (step,) = plan(other).steps
    assert (step.action, step.reasons[0]) == (Action.DECIDE, "renders/kitten.mp4 is on record in old.lock.json")
    assert step.is_at_hand


def test_what_another_manifest_has_in_its_place_is_no_free_file(folder: Path) -> None:
    film = project(folder, "old.yaml", shots="  - {id: cat, prompt: A kitten., seed: 7}\n")
    save(film.lockfile_path, {key("cat"): clip(only(film)), key("gone"): submitted(OTHER, number=2)})
    other = project(folder, "new.yaml")
    (theirs,) = gather.register(film, lockfile.load(film.lockfile_path)).alike(only(film))
    assert isinstance(theirs[1], Rendered)
    belonging = gather.belonging(other, gather.register(other, EMPTY))
    assert belonging("renders/cat.mp4") == {theirs[1].render.sha256}
    assert belonging("renders/kitten.mp4") == belonging("renders/dog.mp4") == frozenset()
    (folder / "old.yaml").unlink()
    assert not gather.belonging(other, gather.register(other, EMPTY))("renders/cat.mp4")


def test_a_damaged_lockfile_of_another_manifest_stops_nobody(folder: Path) -> None:
    put(folder / "old.lock.json", b"{")
    assert actions(plan(project(folder))) == [("kitten", Action.RENDER)]


def test_what_the_emulator_has_on_record_is_no_clip_of_the_service(folder: Path) -> None:
    film = project(folder)
    place = folder / ".kfpipe/emulator/film.lock.json"
    place.parent.mkdir(parents=True)
    save(place, {key(): clip(only(film))})
    put(folder / "renders/by hand.mp4")
    assert actions(plan(film)) == [("kitten", Action.RENDER)]
    assert workspace.neighbours(film.root, film.lockfile_path) == ()


# ---- sums ------------------------------------------------------------------------------------------------------------


def test_what_is_on_record_is_counted_once_for_each_task_and_play_money_never(folder: Path) -> None:
    film = project(folder)
    rehearsed = rendered(OTHER, number=3, region="emulator")
    requests = {
        key("kitten", 1): clip(only(film)),
        key("kitten", 2): succeeded(OTHER, number=2, of_result=result(cost=Decimal("0.20"))),
        key("kitten", 3): rehearsed,
        key("kitten", 4): failed(OTHER, number=4),
    }
    save(film.lockfile_path, requests)
    assert plan(film).on_record == Decimal("0.70")


def test_what_is_under_way_is_counted_for_all_takes_whatever_is_selected(folder: Path) -> None:
    shots = "  - {id: kitten, prompt: A kitten., seed: 7}\n  - {id: cat, prompt: A cat.}\n"
    film = project(folder, shots=shots)
    kitten, cat = film.takes
    save(film.lockfile_path, {key(): submitted(kitten), key("gone"): submitted(OTHER, number=2)})
    assert kitten.cap_cost is not None
    cost = OTHER.request.parameters.duration_s * Decimal("0.10")
    chosen = plan(film, select="cat")
    assert actions(chosen) == [("cat", Action.RENDER)]
    assert (chosen.debts, chosen.under_way, chosen.cost) == ((), kitten.cap_cost + cost, cat.cost)


def test_to_try_again_only_what_is_selected_is_meant(folder: Path) -> None:
    shots = "  - {id: kitten, prompt: A kitten., seed: 7}\n  - {id: cat, prompt: A cat.}\n"
    film = project(folder, shots=shots)
    refused = {
        key(name, number): failed(of, number=number, code="DataInspectionFailed")
        for number, (name, of) in enumerate(zip(("kitten", "cat"), film.takes, strict=True), 1)
    }
    save(film.lockfile_path, refused)
    assert actions(plan(film, retry="kitten")) == [("kitten", Action.RENDER), ("cat", Action.DECIDE)]
    assert actions(plan(film, select="cat", retry="state:failed")) == [("cat", Action.RENDER)]
    with pytest.raises(Refused):
        plan(film, retry="gone")


def test_a_plan_writes_nothing_but_what_can_be_made_again(folder: Path) -> None:
    film = project(folder)
    save(film.lockfile_path, {key(): clip(only(film))})
    put(folder / "renders/kitten.mp4")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".kfpipe" not in path.parts}
    plan(film)
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".kfpipe" not in path.parts}
    assert before == after


def test_the_register_of_a_project_knows_its_region_and_its_neighbours(folder: Path) -> None:
    film = project(folder)
    save(folder / "old.lock.json", {key(): clip(only(film))})
    known = gather.register(film, EMPTY)
    assert isinstance(known, Register)
    assert (known.region, [one.name for one in known.neighbours]) == ("singapore", ["old.lock.json"])
    assert known.neighbours[0].is_alone
