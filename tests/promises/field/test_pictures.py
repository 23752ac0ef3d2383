"""Pictures that people brought: shown as a viewer shows them, or refused for what they are."""

from __future__ import annotations

import hashlib
import json
import sys
from itertools import chain
from pathlib import Path
from typing import Any, Final

import av
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageOps, ImageStat

from kfpipe.cli.entry import main
from kfpipe.emulator import Emulator
from tests.promises.moving.world import World

HEAD: Final = """\
kfpipe: 1
provider: {name: emulator}
defaults: {model: wan2.2-kf2v-flash, resolution: 480P, prompt: A black kitten looks up.}
shots:
  - id: kitten
"""


@pytest.fixture
def told(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `plan --json` says of a shot between the case's own pictures; it writes the manifest where there is none."""
    if not (project / "shots.yaml").exists():
        stills = {path.stem: path.name for path in project.iterdir() if path.suffix not in ("", ".txt")}
        frames = f"    first_frame: {stills['a']}\n    last_frame: {stills.get('b', 'frames/b.png')}\n"
        (project / "shots.yaml").write_text(HEAD + frames, "utf-8")
    return planned(project, monkeypatch, capsys)


def planned(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> dict[str, Any]:
    monkeypatch.chdir(project)
    with pytest.raises(SystemExit):
        main(("plan", "shots.yaml", "--json", *words))
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("case", ["exif-2", "exif-3", "exif-6", "exif-8", "exif-last", "exif-png"])
def test_a_picture_with_a_rotation_tag_is_planned_as_a_viewer_shows_it(case: str, told: dict[str, Any]) -> None:
    (take,) = told["takes"]
    assert (take["width_px"], take["height_px"], told["warnings"]) == (480, 640, [])
    (prepared,) = take["prepared"]
    assert prepared["recipe"] == ["upright"]
    assert prepared["medium"] == ("last_frame" if case == "exif-last" else "first_frame")


@pytest.mark.parametrize("case", ["exif-6"])
def test_a_rotation_tag_is_refused_where_nothing_may_be_prepared(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = "    first_frame: a.jpg\n    last_frame: b.png\nstills: {prepare: []}\n"
    (project / "shots.yaml").write_text(HEAD + frames, "utf-8")
    (problem,) = planned(project, monkeypatch, capsys)["problems"]
    assert (problem["line"], problem["column"]) == (6, 18)
    assert "EXIF orientation 6" in problem["what"]
    assert "`upright`" in problem["fix"]


@pytest.mark.parametrize(
    ("case", "what", "fix"),
    [
        ("avif", "is an AVIF picture", "save it as PNG or JPEG, or add `convert`"),
        ("avif-as-jpg", "is an AVIF picture", "save it as PNG or JPEG, or add `convert`"),
        ("jpeg-zero-tail", "'a.jpg' is damaged or cut off", "copy the picture again"),
        ("ok-lfs-pointer-still", "'frames/a.png' is only a Git LFS pointer", "git lfs pull"),
    ],
)
def test_a_picture_that_is_of_no_use_is_named_for_what_it_is(told: dict[str, Any], what: str, fix: str) -> None:
    (problem,) = told["problems"]
    assert what in problem["what"]
    assert fix in problem["fix"]
    assert problem["line"]


@pytest.fixture
def without_heic(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    Image.init()
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)


@pytest.mark.parametrize("case", ["heic"])
@pytest.mark.usefixtures("without_heic")
def test_a_heic_picture_names_the_extra_that_reads_it(told: dict[str, Any]) -> None:
    (problem,) = told["problems"]
    assert "'a.heic' is a HEIC picture" in problem["what"]
    assert "save it as PNG or JPEG, or install `kfpipe[heic]`" in problem["fix"]


@pytest.mark.parametrize("case", ["dangling-symlink"])
@pytest.mark.parametrize("target", ["nowhere/dead.png", ".git/annex/objects/Xx/dead.png"])
def test_a_link_whose_content_is_elsewhere_is_no_typing_slip(
    project: Path, target: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "dead.png").symlink_to(target)
    frames = "    first_frame: dead.png\n    last_frame: frames/b.png\n"
    (project / "shots.yaml").write_text(HEAD + frames, "utf-8")
    (problem,) = planned(project, monkeypatch, capsys)["problems"]
    assert "'dead.png' is a symbolic link to nowhere" in problem["what"]
    assert "fetch its content" in problem["fix"]


@pytest.mark.parametrize("case", ["nfd-filename"])
def test_a_file_is_found_however_its_letters_are_composed(project: Path, told: dict[str, Any]) -> None:
    assert [take["action"] for take in told["takes"]] == ["render"]


# ---- what a clip shows -----------------------------------------------------------------------------------------------

CLIPS: Final = """\
kfpipe: 1
provider: {name: dashscope, region: beijing}
budget: {max_cost: 100, currency: CNY}
defaults: {model: wan2.2-kf2v-flash, resolution: 480P, prompt: A ball.}
shots:
"""
ORIENTATION: Final = 0x0112
FIRST_ON_ITS_SIDE: Final = 5
PAIRS: Final = (("1.bmp", "8.jpg"), ("2.webp", "7.png"), ("3.mpo", "6.jpg"), ("4.png", "5.webp"))
"""Of each pair the first has one of the orientations that stand, and the last one of those that lie on their side."""

ALIKE: Final = 4


def keep(file: Path) -> None:
    """A picture with the orientation of its name, another one however it is turned; the fourth is deep grey."""
    turn = int(file.stem)
    size = (480, 640) if turn < FIRST_ON_ITS_SIDE else (640, 480)
    picture = ImageOps.colorize(Image.linear_gradient("L").resize(size), (20, 30, 90), (240, 200, 120))
    ImageDraw.Draw(picture).rectangle((size[0] // 8, size[1] // 8, size[0] // 2, size[1] // 4), fill=(190, 30, 30))
    if turn == 4:
        picture = picture.convert("L").convert("I").point(lambda grey: grey * 257).convert("I;16")
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    second: dict[str, Any] = {"save_all": True, "append_images": [picture]} if file.suffix == ".mpo" else {}
    picture.save(file, exif=exif, **second)


def shown(file: Path, size: tuple[int, int]) -> Image.Image:
    """The picture as a viewer shows it."""
    with Image.open(file) as stored:
        picture = ImageOps.exif_transpose(stored)
    if picture.mode.startswith("I"):
        picture = picture.convert("I").point(lambda grey: grey / 257).convert("L")
    return picture.convert("RGB").resize(size)


def ends_of(clip: Path) -> tuple[Image.Image, Image.Image]:
    with av.open(clip) as container:
        frames = list(container.decode(video=0))
    return frames[0].to_image(), frames[-1].to_image()  # type: ignore[no-untyped-call]


def test_a_clip_begins_and_ends_on_its_stills_as_a_viewer_shows_them(tmp_path: Path) -> None:
    for name in chain(*PAIRS):
        keep(tmp_path / name)
    shots = (f"  - {{id: s{index}, first_frame: {a}, last_frame: {b}}}\n" for index, (a, b) in enumerate(PAIRS))
    with Emulator(factor=400, queue_s=(0, 1), run_s=(1, 2), film="tiny", enforces_rates=False) as emulator:
        world = World(folder=tmp_path, emulator=emulator)
        world.write("".join(shots), head=CLIPS)
        world.run()
    for index, pair in enumerate(PAIRS):
        for name, end in zip(pair, ends_of(tmp_path / "renders" / f"s{index}.mp4"), strict=True):
            difference = ImageStat.Stat(ImageChops.difference(end, shown(tmp_path / name, end.size))).mean
            assert max(difference) < ALIKE, (name, difference)
    uploads = (tmp_path / ".kfpipe" / "uploads.jsonl").read_text("utf-8").splitlines()
    prepared = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / ".kfpipe/prepared").iterdir()}
    assert len(prepared) == 7
    assert prepared < {json.loads(line)["sha256"] for line in uploads}
