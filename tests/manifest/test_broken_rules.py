"""Manifests that are well-formed and still wrong: each with the exact text that a person gets to read.

A case is one file of `broken_rules/`: the manifest, a line `---- expected ----`, the text. After a deliberate change of
a message, `python -m tests.manifest.test_broken_rules` writes the expected texts again; review the difference.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import pytest
from PIL import Image

from kfpipe import project
from kfpipe.cli.output.messages import problem_lines
from kfpipe.errors import Problem, Refused
from tests.support import golden, recordings
from tests.support.golden import Case

RULES: Final = Path(__file__).parent / "broken_rules"
CASES: Final = golden.load(RULES)

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnished(tmp_path_factory.mktemp("project"))


@each_case
def test_a_broken_rule_is_reported_with_its_place_and_a_way_out(
    case: Case, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    assert reported(case) == case.expected


@each_case
def test_a_problem_never_shows_a_password(case: Case) -> None:
    assert "secret@" not in case.expected


@each_case
def test_every_problem_says_how_to_fix_it(case: Case, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    for problem in problems(case):
        assert problem.fix, problem.what


def reported(case: Case) -> str:
    """What a person reads about a manifest of the current folder."""
    return "".join(f"{line}\n" for problem in problems(case) for line in problem_lines(problem))


def problems(case: Case) -> tuple[Problem, ...]:
    try:
        return project.load(Path(case.name)).warnings
    except Refused as refused:
        return refused.problems


def furnished(folder: Path) -> Path:
    """A project folder with every manifest of the corpus, and all the files that they name."""
    for case in CASES.values():
        (folder / case.name).write_bytes(case.source)
    for part in ("parts", "tables"):
        shutil.copytree(RULES / part, folder / part)
    frames, prompts = folder / "frames", folder / "prompts"
    frames.mkdir()
    prompts.mkdir()
    for name, size in {"a": (1280, 720), "b": (1280, 720), "tall": (720, 1280), "small": (320, 180)}.items():
        Image.new("L", size, ord(name[0])).save(frames / f"{name}.png")
    Image.new("L", (2400, 1350)).save(frames / "large.png")
    Image.new("L", (2400, 250)).save(frames / "narrow.png")
    Image.new("RGBA", (1280, 720)).save(frames / "alpha.png")
    Image.new("RGB", (1990, 1990)).save(frames / "heavy.bmp")
    Image.new("RGB", (1280, 720)).save(frames / "scan.jpg", "TIFF")
    Image.new("CMYK", (1280, 720)).save(frames / "print.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (720, 1280)).save(frames / "phone.jpg", exif=turned)
    still = Image.new("L", (640, 360))
    still.save(frames / "animation.png", format="WEBP", save_all=True, append_images=[Image.new("L", (640, 360), 255)])
    (frames / "cut.png").write_bytes((frames / "a.png").read_bytes()[:-200])
    (frames / "notes.png").write_text("remember the milk\n")
    (frames / "empty.png").touch()
    (frames / "pointer.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (prompts / "walk.j2").write_text("The kitten walks\ninto the {{ sunsett }}.\n")
    (prompts / "latin.j2").write_bytes("Der Kater hört zu.".encode("latin-1"))
    (prompts / "large.j2").write_text("walk " * 20_000)
    record(folder)
    return folder


def record(folder: Path) -> None:
    """Sounds and clips, right and wrong."""
    sounds, clips = folder / "sounds", folder / "clips"
    sounds.mkdir()
    clips.mkdir()
    recordings.sound(sounds / "voice.wav", seconds=5)
    recordings.sound(sounds / "long.wav", seconds=31)
    recordings.clip(clips / "walk.mp4", seconds=4)
    recordings.clip(clips / "tiny.mp4", seconds=1, size=(160, 90))
    (clips / "notes.mov").write_text("remember the milk\n")
    (clips / "cut.mp4").write_bytes((clips / "walk.mp4").read_bytes()[:600])


def write_expected_texts() -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(furnished(Path(os.path.realpath(folder)))):
        for case in CASES.values():
            case.write(reported(case))


if __name__ == "__main__":
    write_expected_texts()
