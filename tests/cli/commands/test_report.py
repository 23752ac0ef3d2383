"""`kfpipe report`: the page beside the clips, as a browser shows it."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote
from zipfile import ZipFile

import pytest
from PIL import Image

from tests.cli.conftest import HEAD, Call, Furnish
from tests.support.html_page import Page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

SHOTS = """\
shots:
  - {id: kitten, tags: [hero], prompt: "<script>document.title='owned'</script>", matrix: {seed: [1, 2]}}
  - {id: monster, prompt: A monster waits.}
"""


@pytest.fixture
def clips(furnish: Furnish) -> Path:
    """The folder, with a shot of two takes and a shot of one."""
    return furnish(HEAD + SHOTS)


def leads_to_files(page: Path) -> bool:
    addresses = [address for address in Page(page.read_text("utf-8")).addresses if not address.startswith("#")]
    return bool(addresses) and all((page.parent / unquote(address)).is_file() for address in addresses)


def test_the_page_lies_beside_the_clips_and_leads_to_them(clips: Path, kfpipe: Call) -> None:
    ended = kfpipe("report", "shots.yaml")
    assert (ended.code, ended.out, ended.err) == (0, "renders/shots.html: 2 shots, 3 takes, 3 clips\n", "")
    assert leads_to_files(clips / "renders" / "shots.html")


def test_a_poster_is_cut_at_the_download_and_again_for_a_page_that_misses_it(clips: Path, kfpipe: Call) -> None:
    posters = clips / ".kfpipe" / "posters"
    cut = {path.name: path.read_bytes() for path in posters.iterdir()}
    digests = {hashlib.sha256(clip.read_bytes()).hexdigest() for clip in (clips / "renders").rglob("*.mp4")}
    assert cut.keys() == {f"{digest[:32]}.jpg" for digest in digests}
    shutil.rmtree(posters)
    kfpipe("report", "shots.yaml")
    assert {path.name: path.read_bytes() for path in posters.iterdir()} == cut
    videos = Page((clips / "renders" / "shots.html").read_text("utf-8")).all("video")
    assert {video.attributes["poster"].removeprefix("../.kfpipe/posters/") for video in videos} == cut.keys()


def test_from_any_other_place_it_leads_there_too(clips: Path, kfpipe: Call) -> None:
    assert kfpipe("report", "shots.yaml", "-o", "pages/now/review.html").code == 0
    assert leads_to_files(clips / "pages" / "now" / "review.html")


def test_nothing_needs_to_be_rendered_yet(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("report", "shots.yaml", "--json")
    assert ended.json == {"file": "renders/shots.html", "shots": 2, "takes": 2, "clips": 0, "exit_code": 0}


def test_before_a_run_it_says_what_is_to_be_approved(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("report", "shots.yaml").code == 0
    text = Page((folder / "renders" / "shots.html").read_text("utf-8")).text
    takes = kfpipe("plan", "shots.yaml", "--json").json["takes"]
    assert f"to render: 2 clips for USD {2 * float(takes[0]['cost']):.2f}" in text
    for take in takes:
        size, length = f"{take['width_px']}x{take['height_px']}", f"{take['seconds']} s"
        assert f"Size {size} Length {length} Price USD {take['cost']} Seed" in text
        assert f"{take['take']} {take['model']} {size} {length} USD {take['cost']}" in text
    assert f"Total 2 clips for USD {2 * float(takes[0]['cost']):.2f}" in text


def test_a_bundle_takes_the_media_along_and_nothing_else(clips: Path, kfpipe: Call) -> None:
    (clips / "renders" / "secret.mp4").write_bytes(b"not on the page")
    ended = kfpipe("report", "shots.yaml", "--bundle", "out/film.zip")
    assert (ended.code, ended.out) == (0, "out/film.zip: 2 shots, 3 takes, 3 clips\n")
    first = (clips / "out" / "film.zip").read_bytes()
    with ZipFile(clips / "out" / "film.zip") as archive:
        names = sorted(archive.namelist())
        archive.extractall(clips / "there")
    assert leads_to_files(clips / "there" / "index.html")
    posters = [name for name in names if name.startswith("media/.kfpipe/posters/")]
    assert len(posters) == 1, "of one content"
    assert [name for name in names if name not in posters] == [
        "index.html",
        *(f"media/{name}.png" for name in "ab"),
        *(f"media/renders/{name}.mp4" for name in ("kitten@seed=1", "kitten@seed=2", "monster")),
    ]
    kfpipe("report", "shots.yaml", "--bundle", "out/film.zip")
    assert (clips / "out" / "film.zip").read_bytes() == first
    assert kfpipe("report", "shots.yaml", "--bundle", "film.html").code == 2


def test_a_selection_is_shown_alone(clips: Path, kfpipe: Call) -> None:
    assert kfpipe("report", "shots.yaml", "-s", "kitten@seed=2").out.endswith(": 1 shot, 1 take, 1 clip\n")
    text = Page((clips / "renders" / "shots.html").read_text("utf-8")).text
    assert "seed=2" in text and "seed=1" not in text and "monster" not in text


def test_a_rehearsal_has_a_page_of_its_own(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("report", "shots.yaml", "--emulator")
    assert ended.out.startswith(".kfpipe/emulator/shots/shots.html: ")


def test_the_same_takes_give_the_same_bytes(clips: Path, kfpipe: Call) -> None:
    page = clips / "renders" / "shots.html"
    kfpipe("report", "shots.yaml")
    before = page.read_bytes()
    kfpipe("report", "shots.yaml")
    assert page.read_bytes() == before


def test_only_a_page_is_written(clips: Path, kfpipe: Call) -> None:
    ended = kfpipe("report", "shots.yaml", "-o", "renders/monster.mp4")
    assert ended.code == 2
    assert ended.err == "--output: 'monster.mp4' is not an HTML file name\n  expected: a file name ending in .html\n"


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_browser_shows_the_stills_and_runs_nothing(clips: Path, kfpipe: Call) -> None:
    assert BROWSER is not None
    assert kfpipe("report", "shots.yaml").code == 0
    picture, page = clips / "page.png", clips / "renders" / "shots.html"
    ended = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
            *(f"--user-data-dir={clips / 'profile'}", "--window-size=1200,1600", "--timeout=1000"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--screenshot={picture}", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert "<title>shots: takes</title>" in ended.stdout
    assert not re.findall(r".*CONSOLE.*", ended.stderr), "the policy forbids something that the page needs"
    with Image.open(picture) as shown:
        colours = {colour for _, colour in shown.convert("RGB").getcolors(maxcolors=1 << 24) or ()}
    assert {(40, 60, 120), (230, 180, 90)} <= colours
