"""Clips on disk: compared with the record, and found wherever their bytes are, but never outside of the project."""

from __future__ import annotations

import hashlib
from pathlib import Path

import anyio
import pytest

from kfpipe.files import statcache
from kfpipe.lock.join import Requests
from kfpipe.lock.records import Neighbour
from kfpipe.lock.states import Render
from kfpipe.media import placement, renders
from kfpipe.media.facts import FileState
from kfpipe.media.renders import Shelf
from tests.support.makers import failed, lock, record, render, rendered, submitted, take

CLIP = b"a clip that was paid for"
OTHER = CLIP[::-1]
"""Of the same size."""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


RENDER = render("renders/kitten.mp4", sha256=digest(CLIP), size_bytes=len(CLIP))
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{RENDER.sha256}\nsize {len(CLIP)}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path.resolve() / "project"
    (made / "film" / "renders").mkdir(parents=True)
    return made


def shelf(root: Path) -> Shelf:
    return Shelf(root / "film", root, "renders", root / "film" / ".kfpipe")


def put(path: Path, content: bytes = CLIP) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def stored(root: Path) -> Path:
    """Where Git LFS keeps the clip."""
    return root / ".git" / "lfs" / "objects" / RENDER.sha256[:2] / RENDER.sha256[2:4] / RENDER.sha256


# ---- in its place ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (CLIP, FileState.MATCHES),
        (OTHER, FileState.ALTERED),
        (CLIP[:-1], FileState.ALTERED),
        (b"", FileState.ALTERED),
        (None, FileState.MISSING),
    ],
)
def test_a_file_is_compared_by_all_of_its_bytes(root: Path, content: bytes | None, state: FileState) -> None:
    if content is not None:
        put(root / "film/renders/kitten.mp4", content)
    assert shelf(root).state("renders/kitten.mp4", RENDER) is state


def test_a_folder_or_a_file_in_the_way_is_no_clip(root: Path) -> None:
    (root / "film/renders/kitten.mp4").mkdir()
    put(root / "film/file")
    assert shelf(root).state("renders/kitten.mp4", RENDER) is FileState.ALTERED
    assert shelf(root).state("file/kitten.mp4", RENDER) is FileState.MISSING


def test_a_pointer_counts_as_one_only_where_it_stands_for_this_clip(root: Path) -> None:
    big = render(sha256=RENDER.sha256, size_bytes=1_000_000)
    place = put(root / "film/renders/kitten.mp4", POINTER.encode())
    assert shelf(root).state("renders/kitten.mp4", big) is FileState.POINTER
    put(place, POINTER.replace(RENDER.sha256, "0" * 64).encode())
    assert shelf(root).state("renders/kitten.mp4", big) is FileState.ALTERED


# ---- found elsewhere -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        "film/renders/kitten.mp4",
        "film/renders/cat.mp4",
        "film/renders/2026/november/cat.mp4",
        f"film/renders/.previous/kitten.{RENDER.sha256[:12]}.mp4",
        f"film/renders/.refused/kitten.{RENDER.sha256[:12]}.mp4",
        "film/renders/.previous/named-by-hand.mp4",
    ],
)
def test_a_clip_is_found_by_its_bytes_whatever_its_place_is_called(root: Path, place: str) -> None:
    found = put(root / place)
    put(root / "film/renders/other.mp4", OTHER)
    assert shelf(root).find(RENDER) == found


def test_what_was_set_aside_beside_an_earlier_output_folder_is_found(root: Path) -> None:
    found = put(root / f"film/clips/.previous/kitten.{RENDER.sha256[:12]}.mp4")
    assert shelf(root).find(render("clips/kitten.mp4", sha256=RENDER.sha256, size_bytes=len(CLIP))) == found


@pytest.mark.parametrize("place", ["trailer/renders/kitten.mp4", f"trailer/renders/.previous/{RENDER.sha256[:12]}.mp4"])
def test_a_clip_of_another_manifest_is_found_beside_that_manifest(root: Path, place: str) -> None:
    found = put(root / place)
    assert shelf(root).find(RENDER, root / "trailer") == found
    assert shelf(root).find(RENDER) is None


