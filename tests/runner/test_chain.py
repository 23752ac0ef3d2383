"""Shots that continue from the pictures of others."""

from __future__ import annotations

import pytest
from PIL import Image

from kfpipe import api
from kfpipe.domain import FrameEnd, MediaRole
from kfpipe.errors import ExitCode
from kfpipe.events import TakePostponed, TakeRendered, TakeSubmitted
from kfpipe.files.durable import shown
from kfpipe.lock.states import Rendered
from kfpipe.plan.model import Action
from tests.runner.conftest import DEFAULTS, Studio, cut, difference

pytestmark = [pytest.mark.anyio, pytest.mark.whole_runs]

CHAIN = """\
shots:
- {id: walk, prompt: It walks away., first_frame: {render: kitten, frame: last}, last_frame: a.png}
- {id: home, prompt: It comes home., first_frame: {render: walk, frame: last}, last_frame: b.png}
- {id: kitten, prompt: A kitten looks up.}
- {id: street, prompt: Lamps.}
"""


async def test_a_chain_renders_in_order_and_nobody_waits_for_what_they_do_not_need(studio: Studio) -> None:
    studio.write(CHAIN)
    plan = studio.plan()
    assert [(step.take_id, step.action) for step in plan.steps] == [
        ("walk", Action.WAIT),
        ("home", Action.WAIT),
        ("kitten", Action.RENDER),
        ("street", Action.RENDER),
    ]
    finished = await studio.run()
    assert (finished.rendered, finished.exit_code, studio.billed()) == (4, ExitCode.OK, 4)
    submitted = [event.take_id for event in studio.of(TakeSubmitted)]
    assert set(submitted[:2]) == {"kitten", "street"}
    assert submitted[2:] == ["walk", "home"]
    order = [(type(event), event.take_id) for event in studio.events if isinstance(event, TakeRendered | TakeSubmitted)]
    assert order.index((TakeRendered, "kitten")) < order.index((TakeSubmitted, "walk"))
    assert [step.action for step in studio.plan().steps] == [Action.KEEP] * 4


async def test_the_picture_that_a_shot_begins_on_is_the_last_one_of_its_source(studio: Studio) -> None:
    studio.write(CHAIN)
    await studio.run()
    assert difference(cut(studio, "kitten", FrameEnd.LAST), cut(studio, "walk", FrameEnd.FIRST)) < 2


async def test_a_source_that_is_rendered_again_takes_along_what_continues_from_it(studio: Studio) -> None:
    studio.write(CHAIN)
    await studio.run()
    studio.write(CHAIN.replace("A kitten looks up.", "A kitten looks up., last_frame: a.png, first_frame: b.png"))
    assert {step.take_id: step.action for step in studio.plan().steps} == {
        "kitten": Action.RENDER,
        "walk": Action.WAIT,
        "home": Action.WAIT,
        "street": Action.KEEP,
    }
    finished = await studio.run()
    # The last picture of `walk` is a still of its own, so `home` begins on the same picture as before.
    assert finished.exit_code is ExitCode.OK
    assert [event.take_id for event in studio.of(TakeSubmitted)] == ["kitten", "walk"]
    assert studio.billed() == 6


async def test_what_continues_from_a_failed_take_is_reported_and_left_alone(studio: Studio) -> None:
    studio.write(CHAIN)
    studio.emulator.script({"on": "submit", "prompt_contains": "kitten", "do": "fail", "code": "DataInspectionFailed"})
    finished = await studio.run()
    assert (finished.rendered, finished.failed, finished.unfinished) == (1, 1, 2)
    assert {event.take_id for event in studio.of(TakePostponed)} == {"walk", "home"}
    assert {step.take_id: step.action for step in studio.plan().steps} == {
        "kitten": Action.DECIDE,
        "walk": Action.DECIDE,
        "home": Action.DECIDE,
        "street": Action.KEEP,
    }


