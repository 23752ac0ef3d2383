"""The morphs of `manifests/`, drafted from end to end: a folder of stills that moves in time with a track."""

from __future__ import annotations

import shutil
from array import array
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate, pairwise
from operator import mul
from pathlib import Path

import anyio
import av
import pytest
from av.audio.resampler import AudioResampler
from PIL import Image

from kfpipe import api
from kfpipe.api import Options
from kfpipe.emulator import Emulator
from kfpipe.errors import ExitCode
from tests.runner.conftest import Studio, difference
from tests.support.places import MANIFESTS

MANIFEST = "morphs.yaml"
SECONDS = (4, 2, 2) * 4
SHOTS = [f"morph.{number:02}" for number in range(1, 13)]
COMPARED_PX = (320, 180)
RATE_HZ = 8_000
"""At which sounds are compared: their tones are lower than half of it."""


def project(folder: Path, emulator: Emulator, profile: str | None = "draft") -> Studio:
    """A copy of the example, with its stills and its track."""
    shutil.copytree(MANIFESTS / "morphs", folder / "morphs", dirs_exist_ok=True)
    shutil.copy(MANIFESTS / MANIFEST, folder)
    return Studio(folder, emulator, manifest=MANIFEST, options=Options(profile=profile))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(factor=100, queue_s=0, run_s=0.5, film="tiny", enforces_rates=False) as running:
        yield running


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Studio:
    """The draft of the first seed."""
    studio = project(tmp_path_factory.mktemp("morphs"), emulator)
    ended = anyio.run(lambda: studio.run(select="*@seed=1"))
    assert (ended.exit_code, ended.rendered) == (ExitCode.OK, 12)
    return studio


def clip(studio: Studio, shot: str) -> Path:
    return studio.folder / "renders" / f"{shot}@seed=1.mp4"


def ends(path: Path) -> tuple[Image.Image, Image.Image]:
    """The first and the last picture of a clip, decoded by nothing of kfpipe's."""
    with av.open(path) as container:
        first = next(container.decode(video=0))
        container.seek(container.duration or 0)
        *_, last = container.decode(video=0)
    return first.to_image(), last.to_image()


def heard(path: Path) -> array[int]:
    """The sound of a clip or a track, decoded by nothing of kfpipe's: its samples, in one channel."""
    plain = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    numbers = array("h")
    with av.open(path) as container:
        for frame in (*container.decode(audio=0), None):
            for piece in plain.resample(frame):
                numbers.frombytes(bytes(piece.planes[0])[: 2 * piece.samples])
    return numbers


def likeness(one: array[int], other: array[int]) -> float:
    """1 where two sounds swing as one, about 0 where they have nothing to do with each other."""
    count = min(len(one), len(other))
    first, second = one[:count], other[:count]
    both, *alone = (sum(map(mul, *pair)) for pair in ((first, second), (first, first), (second, second)))
    return float(both / (alone[0] * alone[1]) ** 0.5)


def test_the_example_is_short_and_its_material_is_small(tmp_path: Path, emulator: Emulator) -> None:
    assert len((MANIFESTS / MANIFEST).read_text("utf-8").splitlines()) < 30
    assert sum(path.stat().st_size for path in (MANIFESTS / "morphs").iterdir()) < 500_000
    draft, final = project(tmp_path, emulator).plan(), project(tmp_path, emulator, profile=None).plan()
    assert [(len(plan.steps), plan.cost) for plan in (draft, final)] == [(24, Decimal("6.40")), (24, Decimal("9.60"))]


def test_each_morph_leads_from_a_still_to_the_next_and_the_last_one_to_the_first(drafted: Studio) -> None:
    stills = [Image.open(path) for path in sorted((MANIFESTS / "morphs").glob("*.jpg"))]
    for shot, given in zip(SHOTS, pairwise([*stills, stills[0]]), strict=True):
        for shown, still in zip(ends(clip(drafted, shot)), given, strict=True):
            assert difference(shown.resize(COMPARED_PX), still.resize(COMPARED_PX)) < 3, shot


def test_each_morph_sounds_as_its_part_of_the_track_and_as_no_other(drafted: Studio) -> None:
    track = heard(MANIFESTS / "morphs" / "track.mp3")
    begins = [0, *accumulate(SECONDS)]
    assert len(track) / RATE_HZ == pytest.approx(begins[-1], abs=0.1)
    sounds = [heard(clip(drafted, shot)) for shot in SHOTS]
    assert [round(len(sound) / RATE_HZ) for sound in sounds] == [*SECONDS]
    parts = [track[begin * RATE_HZ : end * RATE_HZ] for begin, end in pairwise(begins)]
    for number, sound in enumerate(sounds):
        assert likeness(sound, parts[number]) > 0.95, SHOTS[number]
        assert likeness(sound, parts[number - 1]) < 0.5, SHOTS[number]


def test_after_the_draft_one_final_of_each_picked_take_is_paid_for(drafted: Studio) -> None:
    for shot in SHOTS:
        assert api.pick(drafted.load(), shot, "seed=1")
    plan = replace(drafted, options=Options()).plan(select="picked")
    assert ([step.take_id for step in plan.steps], plan.cost) == ([f"{shot}@seed=1" for shot in SHOTS], Decimal("4.80"))
    assert {reason.partition(" ")[0] for step in plan.steps for reason in step.reasons} == {"resolution"}