def test_a_download_that_is_not_complete_is_no_clip(root: Path) -> None:
    put(root / "film/renders/.partial/task-1.mp4")
    assert shelf(root).find(RENDER) is None


def test_what_has_other_bytes_is_not_found_whatever_its_name_says(root: Path) -> None:
    put(root / f"film/renders/.previous/kitten.{RENDER.sha256[:12]}.mp4", OTHER)
    put(root / "film/renders/kitten.mp4", OTHER)
    assert shelf(root).find(RENDER) is None


def test_only_files_of_the_same_size_are_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project has thousands of clips, of gigabytes; to look for one must not mean to read all."""
    for number in range(20):
        put(root / f"film/renders/{number}.mp4", b"x" * (number + 100))
    put(root / "film/renders/kitten.mp4", OTHER * 2)
    put(root / f"film/renders/.previous/kitten.{RENDER.sha256[:12]}.mp4", OTHER * 2)
    put(root / "film/renders/same.mp4", OTHER)
    found = put(root / "film/renders/zzz.mp4")
    read: list[str] = []

    def counted(path: Path) -> str:
        read.append(path.name)
        return digest(path.read_bytes())

    monkeypatch.setattr(renders, "sha256_of", counted)
    assert shelf(root).find(RENDER) == found
    assert read == ["same.mp4", "zzz.mp4"]


def test_a_file_is_read_once_as_long_as_it_stays_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statcache, "RACY_NS", -1)
    put(root / "film/renders/kitten.mp4")
    first = shelf(root)
    assert first.state("renders/kitten.mp4", RENDER) is FileState.MATCHES
    first.save()

    def never(path: Path) -> str:
        raise AssertionError(f"{path} is read again")

    monkeypatch.setattr(renders, "sha256_of", never)
    assert shelf(root).state("renders/kitten.mp4", RENDER) is FileState.MATCHES


# ---- never outside of the project ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["../../outside/kitten.mp4", "renders/../../../outside/kitten.mp4"])
def test_a_path_that_leads_out_of_the_project_finds_nothing(root: Path, path: str) -> None:
    put(root.parent / "outside/kitten.mp4")
    assert shelf(root).find(render(path, sha256=RENDER.sha256, size_bytes=len(CLIP))) is None


def test_a_link_that_leads_out_of_the_project_finds_nothing(root: Path) -> None:
    outside = put(root.parent / "outside/kitten.mp4")
    (root / "film/renders/kitten.mp4").symlink_to(outside)
    (root / "film/renders/.previous").symlink_to(outside.parent)
    (root / "film/renders/more").symlink_to(outside.parent)
    assert shelf(root).find(RENDER) is None


def test_links_in_a_circle_end(root: Path) -> None:
    (root / "film/renders/again").symlink_to(root / "film/renders")
    (root / "film/renders/kitten.mp4").symlink_to(root / "film/renders/kitten.mp4")
    assert shelf(root).find(RENDER) is None
    assert shelf(root).state("renders/kitten.mp4", RENDER) is FileState.ALTERED


def test_what_a_link_of_the_project_leads_to_is_found_and_stays_there(root: Path) -> None:
    archive, link = put(root / "archive/kitten.mp4"), root / "film/renders/cat.mp4"
    link.symlink_to(archive)
    found = shelf(root).find(RENDER)
    assert found == link
    brought(found, root / "film/renders/kitten.mp4", moved=True)
    assert not (root / "film/renders/kitten.mp4").is_symlink()
    assert (archive.read_bytes(), link.is_symlink()) == (CLIP, True)


# ---- Git LFS ---------------------------------------------------------------------------------------------------------


def test_what_git_lfs_has_fetched_is_at_hand(root: Path) -> None:
    (root / ".git").mkdir()
    put(root / "film/renders/kitten.mp4", POINTER.encode())
    assert shelf(root).find(RENDER) is None
    found = put(stored(root))
    assert shelf(root).find(RENDER) == found


def test_what_git_lfs_has_stored_damaged_is_not(root: Path) -> None:
    put(stored(root), OTHER)
    assert shelf(root).find(RENDER) is None


def test_the_store_of_a_project_without_git_is_not_asked(root: Path) -> None:
    put(root / "lfs/objects" / RENDER.sha256[:2] / RENDER.sha256[2:4] / RENDER.sha256)
    assert shelf(root).find(RENDER) is None


# ---- brought into place ----------------------------------------------------------------------------------------------


def brought(source: Path, target: Path, *, moved: bool) -> None:
    async def bring() -> None:
        await placement.bring(source, target, RENDER.sha256, moved=moved)

    anyio.run(bring)
    assert target.read_bytes() == CLIP


@pytest.mark.parametrize("moved", [True, False])
def test_the_clip_takes_the_place_of_its_own_pointer_and_the_store_keeps_it(root: Path, moved: bool) -> None:
    target = put(root / "film/renders/kitten.mp4", POINTER.encode())
    brought(put(stored(root)), target, moved=moved)
    assert stored(root).read_bytes() == CLIP
    assert [path.name for path in target.parent.iterdir()] == ["kitten.mp4"], "a pointer is nothing to keep"


def test_the_pointer_to_another_clip_is_set_aside(root: Path) -> None:
    pointer = POINTER.replace(RENDER.sha256, "0" * 64).encode()
    target = put(root / "film/renders/kitten.mp4", pointer)
    brought(put(root / "film/renders/cat.mp4"), target, moved=True)
    (aside,) = (target.parent / ".previous").iterdir()
    assert aside.read_bytes() == pointer


@pytest.mark.parametrize("moved", [True, False])
def test_what_was_in_the_place_is_set_aside_and_the_source_is_kept_unless_it_is_moved(root: Path, moved: bool) -> None:
    source, target = put(root / "film/renders/cat.mp4"), put(root / "film/renders/kitten.mp4", OTHER)
    brought(source, target, moved=moved)
    (aside,) = (target.parent / ".previous").iterdir()
    assert (aside.read_bytes(), source.exists()) == (OTHER, not moved)
    assert not (target.parent / ".partial").exists()


# ---- files that are nobody's, or another's ---------------------------------------------------------------------------


def test_a_file_is_a_stray_where_no_request_of_the_take_ever_had_a_clip(root: Path) -> None:
    put(root / "film/renders/kitten.mp4")
    takes, folder = [take()], root / "film"
    stray = {"kitten": FileState.STRAY}
    assert renders.strays(takes, {}, folder) == stray
    assert renders.strays(takes, {"kitten": record(failed())}, folder) == stray
    assert renders.strays(takes, {"kitten": record(submitted(number=2), rendered())}, folder) == {}
    assert renders.strays([take("cat")], {}, folder) == {}


def test_the_clip_of_another_manifest_in_the_place_of_a_take_is_known_by_its_bytes(root: Path) -> None:
    place, folder = put(root / "film/renders/kitten.mp4"), root / "film"

    def owned(states: dict[str, FileState], of_render: Render = RENDER, *, is_alone: bool = False) -> dict[str, str]:
        requests = Requests(lock(rendered(of_render=of_render)).requests)
        other = Neighbour(name="film/b.lock.json", folder=folder, requests=requests, is_alone=is_alone)
        return renders.owners([take()], states, [other], shelf(root), folder)

    for state in (FileState.STRAY, FileState.ALTERED):
        assert owned({"kitten": state}) == {"kitten": "film/b.lock.json"}
    assert owned({"kitten": FileState.MATCHES}) == {}, "it is ours as well"
    assert owned({"kitten": FileState.STRAY}, is_alone=True) == {}
    assert owned({"kitten": FileState.STRAY}, render("renders/cat.mp4", sha256=RENDER.sha256, size_bytes=24)) == {}
    put(place, OTHER)
    assert owned({"kitten": FileState.STRAY}) == {}
