"""What a take's stills are known by, as they are and as they are prepared."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Final

import pytest
from PIL import Image

from kfpipe import project
from kfpipe.domain import LocalMedium, Take
from kfpipe.errors import Refused

HEAD: Final = "kfpipe: 1\nprovider: {name: emulator}\ndefaults: {model: wan2.7-i2v, prompt: Up.}\n"
SHOT: Final = "shots:\n  - {id: kitten, first_frame: a.png, last_frame: b.png}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An opaque still that stands, and a transparent one on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (640, 360)).save(tmp_path / "a.png")
    Image.new("RGBA", (360, 640)).save(tmp_path / "b.png", exif=exif)
    return tmp_path


def take(folder: Path, stills: str, shots: str = SHOT) -> Take:
    (folder / "shots.yaml").write_text(f"{HEAD}stills: {stills}\n{shots}", "utf-8")
    return project.load(folder / "shots.yaml").takes[0]


def digests(of: Take) -> list[str]:
    return [given.medium.digest for given in of.request.media]


def widths(of: Take) -> list[int | None]:
    return [given.medium.width_px for given in of.request.media if isinstance(given.medium, LocalMedium)]


def sha256(file: Path) -> str:
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


def test_a_still_is_known_by_its_own_bytes_and_by_what_was_really_done_to_it(folder: Path) -> None:
    made = take(folder, '{prepare: [flatten, resize, upright], background: "#102030"}')
    assert digests(made) == [sha256(folder / "a.png"), sha256(folder / "b.png") + "+upright+flatten #102030"]
    still = made.request.media[1].medium
    assert isinstance(still, LocalMedium)
    assert (still.name, still.sha256) == ("b.png", sha256(folder / still.path).removeprefix("sha256:"))
    shutil.rmtree(folder / ".kfpipe")
    assert take(folder, '{prepare: [upright, flatten, resize, convert], background: "#102030"}') == made


def test_another_background_is_another_request_only_where_there_is_transparency(folder: Path) -> None:
    white, black = (
        take(folder, f'{{prepare: [upright, flatten], background: "{colour}"}}') for colour in ("#ffffff", "#000000")
    )
    assert digests(white)[0] == digests(black)[0]
    assert white.fingerprint != black.fingerprint


def test_an_included_file_speaks_for_its_own_stills(folder: Path) -> None:
    (folder / "scene.yaml").write_text(f"kfpipe: 1\nstills: {{prepare: [upright, flatten]}}\n{SHOT}", "utf-8")
    (folder / "other.yaml").write_text(f"kfpipe: 1\n{SHOT.replace('kitten', 'other')}", "utf-8")
    assert "flatten #abcdef" in digests(take(folder, '{background: "#ABCDEF"}', "include: [scene.yaml]\n"))[1]
    with pytest.raises(Refused) as refused:
        take(folder, '{background: "#ABCDEF"}', "include: [scene.yaml, other.yaml]\n")
    (problem,) = refused.value.problems
    assert problem.file.endswith("other.yaml")
    assert "`flatten`" in str(problem.fix)


def test_a_still_is_resized_for_the_model_that_a_take_has(folder: Path) -> None:
    Image.new("RGB", (2400, 1350)).save(folder / "a.png")
    Image.new("RGB", (2400, 1350)).save(folder / "b.png")
    models = SHOT.replace("b.png}", "b.png, matrix: {model: [wan2.7-i2v, wan2.2-kf2v-flash]}}")
    (folder / "shots.yaml").write_text(f"{HEAD}stills: {{prepare: [resize]}}\n{models}", "utf-8")
    large, small = project.load(folder / "shots.yaml").takes
    assert (widths(large), widths(small)) == ([2400, 2400], [2000, 2000])
