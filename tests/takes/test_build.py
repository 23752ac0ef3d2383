"""Takes with all kinds of media, and those that wait for pictures of others."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PIL.Image import Transpose

from kfpipe import project
from kfpipe.domain import CutFrom, FrameEnd, LocalMedium, MediaRole, PictureSize, Take
from kfpipe.errors import Problem, Refused
from kfpipe.project import Options
from kfpipe.takes import fingerprint, resolve
from tests.support import recordings, stills

HEAD = "kfpipe: 1\nprovider: {name: dashscope}\ndefaults: {model: wan2.7-i2v, prompt: Up.}\n"
FIRST, LAST = MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stills.save(tmp_path, {"a.png": "navy", "b.png": "teal", "c.png": "red"}, stills.HD)
    return tmp_path


def made(folder: Path, shots: str, *, head: str = HEAD) -> dict[str, Take]:
    (folder / "film.yaml").write_text(f"{head}shots:\n{shots}", "utf-8")
    return {take.id: take for take in project.load(Path("film.yaml"), Options()).takes}


def picture(sha256: str = "c" * 64, width_px: int = 1280, height_px: int = 720, size_bytes: int = 1000) -> LocalMedium:
    return LocalMedium(
        path=".kfpipe/cuts/x.png",
        sha256=sha256,
        size_bytes=size_bytes,
        mime_type="image/png",
        width_px=width_px,
        height_px=height_px,
    )


WAITING = """
  - {id: kitten, first_frame: a.png, matrix: {seed: [1, 2]}}
  - {id: walk, first_frame: {render: kitten, frame: last, take: seed=2}, last_frame: b.png}
