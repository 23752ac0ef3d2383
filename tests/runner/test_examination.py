"""A clip counts as rendered when its bytes are proven whole; it is decoded to its end after that, once."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from kfpipe.domain import MediaRole
from kfpipe.errors import ExitCode
from kfpipe.events import RunFinished, TakeExamined, TakePostponed, TakeRendered, TakeSubmitted
from kfpipe.lock import check
from kfpipe.lock.states import Rendered
from kfpipe.media.posters import Posters
from kfpipe.plan.model import Action
from tests.promises.faults import hurry
from tests.runner.conftest import Studio

pytestmark = [pytest.mark.anyio, pytest.mark.whole_runs]


@pytest.fixture(params=hurry.BACKENDS)
def anyio_backend(request: pytest.FixtureRequest, studio: Studio) -> tuple[str, dict[str, Any]]:
    """Loops on a fast clock: before a clip is given up, it is fetched several times, with pauses between."""
    studio.submit_timeout_s = 60.0
    return hurry.backend_of(request.param)


ONE = "shots: [{id: kitten, prompt: Up.}]\n"
TWO = "shots: [{id: kitten, prompt: Up.}, {id: street, prompt: Down.}]\n"
BARE = {"on": "download", "do": "bare"}
"""A store that states no checksum: what is wrong with a clip shows only when it is decoded."""


def rendered(studio: Studio, take_id: str = "kitten") -> Rendered:
    entry = studio.lock[take_id].entry
    assert isinstance(entry, Rendered)
    return entry


def has_poster(studio: Studio, entry: Rendered) -> bool:
    return Posters(studio.folder / ".kfpipe").place(entry.render.sha256).is_file()


def spoilt_end(studio: Studio, size_bytes: int) -> dict[str, Any]:
    """A fault that leaves all parts, all packets and the first picture of a clip, and nothing of its last pictures."""
    return {"on": "download", "do": "corrupt", "at_byte": size_bytes - 1_500, "length_bytes": 1_500}


async def size_of_the_clip(studio: Studio) -> int:
    """What the clip of `ONE` will be, made once and forgotten."""
    await studio.run()
    size_bytes = rendered(studio).render.size_bytes
    studio.lockfile.unlink()
    for path in (studio.folder / ".kfpipe").glob("*journal*"):
        path.unlink()
    (studio.folder / "renders/kitten.mp4").unlink()
    return size_bytes


def lock_problems(studio: Studio) -> tuple[object, ...]:
    return check.problems(studio.lockfile.read_bytes(), "shots.lock.json")


async def test_a_clip_is_rendered_first_and_looked_over_before_the_run_ends(studio: Studio) -> None:
    studio.write(TWO)
    await studio.run()
    for take_id in ("kitten", "street"):
        kinds = [type(event) for event in studio.events if getattr(event, "take_id", take_id) == take_id]
        assert kinds[-3:] == [TakeRendered, TakeExamined, RunFinished]
        entry = rendered(studio, take_id)
        assert entry.render.fidelity is not None and has_poster(studio, entry)
    assert (await studio.run()).kept == 2
    assert not studio.of(TakeExamined)


async def test_what_a_run_does_not_come_to_look_over_the_next_one_does_without_a_request(studio: Studio) -> None:
    studio.write(ONE)
    with anyio.CancelScope() as broken_off:
        await studio.run(emit=lambda event: broken_off.cancel() if isinstance(event, TakeRendered) else None)
    assert rendered(studio).render.fidelity is None
    before = len(studio.emulator.requests())
    finished = await studio.run()
    assert (finished.kept, finished.exit_code, len(studio.emulator.requests())) == (1, ExitCode.OK, before)
    assert [event.take_id for event in studio.of(TakeExamined)] == ["kitten"]
    assert rendered(studio).render.fidelity is not None
    assert has_poster(studio, rendered(studio))


async def test_damage_that_only_decoding_finds_has_the_clip_fetched_again_for_nothing(studio: Studio) -> None:
    studio.write(ONE)
    size_bytes = await size_of_the_clip(studio)
    billed = studio.billed()
    studio.emulator.script(BARE, spoilt_end(studio, size_bytes) | {"nth": 1})
    finished = await studio.run()
    assert (finished.rendered, finished.exit_code, studio.billed()) == (1, ExitCode.OK, billed + 1)
    entry = rendered(studio)
    assert entry.render.fidelity is not None and has_poster(studio, entry)
    assert entry.result.refused is not None and (studio.folder / entry.result.refused.path).is_file()
    assert entry.result.refused.path.startswith("renders/.refused/kitten.")
    assert studio.clips() == {"renders/kitten.mp4", entry.result.refused.path}
    assert lock_problems(studio) == ()
    assert [step.action for step in studio.plan().steps] == [Action.KEEP]
    kinds = [type(event) for event in studio.events if isinstance(event, TakeRendered | TakeExamined | TakePostponed)]
    assert kinds == [TakeRendered, TakeExamined]


CHAINED = ONE.replace("}]", "}, {id: walk, first_clip: {render: kitten}, first_frame: null, duration: 4, prompt: On.}]")


@pytest.mark.parametrize("is_hopeless", [False, True], ids=["on its way", "at the service"])
async def test_no_shot_continues_from_a_clip_that_turns_out_to_be_damaged(studio: Studio, is_hopeless: bool) -> None:
    studio.write(ONE)
    size_bytes = await size_of_the_clip(studio)
    billed = studio.billed()
    studio.write(CHAINED)
    fault = spoilt_end(studio, size_bytes) | ({} if is_hopeless else {"nth": 1})
    studio.emulator.script(BARE, fault)
    finished = await studio.run()
    assert (finished.rendered, studio.billed() - billed) == ((0, 1) if is_hopeless else (2, 2))
    if not is_hopeless:
        clip = rendered(studio, "kitten").render.sha256
        assert rendered(studio, "walk").asked.media[MediaRole.FIRST_CLIP] == f"sha256:{clip}"
        kinds = [type(event) for event in studio.events if isinstance(event, TakeExamined | TakeSubmitted)]
        assert kinds == [TakeSubmitted, TakeExamined, TakeSubmitted, TakeExamined]
        assert [step.action for step in studio.plan().steps] == [Action.KEEP] * 2


async def test_a_clip_that_is_damaged_at_the_service_is_kept_apart_and_left_to_a_person(studio: Studio) -> None:
    studio.write(ONE)
    size_bytes = await size_of_the_clip(studio)
    billed = studio.billed()
    studio.emulator.script(BARE, spoilt_end(studio, size_bytes))
    finished = await studio.run()
    assert (finished.rendered, finished.unfinished, finished.exit_code) == (0, 1, ExitCode.INCOMPLETE)
    entry = rendered(studio)
    assert entry.result.refused is not None
    assert studio.clips() == {entry.result.refused.path}
    (event,) = studio.of(TakePostponed)
    assert event.reason.startswith(f"its clip is damaged, and kept at {entry.result.refused.path}: ")
    (step,) = studio.plan().steps
    assert (step.action, step.reasons) == (Action.DECIDE, (f"its clip is damaged: {entry.result.refused.path}",))
    assert (await studio.run()).exit_code is ExitCode.INCOMPLETE
    assert studio.billed() == billed + 1
    (studio.folder / entry.result.refused.path).rename(studio.folder / "renders/kitten.mp4")  # it will do after all
    assert (await studio.run()).exit_code is ExitCode.OK
    assert studio.clips() == {"renders/kitten.mp4"}


async def test_a_checksum_that_does_not_agree_has_the_clip_fetched_again(studio: Studio) -> None:
    studio.write(ONE)
    studio.emulator.script({"on": "download", "nth": 1, "do": "checksum"})
    finished = await studio.run()
    assert (finished.rendered, studio.billed(), studio.clips()) == (1, 1, {"renders/kitten.mp4"})
    assert sum(entry["phase"] == "download" for entry in studio.emulator.requests()) == 2


@pytest.mark.parametrize("act", [{"do": "corrupt", "at_byte": 20_000}, {"do": "corrupt"}], ids=["inside", "first byte"])
async def test_damage_on_the_way_does_not_pass_the_stores_checksum(studio: Studio, act: dict[str, Any]) -> None:
    studio.write(ONE)
    studio.emulator.script({"on": "download", "nth": 1, **act})
    await studio.run()
    assert sum(entry["phase"] == "download" for entry in studio.emulator.requests()) == 2
    assert rendered(studio).result.refused is None
