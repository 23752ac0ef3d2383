"""Which clips `kfpipe prune` may move out of the way."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from kfpipe import api
from kfpipe.lock import lockfile
from kfpipe.lock.states import Lock, Rendered
from kfpipe.maintenance import prune
from kfpipe.maintenance.prune import ClipState
from kfpipe.plan import gather
from kfpipe.project import Project
from tests.support.makers import key, render, rendered, request, take
from tests.support.manifests import PAID

CLIP = b"a clip that was paid for"
GONE = take("gone", request=request(prompt="Gone."))
DEPARTED = rendered(
    GONE, of_render=render("renders/gone.mp4", sha256=hashlib.sha256(CLIP).hexdigest(), size_bytes=len(CLIP))
)


@pytest.fixture
def film(tmp_path: Path) -> Project:
    """A project whose shot `gone` has left the manifest; its clip is in its place."""
    folder = tmp_path.resolve()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (1280, 720), "navy").save(folder / name)
    (folder / "film.yaml").write_text(f"{PAID}shots:\n  - {{id: kitten, prompt: A kitten.}}\n", "utf-8")
    (folder / "renders").mkdir()
    (folder / "renders/gone.mp4").write_bytes(CLIP)
    made = api.load(folder / "film.yaml")
    lockfile.save(made.lockfile_path, Lock(requests={key("gone"): DEPARTED}))
    return made


def states(film: Project) -> dict[str, ClipState]:
    found = prune.departed(film, gather.standing(film, lockfile.read(film.paths)))
    return {one.take_id: one.clip for one in found}


def test_the_clip_of_a_take_that_has_left_is_moved_and_found_again(film: Project) -> None:
    (one,) = prune.departed(film, gather.standing(film, lockfile.read(film.paths)))
    assert (one.clip, one.key) == (ClipState.MOVE, key("gone"))
    moved: Rendered = prune.moved(one, film.folder)
    assert (film.folder / moved.render.path).read_bytes() == CLIP
    assert (Path(moved.render.path).parent.as_posix(), moved.render.moved) == ("renders/.previous", 1)
    lockfile.save(film.lockfile_path, Lock(requests={one.key: moved}))
    assert states(film) == {"gone": ClipState.ASIDE}


def test_the_clip_that_another_manifest_has_in_its_place_is_not_ours_to_move(film: Project) -> None:
    """A shot that went from one manifest to another beside it has one clip, on record in both."""
    (film.folder / "other.yaml").write_text(PAID, "utf-8")
    lockfile.save(film.folder / "other.lock.json", Lock(requests={key("gone"): DEPARTED}))
    assert states(film) == {"gone": ClipState.ALTERED}
    (film.folder / "other.yaml").unlink()
    assert states(film) == {"gone": ClipState.MOVE}


def test_a_clip_with_other_bytes_or_none_is_left_alone(film: Project) -> None:
    (film.folder / "renders/gone.mp4").write_bytes(CLIP[::-1])
    assert states(film) == {"gone": ClipState.ALTERED}
    (film.folder / "renders/gone.mp4").unlink()
    assert states(film) == {"gone": ClipState.MISSING}


def test_a_renamed_take_has_not_left(film: Project) -> None:
    wanted = film.takes[0]
    entry = rendered(wanted, of_render=DEPARTED.render)
    lockfile.save(film.lockfile_path, Lock(requests={key("gone"): entry}))
    assert states(film) == {}
