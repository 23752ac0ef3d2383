"""How much the pictures look alike where the shots of the film meet, in all that tells of it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

import kfpipe as api
from kfpipe.emulator import Emulator
from tests.cli.conftest import HEAD, Call
from tests.support import stills
from tests.support.html_page import Page

FILM = """\
shots:
  - {id: up, prompt: Up.}
  - {id: down, prompt: Down., first_frame: b.png, last_frame: a.png}
  - {id: walk, prompt: It walks., first_frame: {render: down, frame: last}}
  - {id: hard, prompt: Hard.}
  - {id: late, prompt: Late.}
"""
"""`up` and `down` share a still, `walk` begins where `down` ends, all else are hard cuts; `late` is never rendered."""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clips of the film; the first of them ends on another picture than asked."""
    folder = tmp_path_factory.mktemp("film")
    stills.save(folder, stills.PAIR)
    (folder / "shots.yaml").write_text(HEAD + FILM, "utf-8")
    emulator = Emulator(factor=400, queue_s=(0, 5), run_s=(5, 20), film="tiny", enforces_rates=False)
    with emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.base_url)
        emulator.script({"on": "submit", "prompt_contains": "Up", "do": "drift"})
        api.run(api.load(folder / "shots.yaml"), select="!late")
    return folder


@pytest.fixture
def film(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is the current folder."""
    shutil.copytree(rendered, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cuts(kfpipe: Call, *words: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = kfpipe("status", "shots.yaml", "--json", *words).json["cuts"]
    return told


def test_every_join_is_told_in_film_order_and_only_a_shared_still_can_drift(film: Path, kfpipe: Call) -> None:
    told = cuts(kfpipe)
    assert [(cut["from"], cut["to"], cut["shares_still"], cut["drifts"]) for cut in told] == [
        ("up", "down", True, True),
        ("down", "walk", True, False),
        ("walk", "hard", False, False),
        ("hard", "late", False, False),
    ]
    up, down, walk, hard = (cut["fidelity"] for cut in told)
    assert float(up) < 0.5 < 0.95 < float(down)
    assert 0 <= float(walk) <= 1 and hard is None
    assert [cut["to"] for cut in cuts(kfpipe, "-s", "down")] == ["down", "walk"]
    assert cuts(kfpipe) == told
    other = (HEAD + FILM).replace("kfpipe: 1\n", "kfpipe: 1\nchecks: {min_fidelity: 0}\n")
    (film / "shots.yaml").write_text(other, "utf-8")
    assert not any(cut["drifts"] for cut in cuts(kfpipe))


def test_the_order_of_the_film_decides_what_meets(film: Path, kfpipe: Call) -> None:
    (film / "shots.yaml").write_text(HEAD + "film: {order: [down, up]}\n" + FILM, "utf-8")
    assert [(cut["from"], cut["to"], cut["shares_still"]) for cut in cuts(kfpipe)] == [("down", "up", True)]


def test_a_trim_is_measured_where_the_film_cuts_and_is_no_drift(film: Path, kfpipe: Call) -> None:
    trimmed = FILM.replace("prompt: Up.", 'prompt: Up., trim: {out: "0.1"}')
    (film / "shots.yaml").write_text(HEAD + trimmed, "utf-8")
    [cut, *_] = cuts(kfpipe)
    assert cut["shares_still"] and not cut["drifts"] and cut["fidelity"] is not None
    before = sorted(path.name for path in (film / ".kfpipe/ends").glob("*ms.png"))
    assert len(before) == 1
    assert cuts(kfpipe)[0] == cut


def test_what_was_kept_is_cut_again_where_it_is_gone_or_is_no_picture(film: Path, kfpipe: Call) -> None:
    told = cuts(kfpipe)
    for path in (film / ".kfpipe/ends").glob("*.last.png"):
        path.write_bytes(b"no picture")
    (film / ".kfpipe/likeness.json").write_text('{"version": 1, "pairs": [1]}', "utf-8")
    assert cuts(kfpipe) == told
    shutil.rmtree(film / ".kfpipe/ends")
    (film / ".kfpipe/likeness.json").unlink()
    assert cuts(kfpipe) == told


def test_what_is_not_there_is_null(film: Path, kfpipe: Call) -> None:
    (film / "renders/down.mp4").unlink()
    assert [cut["fidelity"] is None for cut in cuts(kfpipe)] == [True, True, False, True]


def test_report_and_sheet_tell_of_the_joins(film: Path, kfpipe: Call) -> None:
    told = cuts(kfpipe)
    kfpipe("export", "shots.yaml", "-o", "film.csv", "--allow-gaps")
    rows = list(csv.DictReader((film / "film.csv").read_text("utf-8").splitlines()))
    assert [row["cut_fidelity"] for row in rows] == [*(cut["fidelity"] or "" for cut in told), ""]
    assert [row["cut_shares_still"] for row in rows] == ["yes", "yes", "", "", ""]
    assert float(rows[0]["fidelity_last"]) < 0.5 < float(rows[0]["fidelity_first"])
    kfpipe("report", "shots.yaml", "-o", "page.html")
    text = (film / "page.html").read_text("utf-8")
    assert (
        f'<a href="#shot-down">down</a>: one still, fidelity {told[0]["fidelity"]}, <span class="label drift">' in text
    )
    assert f'<a href="#shot-hard">hard</a>: fidelity {told[2]["fidelity"]}</p>' in text
    assert 'href="#shot-late">late</a>: ' not in text
    assert Page(text).all("section")
    kfpipe("report", "shots.yaml", "-o", "page.html", "-s", "up")
    assert "Cut to" not in (film / "page.html").read_text("utf-8")