"""


def test_a_picture_to_be_cut_is_no_medium_yet(folder: Path) -> None:
    walk = made(folder, WAITING)["walk"]
    assert walk.cuts == ((FIRST, CutFrom(take_id="kitten@seed=2", end=FrameEnd.LAST)),)
    assert [given.role for given in walk.request.media] == [LAST]
    assert walk.size is None


def test_the_source_may_come_later_in_the_manifest(folder: Path) -> None:
    found = made(folder, "  - {id: a, first_frame: {render: b, frame: first}}\n  - {id: b, first_frame: b.png}\n")
    assert found["a"].cuts == ((FIRST, CutFrom(take_id="b", end=FrameEnd.FIRST)),)


def test_a_waiting_take_is_complete_once_its_pictures_are_cut(folder: Path) -> None:
    walk = made(folder, WAITING)["walk"]
    complete, complaints = resolve.resolved(walk, {FIRST: picture()})
    assert not complaints
    assert not complete.cuts
    assert [given.role for given in complete.request.media] == [FIRST, LAST]
    assert complete.size == PictureSize(width_px=1280, height_px=720)
    assert complete.fingerprint == fingerprint.of(complete.request) != walk.fingerprint


def test_the_fingerprint_follows_the_picture_that_was_cut(folder: Path) -> None:
    walk = made(folder, WAITING)["walk"]
    prints = {resolve.resolved(walk, {FIRST: picture(sha256=digit * 64)})[0].fingerprint for digit in "ab"}
    assert len(prints) == 2


@pytest.mark.parametrize(
    ("cut", "complaint"),
    [
        (
            picture(width_px=208, height_px=120),
            "the first frame is 208x120 px; expected each side 240 to 8,000 px for wan2.7-i2v",
        ),
        (picture(size_bytes=21 * 2**20), "the first frame is 21.0 MB; expected at most 20 MB for wan2.7-i2v"),
    ],
)
def test_a_cut_picture_that_the_model_does_not_take_is_reported(folder: Path, cut: LocalMedium, complaint: str) -> None:
    assert resolve.resolved(made(folder, WAITING)["walk"], {FIRST: cut})[1] == (complaint,)


def test_a_borrowed_still_is_the_same_medium(folder: Path) -> None:
    found = made(
        folder,
        "  - {id: a, first_frame: a.png, last_frame: b.png}\n  - {id: b, first_frame: {still: a, frame: last}}\n",
    )
    assert found["b"].request.media[0].medium is found["a"].request.media[1].medium


def test_sounds_and_clips_are_media_with_their_digests(folder: Path) -> None:
    recordings.sound(folder / "voice.wav", seconds=3)
    recordings.clip(folder / "walk.mp4", seconds=3, size=(640, 480))
    found = made(
        folder,
        "  - {id: talk, first_frame: a.png, last_frame: b.png, driving_audio: voice.wav}\n"
        "  - {id: on, first_clip: walk.mp4, last_frame: b.png, duration: 8}\n",
    )
    assert [given.role for given in found["talk"].request.media] == [FIRST, LAST, MediaRole.DRIVING_AUDIO]
    assert [given.role for given in found["on"].request.media] == [LAST, MediaRole.FIRST_CLIP]
    sound, clip = (found[name].request.media[-1].medium for name in ("talk", "on"))
    assert isinstance(sound, LocalMedium)
    assert isinstance(clip, LocalMedium)
    assert (sound.mime_type, sound.width_px) == ("audio/wav", None)
    assert (clip.mime_type, clip.width_px, clip.height_px) == ("video/mp4", 640, 480)


def test_the_size_of_a_continued_clip_follows_its_beginning(folder: Path) -> None:
    recordings.clip(folder / "walk.mp4", seconds=3, size=(480, 480))
    on = made(folder, "  - {id: on, first_clip: walk.mp4, duration: 8}\n")["on"]
    assert on.size == PictureSize(width_px=960, height_px=960)
    assert on.cost is not None
    assert on.request.parameters.duration_s == 8


def test_an_effect_goes_without_a_prompt(folder: Path) -> None:
    take = made(folder, "  - {id: a, model: wan2.1-kf2v-plus, template: hanfu-1, first_frame: a.png}\n")["a"]
    assert (take.request.template, take.request.prompt, take.request.negative_prompt) == ("hanfu-1", "", "")


def test_sound_is_chosen_only_where_there_is_a_choice(folder: Path) -> None:
    found = made(
        folder,
        "  - {id: a, first_frame: a.png}\n  - {id: b, first_frame: a.png, model: wan3.0-video, audio: false}\n"
        "  - {id: c, first_frame: a.png, model: wan3.0-video}\n",
    )
    assert [found[name].request.parameters.audio for name in "abc"] == [None, False, True]
    assert found["b"].unit_price == found["c"].unit_price


def test_a_matrix_may_vary_prompts_pictures_and_patience(folder: Path) -> None:
    found = made(
        folder,
        "  - id: a\n    prompt: '{{ mood }}'\n"
        "    matrix: {first_frame: [a.png, b.png], attempts: [1], include: [{prompt: Down.}], mood: [calm]}\n",
    )
    assert list(found) == [
        "a@first_frame=a.png,attempts=1,mood=calm,prompt=Down.",
        "a@first_frame=b.png,attempts=1,mood=calm,prompt=Down.",
    ]
    assert {take.request.prompt for take in found.values()} == {"Down."}
    assert {take.attempts for take in found.values()} == {1}
    assert len({take.request.media[0].medium.digest for take in found.values()}) == 2


def test_the_bound_on_takes_can_be_raised(folder: Path) -> None:
    axes = f"{{seed: [{', '.join(map(str, range(120)))}], x: [{', '.join(map(str, range(100)))}]}}"
    shots = f"  - {{id: a, first_frame: a.png, prompt: 'x{{{{ x }}}}', matrix: {axes}}}\n"
    with pytest.raises(project.Refused) as caught:
        made(folder, shots)
    assert "12,000 takes" in caught.value.problems[0].what
    assert len(made(folder, shots, head=f"{HEAD}limits: {{matrix_takes: 12000}}\n")) == 12_000


@pytest.mark.parametrize(
    "difference",
    [
        "resolution: 480P",
        "duration: 99",
        "audio: false",
        "template: kiss",
        "model: wan2.2-kf2v-flash",
        "driving_audio: b.png",
        "first_frame: tiny.png",
        "prompt: ''",
    ],
)
def test_a_shot_that_is_nearly_like_a_sound_one_is_looked_at_by_itself(folder: Path, difference: str) -> None:
    Image.new("RGB", (20, 20)).save("tiny.png")
    field = difference.partition(":")[0]
    plain = {"first_frame": "first_frame: a.png"}
    fields = ", ".join({**plain, field: difference}.values())
    shots = f"shots:\n  - {{id: one, first_frame: a.png}}\n  - {{id: two, {fields}}}\n"
    (folder / "film.yaml").write_text(f"{HEAD}{shots}", "utf-8")
    assert {problem.where for problem in told(folder / "film.yaml")} == {"shot 'two'"}


def told(path: Path) -> tuple[Problem, ...]:
    """What is wrong with a manifest, be it errors or warnings."""
    try:
        return project.load(path, Options()).warnings
    except Refused as refusal:
        return refusal.problems


def warned(folder: Path, shots: str) -> list[tuple[str, int]]:
    """The warnings, each with its line, for the shots that begin in line 5."""
    (folder / "film.yaml").write_text(f"{HEAD}shots:\n{shots}", "utf-8")
    warnings = project.load(Path("film.yaml"), Options()).warnings
    return [(warning.what, warning.position.line) for warning in warnings if warning.position is not None]


@pytest.mark.parametrize(
    ("seconds", "duration", "rest"),
    [(8, 5, "the rest of the sound is cut off"), (3, 5, "the rest of it is silent"), (5, 5, None)],
)
def test_a_sound_of_another_length_than_the_clip_is_told_once_a_shot(
    folder: Path, seconds: int, duration: int, rest: str | None
) -> None:
    recordings.sound(folder / "voice.wav", seconds=seconds)
    shot = f"first_frame: a.png, driving_audio: voice.wav, duration: {duration}, matrix: {{seed: [1, 2, 3]}}"
    found = warned(folder, f"  - {{id: a, {shot}}}\n  - {{id: b, {shot}, prompt: Down.}}\n")
    lengths = f"the driving audio lasts {seconds} s, the clip {duration} s: {rest}"
    assert found == ([(lengths, 5), (lengths, 6)] if rest else [])


def test_a_word_on_what_shots_inherit_is_said_once(folder: Path) -> None:
    recordings.sound(folder / "voice.wav", seconds=9)
    head = HEAD.replace("Up.", "Up., first_frame: a.png, last_frame: a.png, driving_audio: voice.wav")
    (folder / "film.yaml").write_text(f"{head}shots:\n- {{id: a}}\n- {{id: b, prompt: Down.}}\n", "utf-8")
    assert len(project.load(Path("film.yaml"), Options()).warnings) == 2


def test_a_clip_and_a_last_frame_of_another_shape_get_a_warning(folder: Path) -> None:
    recordings.turn(recordings.clip(folder / "walk.mp4", seconds=2, size=(640, 360)), Transpose.ROTATE_270)
    recordings.clip(folder / "wide.mp4", seconds=2, size=(640, 360))
    ((what, line),) = warned(
        folder,
        "  - {id: a, first_clip: walk.mp4, last_frame: b.png, duration: 8}\n"
        "  - {id: b, first_clip: wide.mp4, last_frame: b.png, duration: 8}\n",
    )
    assert line == 5
    assert "differ in shape: clip 360x640 px, last 1280x720 px" in what


@pytest.mark.parametrize(
    ("first", "last", "is_told"),
    [
        ("a.png", "a.png", True),
        ("a.png", "copy.png", True),
        ("{still: k, frame: first}", "a.png", True),
        ("{render: k, frame: last}", "{render: k, frame: last}", True),
        ("{render: k, frame: first}", "{render: k, frame: last}", False),
        ("https://example.com/a.png", "https://example.com/a.png", True),
        ("https://example.com/a.png", "https://example.com/b.png", False),
        ("a.png", "c.png", False),
    ],
)
def test_a_clip_that_ends_on_its_first_picture_gets_a_word(folder: Path, first: str, last: str, is_told: bool) -> None:
    (folder / "copy.png").write_bytes((folder / "a.png").read_bytes())
    found = warned(
        folder,
        "  - {id: k, first_frame: a.png, last_frame: b.png}\n"
        f"  - {{id: loop, first_frame: {first}, last_frame: {last}, matrix: {{seed: [1, 2]}}}}\n",
    )
    assert found == [("the clip begins and ends on the same picture", 6)] * is_told
