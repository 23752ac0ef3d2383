"""The storyboard of `manifests/`, drafted from end to end: what waits for what, what an edit costs, what goes on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import anyio
import av
import pytest
from PIL import Image

from kfpipe.api import Options
from kfpipe.domain import FrameEnd
from kfpipe.emulator import Emulator
from kfpipe.emulator.film.scene import StoredFile
from kfpipe.emulator.tasks import Task
from kfpipe.errors import ExitCode
from kfpipe.events import Event, RunFinished, TakeRendered, TakeSubmitted
from kfpipe.lock.states import name_of
from kfpipe.plan.model import Action, Plan
from tests.runner.conftest import Studio, cut, difference
from tests.support.places import MANIFESTS

MANIFEST, LOCKFILE = "storyboard.yaml", "storyboard.lock.json"
SOURCE, CONTINUED = "voyage.11", "tomorrow"
Story = list[tuple[type[Event], str]]

AT_ONCE, ENOUGH = 2, 3
"""Tasks that may be in progress together; takes that come home while the source is held back."""

LIMITS = f"limits: {{submissions_per_second: 50, concurrent_tasks: {AT_ONCE}, queries_per_second: 50}}\n"
ROWS = 16
"""Of the table's forty: enough to have every kind of neighbour."""


def git(studio: Studio, *words: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    command = ["git", "-C", str(studio.folder), *who, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def run(studio: Studio, emit: Callable[[Event], None] | None = None) -> RunFinished:
    return anyio.run(lambda: studio.run(emit=emit))


def project(folder: Path, emulator: Emulator, *, rows: int | None = None) -> Studio:
    """A copy of the example, its draft chosen."""
    shutil.copytree(MANIFESTS / "frames", folder / "frames")
    table = (MANIFESTS / "storyboard.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "storyboard.csv").write_text("".join(table[: None if rows is None else 1 + rows]), "utf-8")
    (folder / MANIFEST).write_text((MANIFESTS / MANIFEST).read_text("utf-8") + LIMITS, "utf-8")
    return Studio(folder, emulator, manifest=MANIFEST, options=Options(profile="draft"), submit_timeout_s=60.0)


def told(studio: Studio) -> Story:
    """What was asked for and what came home, in this order."""
    return [(type(event), event.take_id) for event in studio.events if isinstance(event, TakeSubmitted | TakeRendered)]


def overtakers(story: Story) -> set[str]:
    """The takes that were asked for after the source, and came home before it."""
    asked = {take_id: place for place, (kind, take_id) in enumerate(story) if kind is TakeSubmitted}
    home = {take_id: place for place, (kind, take_id) in enumerate(story) if kind is TakeRendered}
    end = len(story)
    return {
        take_id for take_id in home if asked[take_id] > asked.get(SOURCE, end) and home[take_id] < home.get(SOURCE, end)
    }


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(factor=100, queue_s=(0, 2), run_s=(5, 15), film="tiny", enforces_rates=False) as running:
        yield running


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Studio:
    """The draft, rendered once and committed; the clip that another one continues from was slow to come home."""
    studio = project(tmp_path_factory.mktemp("storyboard"), emulator, rows=ROWS)

    def held_back(_: Event) -> None:
        """Let the source's clip come once enough of those that were asked for later are here."""
        if len(overtakers(told(studio))) == ENOUGH:
            emulator.forgive()

    emulator.script({"on": "download", "prompt_contains": "Night falls", "do": "answer", "status": 503})
    assert run(studio, held_back).exit_code is ExitCode.OK
    (studio.folder / ".gitignore").write_text("renders/\n.kfpipe/\n", "utf-8")
    git(studio, "init", "-q")
    git(studio, "add", ".")
    git(studio, "commit", "-q", "-m", "Render the draft")
    return studio


@pytest.fixture
def studio(drafted: Studio, tmp_path: Path) -> Studio:
    """A copy of the project to work on."""
    shutil.copytree(drafted.folder, tmp_path / "copy")
    return replace(drafted, folder=tmp_path / "copy", events=[])


def edit(studio: Studio, before: str, after: str) -> None:
    path = studio.folder / MANIFEST
    text = path.read_text("utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), "utf-8")


def repaint(still: Path) -> None:
    """The same picture in another light."""
    Image.open(still).point([value // 2 for value in range(256)] * 3).save(still)


def changed(plan: Plan) -> dict[str, list[str]]:
    """The fields that changed, by take: the words that their reasons begin with."""
    return {
        step.take_id: [reason.partition(" ")[0] for reason in step.reasons]
        for step in plan.steps
        if step.action is Action.RENDER
    }


# ---- the example itself ------------------------------------------------------------------------------------------


def test_the_storyboard_is_short_and_plans_every_variant(tmp_path: Path, emulator: Emulator) -> None:
    assert len((MANIFESTS / MANIFEST).read_text("utf-8").splitlines()) < 60
    draft = project(tmp_path, emulator)
    film = replace(draft, options=Options())
    assert (len(draft.plan().steps), draft.plan().cost) == (11 + 1 + 40, Decimal("3.900"))
    assert (len(film.plan().steps), film.plan().cost) == (11 * 3 * 2 + 1 + 40, Decimal("61.75"))


def test_the_stills_of_all_examples_are_small() -> None:
    assert sum(path.stat().st_size for path in (MANIFESTS / "frames").iterdir()) < 1_000_000


# ---- order -------------------------------------------------------------------------------------------------------


def asked_for(studio: Studio, take_id: str) -> Task:
    """The emulator's own record of a take's task."""
    prompt = studio.lock[take_id].entry.asked.prompt
    (task,) = (task for task in studio.emulator.account.tasks() if task.prompt == prompt)
    return task


def test_every_take_of_the_draft_is_paid_for_once(drafted: Studio) -> None:
    assert len(drafted.lock) == 11 + 1 + ROWS
    assert not drafted.emulator.bill().duplicates
    assert [step.action for step in drafted.plan().steps] == [Action.KEEP] * len(drafted.lock)


def test_a_shot_is_asked_for_once_the_clip_that_it_continues_from_is_here(drafted: Studio) -> None:
    story = told(drafted)
    assert story.index((TakeRendered, SOURCE)) < story.index((TakeSubmitted, CONTINUED))
    ended_at = asked_for(drafted, SOURCE).ended_at()
    assert ended_at is not None
    assert ended_at < asked_for(drafted, CONTINUED).submitted_at


def test_a_shot_takes_its_own_turn_once_the_picture_that_it_continues_from_is_cut(drafted: Studio) -> None:
    (note,) = (drafted.folder / ".kfpipe/cuts").glob("*.json")
    since = note.stat().st_mtime  # the last that is written before the shot is in line
    asked = sorted((record.entry.asked.asked_at.timestamp(), take_id) for take_id, record in drafted.lock.items())
    before = [take_id for at, take_id in asked if at >= since]
    assert before.index(CONTINUED) <= 2 * AT_ONCE + 1  # as many others are prepared before theirs


def test_no_other_shot_waits_for_a_slow_source(drafted: Studio) -> None:
    assert len(overtakers(told(drafted))) >= ENOUGH > AT_ONCE


# ---- edits -------------------------------------------------------------------------------------------------------


def test_a_new_prompt_changes_one_take(studio: Studio) -> None:
    edit(studio, "The boat leaves the headland behind", "The boat slips past the headland")
    assert changed(studio.plan()) == {"voyage.03": ["prompt"]}


def test_a_new_keyframe_changes_the_two_shots_that_share_it(studio: Studio) -> None:
    shutil.copy(studio.folder / "frames/voyage_06.jpg", studio.folder / "frames/island.jpg")
    repaint(studio.folder / "frames/island.jpg")
    edit(studio, "frames/voyage_06.jpg", "frames/island.jpg")
    assert changed(studio.plan()) == {"voyage.05": ["last_frame"], "voyage.06": ["first_frame"]}


def test_a_run_touches_the_records_of_what_was_edited_and_no_others(studio: Studio) -> None:
    edit(studio, "The boat leaves the headland behind", "The boat slips past the headland")
    repaint(studio.folder / "frames/voyage_06.jpg")
    concerned = changed(studio.plan())
    assert concerned == {
        "voyage.03": ["prompt"],
        "voyage.05": ["last_frame"],
        "voyage.06": ["first_frame"],
        "loop_06": ["first_frame", "last_frame"],
        "lapse_04": ["last_frame"],
    }
    assert run(studio).rendered == len(concerned)
    assert touched(studio) == set(concerned)


def touched(studio: Studio) -> set[str]:
    """The takes whose lines differ from those that are committed."""
    lines = (studio.folder / LOCKFILE).read_text("utf-8").splitlines()
    takes: set[str] = set()
    for start, count in re.findall(
        r"^@@ \S+ \+(\d+)(?:,(\d+))? @@", git(studio, "diff", "-U0", LOCKFILE), re.MULTILINE
    ):
        for line in range(int(start), int(start) + int(count or 1)):
            heads = (re.match(r'    "([^"]+)": \{', text) for text in reversed(lines[:line]))
            takes.add(name_of(next(head[1] for head in heads if head)))
    return takes


# ---- going on ----------------------------------------------------------------------------------------------------


def last_picture(studio: Studio, take_id: str) -> Image.Image:
    """The last picture of a clip, decoded by nothing of kfpipe's."""
    with av.open(studio.folder / "renders" / f"{take_id}.mp4") as container:
        *_, last = container.decode(video=0)
    return last.to_image()


def test_the_uploaded_still_is_the_last_picture_of_the_source(drafted: Studio) -> None:
    order = asked_for(drafted, CONTINUED).order
    assert order is not None
    still = order.media["first_frame"]
    assert isinstance(still, StoredFile)
    assert difference(Image.open(still.path), last_picture(drafted, SOURCE)) < 2


def test_the_continued_clip_begins_where_its_source_ends(drafted: Studio) -> None:
    assert difference(cut(drafted, SOURCE, FrameEnd.LAST), cut(drafted, CONTINUED, FrameEnd.FIRST)) < 2


def test_a_source_that_is_asked_for_again_takes_along_what_continues_from_it(studio: Studio) -> None:
    steps = {step.take_id: step for step in studio.plan(rerender=SOURCE.__eq__).work}
    assert {take_id: step.action for take_id, step in steps.items()} == {
        SOURCE: Action.RENDER,
        CONTINUED: Action.WAIT,
    }
    assert steps[SOURCE].reasons == ("asked for with --rerender",)
    assert steps[CONTINUED].reasons == (f"continues from {SOURCE}", "rendered again if its picture changes")


def test_a_source_with_another_end_is_continued_again(studio: Studio) -> None:
    repaint(studio.folder / "frames/voyage_12.jpg")
    paid_before = studio.billed()
    assert run(studio).exit_code is ExitCode.OK
    assert [event.take_id for event in studio.of(TakeSubmitted)][-1] == CONTINUED
    assert studio.billed() - paid_before == len(studio.of(TakeSubmitted))
    assert difference(cut(studio, SOURCE, FrameEnd.LAST), cut(studio, CONTINUED, FrameEnd.FIRST)) < 2
