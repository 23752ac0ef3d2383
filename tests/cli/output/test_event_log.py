"""`kfpipe run --events`: what happens, a line of JSON each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from jsonschema import Draft202012Validator

from kfpipe.cli.output.event_log import as_json, event_name
from kfpipe.domain import TaskStatus
from kfpipe.emulator import Emulator
from kfpipe.errors import ExitCode
from kfpipe.events import Event
from kfpipe.files.schemas import published
from tests.cli.conftest import Call

SCHEMA = Draft202012Validator(published("event"))
FULL = Path("/dev/full")
"""A disk that takes nothing."""

VALUES: dict[Any, Any] = {
    int: 1,
    str: "x",
    bool: True,
    float: 1.5,
    Decimal: Decimal("0.50"),
    str | None: None,
    Decimal | None: None,
    TaskStatus: TaskStatus.RUNNING,
    ExitCode: ExitCode.OK,
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_every_event_has_its_place_in_the_schema(kind: type[Event]) -> None:
    event = kind(**{name: VALUES[hint] for name, hint in get_type_hints(kind).items()})
    line = as_json(event, datetime(2026, 11, 22, 12, tzinfo=UTC))
    SCHEMA.validate(json.loads(json.dumps(line)))
    assert (line["event"], line["at"]) == (event_name(kind), "2026-11-22T12:00:00.000Z")
    assert not SCHEMA.is_valid({**line, "hint": "none"})


def test_a_run_writes_what_happens_and_the_next_one_continues(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    log = folder / "events.ndjson"
    assert kfpipe("run", "shots.yaml", "--events", "events.ndjson").code == 0
    told = lines(log)
    for line in told:
        SCHEMA.validate(line)
    assert (told[0]["event"], told[-1]["event"]) == ("run_started", "run_finished")
    rendered = {line["take"]: line["path"] for line in told if line["event"] == "take_rendered"}
    assert rendered == {"kitten": "renders/kitten.mp4", "monster": "renders/monster.mp4"}
    kfpipe("run", "shots.yaml", "--events", "events.ndjson")
    assert [line["event"] for line in lines(log)[len(told) :]] == ["run_finished"]


def test_a_file_that_cannot_be_opened_stops_the_run_before_it_begins(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    ended = kfpipe("run", "shots.yaml", "--events", "missing/events.ndjson")
    assert (ended.code, ended.err.splitlines()[0]) == (1, "missing/events.ndjson: No such file or directory")
    assert not (folder / "renders").exists()


@pytest.mark.skipif(not FULL.exists(), reason="there is no file here that is always full")
def test_a_full_disk_under_the_events_does_not_stop_a_run(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    ended = kfpipe("run", "shots.yaml", "--events", str(FULL))
    assert ended.code == 0
    assert ended.err.count("events are no longer written") == 1
