"""The lock survives the disk, and a journal may be applied to it as often as crashes demand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from kfpipe.domain import SEED_MAX, MediaRole, Parameters
from kfpipe.errors import Refused
from kfpipe.lock import text as locktext
from kfpipe.lock.codec import entry_from_json, entry_to_json
from kfpipe.lock.states import (
    Asked,
    Entry,
    Failed,
    Failure,
    Record,
    Render,
    Rendered,
    Result,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
    may_be_billed,
    task_of,
)
from kfpipe.lock.transitions import applied

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WORD = st.text("abcdefXYZ0189-._ é猫", min_size=1, max_size=12)
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
AMOUNT = st.decimals(0, 10**9, places=4, allow_nan=False, allow_infinity=False)
MOMENT = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
PARAMETERS = st.builds(
    Parameters,
    resolution=WORD,
    duration_s=st.integers(1, 60),
    prompt_extend=st.booleans(),
    watermark=st.booleans(),
    seed=st.none() | st.integers(0, SEED_MAX),
    audio=st.none() | st.booleans(),
)
ASKED = st.builds(
    Asked,
    serial=st.just(1),
    fingerprint=WORD,
    model=WORD,
    region=WORD,
    prompt=TEXT,
    negative_prompt=TEXT,
    parameters=PARAMETERS,
    media=st.dictionaries(st.sampled_from(MediaRole), WORD),
    unit_price=st.none() | AMOUNT,
    currency=WORD,
    asked_at=MOMENT,
    template=st.none() | WORD,
)
TASK = st.builds(Task, task_id=NAME, request_id=st.none() | WORD, submitted_at=MOMENT)
RESULT = st.builds(
    Result,
    finished_at=MOMENT,
    video_url=WORD,
    url_expires_at=MOMENT,
    actual_prompt=st.none() | TEXT,
    billed_seconds=AMOUNT,
    cost=st.none() | AMOUNT,
)
RENDER = st.builds(
    Render,
    path=NAME.map(lambda name: f"renders/{name}"),
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    size_bytes=st.integers(0, 1 << 40),
    width_px=st.integers(1, 8192),
    height_px=st.integers(1, 8192),
    fps=AMOUNT,
    duration_s=AMOUNT,
    audio=st.booleans(),
)
FAILURE = st.builds(Failure, code=TEXT, message=TEXT, request_id=st.none() | WORD, billed=st.none() | st.booleans())


@st.composite
def stories(draw: st.DrawFn, serial: int) -> list[Entry]:
    """The transitions of one request, as far as they got; what is known once stays known."""
    asked = replace(draw(ASKED), serial=serial)
    drawn, result = draw(TASK), draw(RESULT)
    task = replace(drawn, task_id=f"{drawn.task_id}-{serial}")  # the service names no two tasks alike
    refusal = Failed(asked=asked, task=None, failed_at=draw(MOMENT), failure=draw(FAILURE))
    way: list[Entry] = [
        Submitting(asked=asked),
        Submitted(asked=asked, task=task),
        Succeeded(asked=asked, task=task, result=result),
        Rendered(asked=asked, task=task, result=result, render=draw(RENDER)),
    ]
    reached = way[: draw(st.integers(1, len(way)))]
    ending = draw(st.sampled_from(["as it is", "failed", "unclear", "given up"]))
    if ending in ("unclear", "given up"):
        reached = [way[0], Unclear(asked=asked, candidates=("task-1", "task-2"))]
        given_up = replace(refusal, failure=replace(refusal.failure, billed=None))
        return [*reached, given_up] if ending == "given up" else reached
    if ending == "failed" and len(reached) < 3:
        reached.append(replace(refusal, task=task_of(reached[-1])))
    return reached


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    """All transitions of one take, oldest first. Each task is made once; an earlier clip may be restored."""
    told: list[Entry] = []
    for serial in range(1, draw(st.integers(1, 4)) + 1):
        clips = [entry for entry in told if isinstance(entry, Rendered)]
        if clips and draw(st.booleans()):
            clip = draw(st.sampled_from(clips))
            told.append(replace(clip, asked=replace(clip.asked, serial=serial)))
        else:
            told += draw(stories(serial))
    return told


@st.composite
def locks(draw: st.DrawFn) -> dict[str, Record]:
    takes = draw(st.dictionaries(WORD, histories(), max_size=3))
    return {take_id: replace(replayed(None, history), picked=draw(st.booleans())) for take_id, history in takes.items()}


def replayed(record: Record | None, history: Iterable[Entry]) -> Record:
    for entry in history:
        record = applied(record, entry)
    assert record is not None
    return record


@settings(max_examples=60)
@given(histories())
def test_every_entry_survives_its_json_form(history: list[Entry]):
    for entry in history:
        assert entry_from_json(entry_to_json(entry)) == entry


@settings(max_examples=40)
@given(locks())
def test_a_lock_survives_the_lockfile_and_the_schema_accepts_it(lock: dict[str, Record]):
    content = b"".join(locktext.pieces(lock))
    assert locktext.parsed(content, "shots.lock.json") == lock


@settings(max_examples=40)
@given(locks())
def test_the_same_lock_has_the_same_bytes_in_whatever_order_its_takes_came(lock: dict[str, Record]):
    backwards = dict(reversed(lock.items()))
    assert list(locktext.pieces(backwards)) == list(locktext.pieces(lock))


@settings(max_examples=60)
@given(histories(), st.integers(1, 3))
def test_a_journal_may_be_applied_again_to_a_lock_that_holds_it(history: list[Entry], times: int):
    once = replayed(None, history)
    assert replayed(once, history * times) == once


@settings(max_examples=60)
@given(histories(), st.data())
def test_a_journal_that_is_folded_in_part_and_applied_whole_gives_the_same(history: list[Entry], data: st.DataObject):
    half = data.draw(st.integers(1, len(history)))
    assert replayed(replayed(None, history[:half]), history) == replayed(None, history)


@settings(max_examples=60)
@given(histories())
def test_every_task_ever_made_stays_on_record(history: list[Entry]):
    record = replayed(None, history)
    assert _task_ids((*record.previous, record.entry)) == _task_ids(history)


@settings(max_examples=60)
@given(histories())
def test_every_request_that_may_be_billed_stays_on_record(history: list[Entry]):
    latest = {entry.asked.serial: entry for entry in history}
    record = replayed(None, history)
    kept = {entry.asked.serial for entry in (*record.previous, record.entry) if may_be_billed(entry)}
    assert kept == {serial for serial, entry in latest.items() if may_be_billed(entry)}


def _task_ids(entries: Iterable[Entry]) -> set[str]:
    return {task.task_id for task in map(task_of, entries) if task is not None}


@settings(max_examples=40)
@given(locks(), st.data())
def test_a_damaged_lockfile_is_refused_or_read_never_a_crash(lock: dict[str, Record], data: st.DataObject):
    content = bytearray(b"".join(locktext.pieces(lock)))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        locktext.parsed(bytes(content), "shots.lock.json")
    except Refused as refusal:
        assert refusal.problems
