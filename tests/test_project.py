"""The one door: what comes out for a manifest on disk, and what never gets in."""

from __future__ import annotations

import gc
import hashlib
import os
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from kfpipe import project
from kfpipe.domain import LocalMedium, MediaRole, PictureSize, RemoteMedium, Take
from kfpipe.errors import Refused
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.marks import Marks
from kfpipe.manifest.model import PriceLine
from kfpipe.project import Options, Project
from tests.support import stills

HEAD = "kfpipe: 1\nprovider: {name: dashscope}\ndefaults: {model: wan2.7-i2v}\n"
KITTEN = '  - {id: kitten, first_frame: a.png, last_frame: b.png, prompt: "The kitten looks up."}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stills.save(tmp_path, {"a.png": "navy", "b.png": "orange"}, stills.HD)
    return tmp_path


def load(folder: Path, shots: str = KITTEN, *, head: str = HEAD, options: Options | None = None) -> Project:
    folder.mkdir(exist_ok=True)
    (folder / "film.yaml").write_text(f"{head}shots:\n{shots}", "utf-8")
    return project.load(folder / "film.yaml", options or Options())


def only(loaded: Project) -> Take:
    (take,) = loaded.takes
    return take


def refused(folder: Path, shots: str = KITTEN, *, head: str = HEAD, options: Options | None = None) -> str:
    with pytest.raises(Refused) as caught:
        load(folder, shots, head=head, options=options)
    return "\n".join(problem.what for problem in caught.value.problems)