async def test_a_source_that_is_asked_for_again_takes_along_what_continues_from_it(studio: Studio) -> None:
    studio.write(CHAIN)
    await studio.run()
    actions = {step.take_id: step.action for step in studio.plan(rerender="kitten".__eq__).steps}
    assert actions == {"kitten": Action.RENDER, "walk": Action.WAIT, "home": Action.WAIT, "street": Action.KEEP}
    finished = await studio.run(rerender={"kitten", "home"}.__contains__)
    # The same request makes the same clip, so `walk` begins on the same picture; `home` was asked for.
    assert (finished.rendered, finished.kept, finished.exit_code) == (2, 2, ExitCode.OK)
    assert [event.take_id for event in studio.of(TakeSubmitted)] == ["kitten", "home"]


BARE = DEFAULTS.replace(", first_frame: a.png, last_frame: b.png", "")
GOING_ON = """\
shots:
- {id: further, prompt: It meets another., duration: 4, first_clip: {render: walk}}
- {id: walk, prompt: A kitten walks., first_frame: a.png, last_frame: b.png}
"""


async def test_a_shot_continues_from_the_whole_clip_of_another(studio: Studio) -> None:
    studio.write(GOING_ON, BARE)
    assert [step.action for step in studio.plan().steps] == [Action.WAIT, Action.RENDER]
    finished = await studio.run()
    assert (finished.rendered, finished.exit_code, studio.billed()) == (2, ExitCode.OK, 2)
    assert [event.take_id for event in studio.of(TakeSubmitted)] == ["walk", "further"]
    walk, further = (studio.lock[take_id].entry for take_id in ("walk", "further"))
    assert isinstance(walk, Rendered)
    assert isinstance(further, Rendered)
    assert further.asked.media[MediaRole.FIRST_CLIP] == f"sha256:{walk.render.sha256}"
    # A tiny film shows of the clip that it continues only how it ends.
    assert difference(cut(studio, "walk", FrameEnd.LAST), cut(studio, "further", FrameEnd.FIRST)) < 8
    assert [step.action for step in studio.plan().steps] == [Action.KEEP] * 2
    studio.write(GOING_ON.replace("A kitten walks.", "A kitten runs."), BARE)
    assert [step.action for step in studio.plan().steps] == [Action.WAIT, Action.RENDER]


async def test_a_clip_that_came_otherwise_than_the_model_takes_it_is_reported_and_blocks_nothing(
    studio: Studio,
) -> None:
    studio.write(GOING_ON, BARE)
    studio.emulator.script({"on": "submit", "do": "film", "format": "webm"})
    finished = await studio.run()
    assert (finished.rendered, finished.exit_code, studio.billed()) == (1, ExitCode.INCOMPLETE, 1)
    (further,) = studio.plan().undecided
    assert "WebM" in further.reasons[0]


WIDE = """\
shots:
- {id: strip, prompt: A river bank passes., model: wan2.2-kf2v-flash, resolution: 480P, duration: 5, first_frame: c.png}
- {id: river, prompt: It goes on., model: wan2.2-kf2v-flash, duration: 5, first_frame: {render: strip, frame: last}}
- {id: street, prompt: Lamps.}
"""


async def test_a_picture_that_its_model_does_not_take_is_reported_and_blocks_nothing(studio: Studio) -> None:
    Image.new("RGB", (1600, 400), "teal").save(studio.folder / "c.png")
    studio.write(WIDE.replace("c.png", "c.png, last_frame: c.png"))
    for rendered in (2, 0):
        finished = await studio.run()
        assert (finished.rendered, finished.exit_code, studio.billed()) == (rendered, ExitCode.INCOMPLETE, 2)
    (river,) = studio.plan().undecided
    assert "360" in river.reasons[0]


