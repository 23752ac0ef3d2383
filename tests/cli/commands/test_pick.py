"""`kfpipe pick`: a person's choice among the takes of a shot."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe import api
from kfpipe.emulator import Emulator
from kfpipe.lock.lockfile import load
from tests.cli.conftest import HEAD, Call, Furnish

LOCK = "shots.lock.json"
SHOT = "shots:\n  - {id: kitten, prompt: A kitten looks up., matrix: {seed: [1, 2, 3]}}\n"


@pytest.fixture
def clips(furnish: Furnish) -> Path:
    """The folder, with three takes of one shot rendered."""
    return furnish(HEAD + SHOT)


def chosen(folder: Path) -> list[str]:
    return [*load(folder / LOCK).picked.values()]


def test_picking_a_take_clears_its_siblings_and_changes_nothing_else(clips: Path, kfpipe: Call) -> None:
    before = (clips / LOCK).read_text("utf-8")
    ended = kfpipe("pick", "shots.yaml", "kitten", "kitten@seed=2")
    assert (ended.code, ended.out) == (0, "kitten: kitten@seed=2 is picked\n")
    assert chosen(clips) == ["kitten@seed=2"]
    assert kfpipe("pick", "shots.yaml", "kitten", "seed=3").code == 0
    assert chosen(clips) == ["kitten@seed=3"]
    assert kfpipe("pick", "shots.yaml", "kitten", "--none").out == "kitten: no take is picked\n"
    assert (clips / LOCK).read_text("utf-8") == before


def test_the_same_choice_again_writes_nothing(clips: Path, kfpipe: Call) -> None:
    kfpipe("pick", "shots.yaml", "kitten", "seed=2")
    before = (clips / LOCK).stat()
    assert kfpipe("pick", "shots.yaml", "kitten", "seed=2").out == "kitten: kitten@seed=2 is already picked\n"
    assert (clips / LOCK).stat().st_ino == before.st_ino


def test_without_a_take_the_choice_is_shown(clips: Path, kfpipe: Call) -> None:
    kfpipe("pick", "shots.yaml", "kitten", "seed=2")
    assert kfpipe("pick", "shots.yaml", "kitten").out.splitlines() == [
        "take           picked  state     file",
        "kitten@seed=1          rendered  renders/kitten@seed=1.mp4",
        "kitten@seed=2  yes     rendered  renders/kitten@seed=2.mp4",
        "kitten@seed=3          rendered  renders/kitten@seed=3.mp4",
    ]
    takes = kfpipe("pick", "shots.yaml", "kitten", "--json").json["takes"]
    assert [take["picked"] for take in takes] == [False, True, False]


def test_a_choice_stays_when_its_take_is_rendered_again(clips: Path, kfpipe: Call) -> None:
    kfpipe("pick", "shots.yaml", "kitten", "seed=2")
    assert kfpipe("run", "shots.yaml", "--rerender", "kitten@seed=2").code == 0
    assert chosen(clips) == ["kitten@seed=2"]


def test_a_choice_that_was_made_on_an_older_clip_is_marked_until_it_is_made_again(clips: Path, kfpipe: Call) -> None:
    def is_marked() -> bool:
        told = [kfpipe(*words, "shots.yaml", "--json").json for words in (("status",), ("export", "-o", "film.csv"))]
        takes = [one for name, one in zip(("takes", "shots"), told, strict=True) for one in one[name] if one["picked"]]
        (answer,) = {one["picked_earlier"] for one in takes}
        assert ("yes, on an older clip" in kfpipe("pick", "shots.yaml", "kitten").out) is answer
        assert ("picked on an older clip" in report()) is answer
        return bool(answer)

    def report() -> str:
        assert kfpipe("report", "shots.yaml", "-o", "page.html").code == 0
        return (clips / "page.html").read_text("utf-8")

    kfpipe("pick", "shots.yaml", "kitten", "seed=2")
    assert not is_marked()
    kfpipe("run", "shots.yaml", "--rerender", "kitten@seed=2")
    assert is_marked()
    assert kfpipe("pick", "shots.yaml", "kitten", "seed=2").out == "kitten: kitten@seed=2 is picked\n"
    assert not is_marked()
    assert api.pick(api.load(clips / "shots.yaml"), "kitten", "seed=2") is False


def test_a_choice_waits_for_no_run(clips: Path, kfpipe: Call) -> None:
    with api.session(api.load(clips / "shots.yaml")):
        ended = kfpipe("pick", "shots.yaml", "kitten", "seed=2")
    assert (ended.code, chosen(clips)) == (0, ["kitten@seed=2"])


def test_picking_what_has_changed_since_is_warned_of(clips: Path, kfpipe: Call) -> None:
    (clips / "shots.yaml").write_text((HEAD + SHOT).replace("looks up", "looks down"), "utf-8")
    ended = kfpipe("pick", "shots.yaml", "kitten", "seed=2")
    assert ended.code == 0
    assert ended.err.startswith("warning: kitten@seed=2 was changed in the manifest")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("kitte", "seed=1"), "SHOT: there is no shot 'kitte'\n  fix: did you mean `kitten`?\n"),
        (("kitten", "seed=9"), "TAKE: the shot 'kitten' has no take 'seed=9'\n  fix: did you mean `seed="),
        (("kitten", "seed=1"), "TAKE: kitten@seed=1 has no clip: it is not rendered\n  fix: `kfpipe run` renders it"),
        (("kitten", "seed=1", "--none"), "kfpipe pick: give either TAKE or --none\n"),
    ],
)
def test_what_cannot_be_picked_is_refused(folder: Path, kfpipe: Call, words: tuple[str, ...], told: str) -> None:
    (folder / "shots.yaml").write_text(HEAD + SHOT, "utf-8")
    ended = kfpipe("pick", "shots.yaml", *words)
    assert ended.code == 2
    assert ended.err.startswith(told)
    assert not (folder / LOCK).exists()


DRAFTED = "profiles:\n  draft: {model: wan2.2-kf2v-flash, resolution: 480P, duration: 5}\n"


def test_drafts_are_picked_from_and_finals_made_of_the_picked_alone(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    shots = SHOT + "  - {id: walk, prompt: It walks., matrix: {seed: [1, 2]}}\n"
    shots += "  - {id: nap, prompt: It naps., matrix: {seed: [1, 2], resolution: [720P, 1080P]}}\n"
    (folder / "shots.yaml").write_text(HEAD + DRAFTED + shots, "utf-8")
    assert kfpipe("run", "shots.yaml", "--profile", "draft").code == 0
    assert kfpipe("pick", "shots.yaml", "kitten", "seed=2", "--profile", "draft").code == 0
    assert kfpipe("pick", "shots.yaml", "nap", "seed=1,resolution=480P", "--profile", "draft").code == 0
    naps = [f"nap@seed=1,resolution={resolution}" for resolution in ("720P", "1080P")]
    goes_on = "  - {id: stir, prompt: It stirs., first_frame: {render: nap, frame: last, take: resolution=720P}}\n"
    (folder / "next.yaml").write_text(HEAD + DRAFTED + shots + goes_on, "utf-8")
    (folder / "next.lock.json").write_bytes((folder / LOCK).read_bytes())
    assert kfpipe("plan", "next.yaml", "-s", "stir", "--json").json["takes"][0]["waits_for"] == naps[:1]
    (folder / "next.lock.json").unlink()
    planned = kfpipe("plan", "shots.yaml", "-s", "picked", "--json").json["takes"]
    assert [one["take"] for one in planned] == ["kitten@seed=2", *naps]
    assert kfpipe("run", "shots.yaml", "-s", "picked").code == 0
    assert kfpipe("run", "shots.yaml", "-s", "walk@seed=1").code == 0
    now = [one for one in kfpipe("status", "shots.yaml", "--json").json["takes"] if one["in_manifest"]]
    made = {one["take"] for one in now if one["state"] == "rendered" and not one["changed"]}
    assert made == {"kitten@seed=2", "walk@seed=1", *naps}
    assert api.select(api.load(folder / "shots.yaml"), "picked")[:3] == ("kitten@seed=2", *naps)

    kitten, walk, nap = kfpipe("export", "shots.yaml", "-o", "film.otio", "--json").json["shots"]
    assert (kitten["take"], kitten["picked"], kitten["changed"]) == ("kitten@seed=2", True, False)
    assert (walk["take"], walk["changed"]) == ("walk@seed=1", False)  # a draft of another seed is no rival
    assert nap["gap"] == "it has 2 clips, and none is picked"  # the draft stands for both
    assert kfpipe("report", "shots.yaml", "-s", "picked", "--json").json["clips"] == 3
