"""The journal's bytes: what they hold, and what is refused."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from kfpipe.errors import Position, Refused
from kfpipe.lock import journal
from kfpipe.lock.journal import Notes
from kfpipe.lock.states import Entry
from tests.support.makers import NOW, failed, key, rendered, submitted, submitting, succeeded

NAME = "shots.lock.json"
STORY: list[dict[str, Entry]] = [{key(): entry} for entry in (submitting(), submitted(), succeeded(), rendered())]


def head(name: str = NAME) -> bytes:
    return journal.header(lockfile=name, host="desk", pid=4711, started_at=datetime(2026, 11, 22, tzinfo=UTC))


def checked(text: str) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(text.encode()), text.encode())


def written(*batches: Mapping[str, Entry]) -> bytes:
    return head() + b"".join(journal.line(batch) for batch in batches)


def read(content: bytes) -> Notes:
    return journal.parsed(content, "shots.journal", lockfile=NAME)


def refused(content: bytes) -> tuple[Position | None, str]:
    with pytest.raises(Refused) as refusal:
        read(content)
    (problem,) = refusal.value.problems
    assert problem.file == "shots.journal"
    assert problem.fix
    return problem.position, problem.what


def test_what_is_written_is_read_again_and_joined() -> None:
    other = {key("wälk@seed=1", 2): failed(message="two\nlines", number=2)}
    assert read(written(*STORY, other)).requests == {**STORY[3], **other}


def test_a_stale_line_turns_nothing_back() -> None:
    assert read(written(*reversed(STORY), STORY[0])).requests == STORY[3]


def test_a_task_is_seen_when_it_was_first_seen() -> None:
    later = NOW + timedelta(hours=1)
    lines = journal.seen_line(["a"], NOW) + journal.line(STORY[0]) + journal.seen_line(["a", "b"], later)
    assert read(head() + lines) == Notes(requests=STORY[0], seen={"a": NOW, "b": later})


def test_a_torn_last_line_is_dropped() -> None:
    whole, torn = written(STORY[0]), journal.line(STORY[3])
    for length in range(len(torn)):
        assert read(whole + torn[:length]).requests == STORY[0]


def test_a_last_line_that_does_not_match_its_checksum_is_dropped_with_all_it_holds() -> None:
    torn = journal.line({**STORY[3], key("walk"): submitting()})
    assert read(written(STORY[0]) + torn[:40] + b"\0" * 8 + torn[48:]).requests == STORY[0]


def test_a_journal_torn_in_its_first_line_holds_nothing() -> None:
    for length in range(len(head())):
        assert read(head()[:length]) == journal.NOTHING


def test_damage_before_the_last_line_stops_with_its_line() -> None:
    content = bytearray(written(*STORY))
    content[len(head()) + 30] ^= 1
    assert refused(bytes(content)) == (Position(line=2, column=1), "the line does not match its checksum")


def test_damage_before_a_torn_last_line_stops_as_well() -> None:
    content = bytearray(written(STORY[0]) + journal.line(STORY[1])[:20])
    content[len(head()) + 30] ^= 1
    assert refused(bytes(content)) == (Position(line=2, column=1), "the line does not match its checksum")


def test_the_journal_of_another_lockfile_is_refused() -> None:
    position, what = refused(head("other.lock.json"))
    assert position == Position(line=1, column=1)
    assert "'other.lock.json'" in what


def test_the_journal_of_a_newer_kfpipe_is_refused() -> None:
    assert "newer kfpipe (journal format 3)" in refused(checked('{"kfpipe_journal":3}'))[1]


@pytest.mark.parametrize("text", ['{"some":"file"}', '{"kfpipe_journal":0,"lockfile":"shots.lock.json"}', "[]"])
def test_a_file_that_is_no_journal_is_refused(text: str) -> None:
    assert "not the first line of a journal" in refused(checked(text))[1]


def test_an_unfit_request_is_refused_with_line_and_column() -> None:
    sound = journal.line(STORY[3])[9:-1].decode()
    position, what = refused(head() + checked(sound.replace('"bytes":123456', '"bytes":"many"')))
    assert position == Position(line=2, column=9 + sound.index('"bytes":123456') + len('"bytes":') + 1)
    assert what == "the field `bytes` is the text 'many'"


@pytest.mark.parametrize("path", ["../kitten.mp4", "/kitten.mp4", "a/../../kitten.mp4", "C:kitten.mp4", "a\\\\b.mp4"])
def test_a_clip_outside_of_the_project_is_refused(path: str) -> None:
    sound = journal.line(STORY[3])[9:-1].decode()
    assert "`path`" in refused(head() + checked(sound.replace("renders/kitten.mp4", path)))[1]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        "3",
        "[]",
        '{"requests":{"kitten":{}}}',
        '{"requests":{"kitten/0000000001":{}}}',
        '{"requests":{},"more":1}',
        '{"requests":[]}',
        '{"seen":{}}',
        '{"seen":{"at":"2026-11-22T12:00:00.000Z","tasks":[1]}}',
        '{"seen":{"at":"yesterday","tasks":[]}}',
        '{"seen":{"at":"2026-11-22T12:00:00.000Z","tasks":[],"more":1}}',
        "[" * 100_000,
        "NaN",
        "1" * 5000,
    ],
    ids=lambda text: text[:20],
)
def test_a_line_with_a_right_checksum_and_wrong_content_is_refused(text: str) -> None:
    position, _ = refused(head() + checked(text))
    assert position is not None
    assert position.line == 2


def test_a_day_that_no_calendar_has_is_refused() -> None:
    sound = journal.line(STORY[0])[9:-1].decode()
    assert "not a valid date" in refused(head() + checked(sound.replace("2026-11-22T", "2026-02-30T")))[1]


def test_half_a_character_in_a_message_of_the_service_does_not_cost_the_record() -> None:
    kept = read(written({key(): failed(message="cut \ud83d")}))
    assert kept.requests == {key(): failed(message="cut ?")}
