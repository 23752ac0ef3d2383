"""The lockfile on disk: saved whole, loaded or refused, and its picks."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from kfpipe.errors import Position, Problem, Refused, StorageFailed
from kfpipe.lock import lockfile
from kfpipe.lock import text as locktext
from kfpipe.lock.lockfile import load, read, save
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import EMPTY, Fidelity, Lock, Rendered
from kfpipe.lock.tidy import LockPlace
from tests.support.makers import failed, key, lock, render, rendered, submitting
from tests.support.surroundings import room_for

TWO = Lock(requests={key(): rendered(), key("monster"): submitting()}, picked={"kitten": "kitten"})


@pytest.fixture
def home(tmp_path: Path) -> LockPaths:
    return LockPaths.beside(tmp_path / "shots.lock.json")


def problem_in(home: LockPaths, content: str | bytes) -> Problem:
    """What is wrong with the file, which no command overwrites."""
    written = content if isinstance(content, bytes) else content.encode()
    home.lockfile_path.write_bytes(written)
    doings: list[Callable[[], object]] = [
        lambda: load(home.lockfile_path),
        lambda: lockfile.pick(home, "kitten", "kitten"),
        LockPlace.of(home.lockfile_path).rewrite,
    ]
    for doing in doings:
        with pytest.raises(Refused) as refusal:
            doing()
        assert home.lockfile_path.read_bytes() == written
    problem = refusal.value.problems[0]
    assert problem.fix
    return problem


def text_of_a_lock(home: LockPaths) -> str:
    save(home.lockfile_path, TWO)
    return home.lockfile_path.read_text(encoding="utf-8")


def test_a_lock_that_was_saved_is_loaded_again(home: LockPaths) -> None:
    kept = Lock(
        requests={**lock(failed(), rendered(number=2)).requests, key("straße"): submitting(prompt="two\nlines")},
        picked={"kitten": "kitten@seed=1", "gone": "gone"},
    )
    save(home.lockfile_path, kept)
    assert load(home.lockfile_path) == kept


def test_no_lockfile_means_nothing_on_record(home: LockPaths) -> None:
    assert load(home.lockfile_path) == read(home) == EMPTY
    assert list(home.lockfile_path.parent.iterdir()) == []


def test_the_lockfile_has_one_fact_a_line_and_ends_with_one(home: LockPaths) -> None:
    text = text_of_a_lock(home)
    first = '{\n  "kfpipe_lock": 2,\n  "requests": {\n    "kitten/0000000001": {\n      "state": "rendered",\n'
    assert text.startswith(first)
    assert text.endswith('    }\n  },\n  "picked": {\n    "kitten": "kitten"\n  }\n}\n')
    assert all(line.count('": ') <= 1 for line in text.splitlines())


def test_an_empty_lock_can_be_saved(home: LockPaths) -> None:
    save(home.lockfile_path, EMPTY)
    assert load(home.lockfile_path) == EMPTY


def test_saving_leaves_one_file_and_keeps_its_mode(home: LockPaths) -> None:
    text_of_a_lock(home)
    home.lockfile_path.chmod(0o640)
    save(home.lockfile_path, EMPTY)
    assert [path.name for path in home.lockfile_path.parent.iterdir()] == ["shots.lock.json"]
    assert stat.S_IMODE(home.lockfile_path.stat().st_mode) == 0o640


def test_a_lockfile_that_is_a_link_is_followed(home: LockPaths) -> None:
    elsewhere = home.lockfile_path.parent / "elsewhere"
    elsewhere.mkdir()
    home.lockfile_path.symlink_to(elsewhere / "real.json")
    save(home.lockfile_path, lock(submitting()))
    assert home.lockfile_path.is_symlink()
    assert load(elsewhere / "real.json") == lock(submitting())


def test_a_full_disk_leaves_the_old_lockfile_and_no_temporary(home: LockPaths) -> None:
    text = text_of_a_lock(home)
    with room_for(1000), pytest.raises(StorageFailed) as failure:
        save(home.lockfile_path, lock(rendered(prompt="long " * 1000)))
    assert failure.value.reason == "the file is larger than the system allows"
    assert home.lockfile_path.read_text(encoding="utf-8") == text
    assert len(list(home.lockfile_path.parent.iterdir())) == 1


# ---- what is refused ---------------------------------------------------------------------------------------------


def test_a_merge_conflict_is_shown_at_its_first_marker(home: LockPaths) -> None:
    problem = problem_in(home, text_of_a_lock(home).replace('      "model"', '<<<<<<< HEAD\n      "model"', 1))
    assert problem.position is not None
    assert problem.fix


def test_a_syntax_error_has_line_and_column(home: LockPaths) -> None:
    problem = problem_in(home, text_of_a_lock(home).replace('"region": "singapore",', '"region": "singapore"', 1))
    assert problem.position == Position(line=15, column=7)


def test_a_request_that_is_there_twice_is_shown_at_its_second_place(home: LockPaths) -> None:
    text = text_of_a_lock(home)
    problem = problem_in(home, text.replace('"monster/', '"kitten/'))
    assert problem.position == Position(line=text[: text.index('"monster/')].count("\n") + 1, column=5)
    assert problem.what == "the name 'kitten/0000000001' appears twice"


@pytest.mark.parametrize("key", ['"kitten"', '"../x/0000000001"', "4711", "null"])
def test_the_clip_of_a_pick_is_the_key_of_a_request(home: LockPaths, key: str) -> None:
    text = text_of_a_lock(home).replace('"kitten"\n  }\n', f'"kitten"\n  }},\n  "picked_from": {{"kitten": {key}}}\n')
    problem = problem_in(home, text)
    assert (problem.where, problem.what) == ("clip that 'kitten' was picked on", "this is not the key of a request")
    assert problem.position == Position(line=text.count("\n") - 1, column=29)


def test_a_shot_with_two_picks_is_refused(home: LockPaths) -> None:
    text = text_of_a_lock(home).replace('"kitten": "kitten"', '"kitten": "kitten",\n    "kitten": "other"')
    assert problem_in(home, text).what == "the name 'kitten' appears twice"


def test_a_task_of_two_requests_is_shown_at_its_second_place(home: LockPaths) -> None:
    save(home.lockfile_path, Lock(requests={key(): rendered(), key("walk"): rendered()}))
    text = home.lockfile_path.read_text("utf-8")
    problem = problem_in(home, text)
    second = text[: text.rindex('"task_id"')].count("\n") + 1
    assert problem.position == Position(line=second, column=18)
    assert (problem.where, problem.what) == (
        "request 'walk/0000000001'",
        "its task task-1 is already on record for 'kitten/0000000001'",
    )


def test_a_wrong_value_is_shown_where_it_stands_with_what_belongs_there(home: LockPaths) -> None:
    text = text_of_a_lock(home)
    problem = problem_in(home, text.replace('"seed": 7', '"seed": "seven"', 1))
    assert problem.position == Position(line=text[: text.index('"seed": 7')].count("\n") + 1, column=15)
    assert problem.where == "request 'kitten/0000000001'"
    assert problem.what == "the field `seed` is the text 'seven'"
    assert problem.expected == "The seed as sent; null when it is not drawn yet, and where the model has none."


def test_all_that_is_wrong_is_reported_at_once(home: LockPaths) -> None:
    home.lockfile_path.write_text(text_of_a_lock(home).replace('"seed"', '"sead"'), encoding="utf-8")
    with pytest.raises(Refused) as refusal:
        load(home.lockfile_path)
    assert [(problem.where, problem.what) for problem in refusal.value.problems] == [
        (f"request '{take}/0000000001'", what)
        for take in ("kitten", "monster")
        for what in ("`seed` is missing", "'sead' is not allowed here")
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"state": "rendered"', '"state": "submitting"'),
        ('"task_id": "task-1"', '"task_id": null'),
        ('"task_id": "task-1"', '"task_id": "../../etc/passwd"'),
        ('"path": "renders/kitten.mp4"', '"path": "../kitten.mp4"'),
        ('"path": "renders/kitten.mp4"', '"path": "renders/../../kitten.mp4"'),
        ('"path": "renders/kitten.mp4"', '"path": "/kitten.mp4"'),
        ('"path": "renders/kitten.mp4"', '"path": "C:kitten.mp4"'),
        ('"path": "renders/kitten.mp4"', '"path": "renders\\\\..\\\\kitten.mp4"'),
        ('"unit_price": "0.10"', '"unit_price": 0.10'),
        ('"unit_price": "0.10"', '"unit_price": "1e3"'),
        ('"unit_price": "0.10"', '"unit_price": "-1"'),
        ('"currency": "USD"', '"currency": "US\\ud83d"'),
        ('"moved": 0', '"moved": 0.0'),
        ('"moved": 0', '"moved": -1'),
        ('"moved": 0', f'"moved": {"9" * 5000}'),
        ("2026-11-22T11:50:00.000Z", "2026-02-30T11:50:00.000Z"),
        ("2026-11-22T11:50:00.000Z", "2026-11-22T11:50:00.000Z\\n"),
        ("2026-11-22T11:50:00.000Z", "2026-11-22T11:50:00.000+00:00"),
        ('"kitten/', '"kit\\nten/'),
        ('"kitten/', '"../../kitten/'),
        ('"kitten/', '"../'),
        ('"kitten/', '"a/../../kitten/'),
        ('"kitten/', '"/kitten/'),
        ('"kitten/', '"C:kitten/'),
        ('"kitten/', '"..\\\\kitten/'),
        ('"kitten/0000000001"', '"kitten"'),
        ('"kitten/0000000001"', '"kitten/000000000G"'),
        ('"key": "1c9b52aa04f1"', '"key": "sk-0123456789"'),
        ('"candidates": []', '"candidates": ["a/b"]'),
        ('"candidates": []', '"candidates": [], "contradicted_by": [{}]'),
        ('"candidates": []', '"candidates": [], "contradicted_by": []'),
        ('"kitten": "kitten"', '"kitten": "kit\\u0000ten"'),
        ('"kitten": "kitten"', '"kitten": null'),
        ('"kitten": "kitten"', '"kitten": "../kitten"'),
        ('"kfpipe_lock": 2', '"kfpipe_lock": 0'),
        ('"kfpipe_lock": 2', '"kfpipe_lock": 1'),
        ('"kfpipe_lock": 2', '"kfpipe_lock": 2, "more": 1'),
    ],
)
def test_what_kfpipe_never_writes_is_refused(home: LockPaths, old: str, new: str) -> None:
    text = text_of_a_lock(home)
    assert old in text
    assert problem_in(home, text.replace(old, new, 1)).position is not None


@pytest.mark.parametrize("place", ["media", "parameters", "requests", "picked", "picked_from"])
def test_a_request_where_none_belongs_is_named_with_its_place(home: LockPaths, place: str) -> None:
    save(home.lockfile_path, replace(TWO, picked_from={"kitten": key("kitten")}))
    data = json.loads(home.lockfile_path.read_bytes())
    request = data["requests"][key("kitten")]
    {**request, **data}[place]["here"] = deepcopy(request)
    problem = problem_in(home, json.dumps(data, indent=2))
    assert problem.position is not None and problem.position.line > 1
    assert "Rendered(" not in f"{problem.what} {problem.where}"


def test_a_request_in_place_of_a_lockfile_or_of_its_requests_is_refused(home: LockPaths) -> None:
    request = json.loads(text_of_a_lock(home))["requests"][key("kitten")]
    assert "this is not a lockfile" in problem_in(home, json.dumps(request)).what
    assert problem_in(home, json.dumps({"kfpipe_lock": 2, "requests": request, "picked": {}})).fix


def test_a_path_out_of_the_project_is_named(home: LockPaths) -> None:
    problem = problem_in(home, text_of_a_lock(home).replace('"renders/kitten.mp4"', '"../kitten.mp4"'))
    assert problem.what == "the field `path` is the text '../kitten.mp4'"


def test_a_lockfile_of_a_newer_kfpipe_says_so(home: LockPaths) -> None:
    problem = problem_in(home, '{"kfpipe_lock": 3, "shots": []}')
    assert "newer kfpipe (lock format 3)" in problem.what
    assert problem.fix == "upgrade kfpipe"


@pytest.mark.parametrize("content", [b"", b" \n", b"null", b"[]", b'"takes"', b"[" * 100_000, b"\xff\xfe{}", b"\x00"])
def test_what_is_no_lockfile_is_refused_with_a_way_on(home: LockPaths, content: bytes) -> None:
    assert problem_in(home, content).file == str(home.lockfile_path)


def test_a_folder_in_the_lockfiles_place_is_refused(home: LockPaths) -> None:
    home.lockfile_path.mkdir()
    with pytest.raises(Refused, match="not a file"):
        load(home.lockfile_path)


# ---- picks -------------------------------------------------------------------------------------------------------


def test_a_pick_replaces_that_of_its_shot_and_no_other(home: LockPaths) -> None:
    save(home.lockfile_path, lock(rendered(), picked={"kitten": "kitten@seed=1", "gone": "gone"}))
    assert lockfile.pick(home, "kitten", "kitten@seed=2")
    assert not lockfile.pick(home, "kitten", "kitten@seed=2")
    assert load(home.lockfile_path) == lock(rendered(), picked={"kitten": "kitten@seed=2", "gone": "gone"})
    assert lockfile.pick(home, "kitten", None)
    assert not lockfile.pick(home, "kitten", None)
    assert load(home.lockfile_path).picked == {"gone": "gone"}


def test_a_pick_that_changes_nothing_leaves_the_file_byte_for_byte(home: LockPaths) -> None:
    content = text_of_a_lock(home).replace("\n", "\r\n").encode()
    home.lockfile_path.write_bytes(content)
    assert not lockfile.pick(home, "kitten", "kitten")
    assert home.lockfile_path.read_bytes() == content


def test_a_conflict_in_bytes_is_known_from_text_that_only_looks_like_one() -> None:
    entry = rendered(prompt="<<<<<<< ours\n=======\n>>>>>>> theirs")
    content = b"".join(locktext.pieces(lock(entry)))
    assert locktext.parsed(content, "x") == lock(entry)


def test_what_is_found_out_about_a_request_takes_nothing_from_what_is_on_record_by_now(home: LockPaths) -> None:
    """Somebody measures a clip, while a run moves it on."""
    measured = rendered(of_render=render(fidelity=Fidelity(first=Decimal("0.98"), last=Decimal("0.97"))))
    save(home.lockfile_path, Lock(requests={key(): rendered(of_render=render(path="renders/moved.mp4", moved=1))}))
    assert lockfile.supplement(home, {key(): measured, key("gone"): measured}) == 1
    [entry] = load(home.lockfile_path).requests.values()
    assert isinstance(entry, Rendered)
    assert (entry.render.path, entry.render.moved) == ("renders/moved.mp4", 1)
    assert entry.render.fidelity == measured.render.fidelity
    assert lockfile.supplement(home, {key(): measured}) == 0