def test_a_shot_becomes_a_take_with_everything_that_a_run_needs(folder: Path) -> None:
    loaded = load(folder)
    take = only(loaded)
    assert (take.id, take.shot_id, take.output) == ("kitten", "kitten", "renders/kitten.mp4")
    assert take.size == PictureSize(width_px=1280, height_px=720)
    assert (take.unit_price, take.currency, take.cost) == (Decimal("0.10"), "USD", Decimal("0.50"))
    first, last = take.request.media
    assert isinstance(first.medium, LocalMedium)
    assert first.medium.sha256 == hashlib.sha256((folder / "a.png").read_bytes()).hexdigest()
    assert (first.role, last.role) == (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
    assert loaded.lockfile_path == folder / "film.lock.json"
    assert loaded.state_dir == folder / ".kfpipe"
    assert not loaded.warnings


def test_loading_twice_gives_the_same_takes(folder: Path) -> None:
    assert load(folder).takes == load(folder).takes


def test_a_changed_still_changes_the_fingerprint(folder: Path) -> None:
    before = only(load(folder))
    Image.new("RGB", (1280, 720), "red").save(folder / "a.png")
    assert only(load(folder)).fingerprint != before.fingerprint


def test_a_renamed_still_does_not(folder: Path) -> None:
    before = only(load(folder))
    (folder / "a.png").rename(folder / "c.png")
    assert only(load(folder, KITTEN.replace("a.png", "c.png"))).fingerprint == before.fingerprint


def test_a_remote_frame_goes_through_unseen(folder: Path) -> None:
    take = only(load(folder, KITTEN.replace("a.png", '"https://example.com/a.png"')))
    digest = hashlib.sha256(b"https://example.com/a.png").hexdigest()
    assert take.request.media[0].medium == RemoteMedium(url="https://example.com/a.png", digest=f"url-sha256:{digest}")
    assert take.size is None


def test_a_prompt_file_reads_the_same_on_every_system(folder: Path) -> None:
    shots = KITTEN.replace('"The kitten looks up."', "{file: up.j2}")
    (folder / "up.j2").write_bytes(b"\xef\xbb\xbfThe {{ shot }}\r\nlooks up.\r\n")
    assert only(load(folder, shots)).request.prompt == "The kitten\nlooks up."


def test_a_problem_in_a_prompt_file_names_the_file_beside_the_manifest(folder: Path) -> None:
    shots = KITTEN.replace('"The kitten looks up."', "{file: up.j2}").replace("a.png", "../a.png")
    (folder / ".git").mkdir()
    (folder / "film").mkdir()
    (folder / "film" / "b.png").write_bytes((folder / "b.png").read_bytes())
    (folder / "film" / "up.j2").write_text("The\n{{ kat }}")
    with pytest.raises(Refused) as caught:
        load(folder / "film", shots)
    (problem,) = caught.value.problems
    assert (problem.file, problem.position and problem.position.line) == (str(Path("film/up.j2")), 2)


def test_a_manifest_may_use_the_whole_git_work_tree(folder: Path) -> None:
    (folder / ".git").touch()  # a file, as in a linked work tree
    loaded = load(folder / "film", KITTEN.replace("a.png", "../a.png").replace("b.png", "../b.png"))
    assert loaded.root == folder
    first = only(loaded).request.media[0].medium
    assert isinstance(first, LocalMedium)
    assert first.path == "../a.png"


def test_without_git_the_manifests_folder_is_all_there_is(folder: Path) -> None:
    assert "leaves the project" in refused(folder / "film", KITTEN.replace("a.png", "../a.png"))


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_symbolic_link_does_not_lead_out_of_the_project(folder: Path) -> None:
    film = folder / "film"
    film.mkdir()
    (film / "a.png").symlink_to(folder / "a.png")
    (film / "b.png").write_bytes((folder / "b.png").read_bytes())
    (film / "renders").symlink_to(folder)
    told = refused(film)
    assert "'a.png' leads out of the project" in told
    assert "the output folder 'renders' leads out of the project" in told


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_nothing_is_written_through_a_link_in_place_of_the_state_folder(folder: Path) -> None:
    (folder / "film").mkdir()
    (folder / "film" / ".kfpipe").symlink_to(folder)
    assert "leads out of the project" in refused(folder / "film")
    assert not (folder / "digests.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_symbolic_link_within_the_project_is_fine(folder: Path) -> None:
    (folder / "c.png").symlink_to("a.png")
    assert only(load(folder, KITTEN.replace("a.png", "c.png"))).fingerprint == only(load(folder)).fingerprint


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_links_that_go_round_in_circles_are_reported(folder: Path) -> None:
    (folder / "c.png").symlink_to("d.png")
    (folder / "d.png").symlink_to("c.png")
    assert "'c.png'" in refused(folder, KITTEN.replace("a.png", "c.png"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_in_place_of_a_still_does_not_hang(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    assert "not a regular file" in refused(folder, KITTEN.replace("a.png", "pipe.png"))


def test_the_command_line_lays_variables_over_the_manifests(folder: Path) -> None:
    shots = KITTEN.replace("The kitten", "The {{ sky }} kitten")
    head = f"{HEAD}vars: {{sky: evening}}\n"
    assert only(load(folder, shots, head=head)).request.prompt == "The evening kitten looks up."
    options = Options(variables={"sky": "morning"})
    assert only(load(folder, shots, head=head, options=options)).request.prompt == "The morning kitten looks up."


def test_the_command_lines_price_wins_over_the_manifests_over_the_catalogues(folder: Path) -> None:
    head = f"{HEAD}prices: {{wan2.7-i2v: {{720P: 0.2}}}}\n"
    assert only(load(folder, head=head)).unit_price == Decimal("0.2")
    price = PriceLine(model="wan2.7-i2v", resolution="720P", amount=Decimal("0.3"))
    assert only(load(folder, head=head, options=Options(prices=(price,)))).unit_price == Decimal("0.3")


def test_a_price_that_nobody_knows_is_none(folder: Path) -> None:
    take = only(load(folder, head=HEAD.replace("wan2.7-i2v", "wan2.2-kf2v-flash")))
    assert take.unit_price is None
    assert take.cost is None


def test_a_price_of_the_command_line_for_nothing_is_refused(folder: Path) -> None:
    price = PriceLine(model="wan9", resolution="720P", amount=Decimal(1))
    assert "there is a price for 'wan9'" in refused(folder, options=Options(prices=(price,)))


def test_the_region_decides_price_and_currency(folder: Path) -> None:
    take = only(load(folder, options=Options(region="beijing")))
    assert (take.unit_price, take.currency) == (Decimal("0.60"), "CNY")


def test_the_emulator_keeps_its_results_apart(folder: Path) -> None:
    head = f"{HEAD}budget: {{max_cost: 1, currency: USD}}\n"
    paid = load(folder, head=head)
    emulated = load(folder, head=head, options=Options(emulator=True))
    assert emulated.region.name == "emulator"
    assert emulated.lockfile_path == folder / ".kfpipe" / "emulator" / "film.lock.json"
    assert emulated.state_dir == folder / ".kfpipe" / "emulator"
    assert only(emulated).output == ".kfpipe/emulator/film/kitten.mp4"
    assert only(emulated).fingerprint == only(paid).fingerprint


def test_a_manifest_for_the_emulator_is_rehearsed_in_the_currency_of_its_budget(folder: Path) -> None:
    head = HEAD.replace("dashscope", "emulator") + "budget: {max_cost: 1, currency: CNY}\n"
    loaded = load(folder, head=head)
    assert only(loaded).currency == "CNY"
    assert loaded.lockfile_path == folder / "film.lock.json"


def test_problems_are_shown_under_the_name_that_the_user_gave(folder: Path) -> None:
    (folder / "film.yaml").write_text("kfpipe: 1\n")
    for given in (Path("film.yaml"), folder / "film.yaml"):
        with pytest.raises(Refused) as caught:
            project.load(given)
        assert {problem.file for problem in caught.value.problems} == {"film.yaml"}


def test_a_missing_manifest_is_reported_with_the_one_that_was_meant(folder: Path) -> None:
    load(folder)
    with pytest.raises(Refused) as caught:
        project.load(Path("flim.yaml"))
    assert caught.value.problems[0].fix == "did you mean `film.yaml`?"


def test_a_folder_in_place_of_a_manifest_is_reported(folder: Path) -> None:
    with pytest.raises(Refused, match="folder"):
        project.load(folder)


def test_a_project_that_cannot_be_written_can_still_be_planned(folder: Path) -> None:
    (folder / ".kfpipe").touch()
    assert only(load(folder)).id == "kitten"


def test_priority_and_attempts_reach_the_take(folder: Path) -> None:
    take = only(load(folder, KITTEN.replace("}", ", attempts: 7, priority: 2}")))
    assert (take.attempts, take.priority) == (7, 2)


def test_clips_may_go_beside_the_manifest(folder: Path) -> None:
    assert only(load(folder, head=HEAD + "output: {dir: .}\n")).output == "kitten.mp4"


def test_takes_share_what_is_equal(folder: Path) -> None:
    first, second = load(folder, KITTEN + KITTEN.replace("kitten,", "walk,")).takes
    assert first.request.media[0].medium is second.request.media[0].medium
    assert first.size is second.size


def test_all_that_a_manifest_was_read_with_is_gone_when_its_takes_are_made(folder: Path) -> None:
    gc.collect()
    gc.disable()  # as it is while a large shot list is read
    try:
        before = read_with()
        loaded = load(folder)
        assert read_with() == before
        assert only(loaded).id == "kitten"
    finally:
        gc.enable()


def read_with() -> int:
    return sum(isinstance(one, Document | Marks) for one in gc.get_objects())