PICKED = """\
shots:
- {id: kitten, prompt: A kitten looks up., matrix: {last_frame: [a.png, b.png]}}
- {id: walk, prompt: On., first_frame: {render: kitten, frame: last, take: last_frame=a.png}, last_frame: a.png}
"""
BY_PICK = PICKED.replace(", take: last_frame=a.png", "")


async def test_a_picked_take_of_its_source_goes_before_the_others(studio: Studio) -> None:
    studio.write(PICKED)
    await studio.run()
    api.pick(studio.load(), "kitten", "last_frame=b.png")
    assert [step.action for step in studio.plan().steps] == [Action.KEEP] * 3  # what the manifest names, stays named
    studio.write(BY_PICK)
    walk = studio.plan().steps[-1]
    assert (walk.action, walk.take and walk.take.origins) == (Action.RENDER, ("kitten@last_frame=b.png",))
    assert [reason.partition(" -> ")[2].partition(" (")[0] for reason in walk.reasons] == [
        "render of kitten@last_frame=b.png"
    ]
    assert "(picked)" in walk.reasons[0]
    api.pick(studio.load(), "kitten", "last_frame=a.png")
    assert [step.action for step in studio.plan().steps] == [Action.KEEP] * 3


async def test_without_a_pick_the_shot_that_continues_waits_for_one_and_all_else_is_rendered(studio: Studio) -> None:
    studio.write(BY_PICK)
    finished = await studio.run()
    assert (finished.rendered, finished.exit_code, studio.billed()) == (2, ExitCode.INCOMPLETE, 2)
    (walk,) = studio.plan().undecided
    pick = f"kfpipe pick {shown(studio.folder / studio.manifest)} kitten TAKE"
    assert walk.take_id == "walk"
    assert walk.reasons == (f"waits for a pick of kitten: `{pick}`, or name one with `take:`",)
    api.pick(studio.load(), "kitten", "last_frame=b.png")
    finished = await studio.run()
    assert (finished.rendered, finished.exit_code, studio.billed()) == (1, ExitCode.OK, 3)
    api.pick(studio.load(), "kitten", None)
    assert [step.action for step in studio.plan().steps] == [Action.KEEP, Action.KEEP, Action.DECIDE]
    finished = await studio.run(rerender="walk".__eq__)
    assert (finished.exit_code, studio.billed()) == (ExitCode.INCOMPLETE, 3)
    assert (studio.folder / "renders/walk.mp4").is_file()


async def test_the_picked_take_is_made_before_its_siblings(studio: Studio) -> None:
    studio.write(
        PICKED.replace("take: last_frame=a.png", "take: last_frame=b.png"), DEFAULTS.replace("tasks: 4", "tasks: 1")
    )
    await studio.run()
    assert studio.of(TakeSubmitted)[0].take_id == "kitten@last_frame=b.png"


async def test_a_take_continues_only_from_a_clip_that_is_kept(studio: Studio) -> None:
    studio.write(CHAIN)
    await studio.run()
    clip = studio.folder / "renders/kitten.mp4"
    (studio.folder / "renders/.previous").mkdir()
    clip.rename(studio.folder / "renders/.previous/kitten.mp4")
    plan = {step.take_id: step for step in studio.plan().steps}
    assert (plan["kitten"].action, plan["walk"].action) == (Action.REUSE, Action.WAIT)
    clip.write_bytes(b"not the clip on record")
    plan = {step.take_id: step for step in studio.plan().steps}
    assert plan["walk"].action in (Action.WAIT, Action.DECIDE)
    assert plan["walk"].take is not None and plan["walk"].take.cuts


async def test_the_plan_says_which_take_waits_for_which_rendered_or_not(studio: Studio) -> None:
    studio.write(CHAIN)
    waits_for = {"walk": ("kitten",), "home": ("walk",), "kitten": (), "street": ()}
    assert {step.take_id: step.take.origins for step in studio.plan().takes if step.take} == waits_for
    await studio.run()
    assert {step.take_id: step.take.origins for step in studio.plan().takes if step.take} == waits_for
