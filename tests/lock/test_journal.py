from __future__ import annotations

import zlib
from datetime import UTC, datetime

import pytest

from kfpipe.errors import Position, Refused
from kfpipe.lock import journal
from kfpipe.lock.journal import Transition
from tests.support.makers import failed, rendered, submitted, submitting, succeeded

NAME = "shots.lock.json"
STORY = [Transition(take_id="kitten", entry=entry) for entry in (submitting(), submitted(), succeeded(), rendered())]


def head(name: str = NAME) -> bytes:
    return journal.header(lockfile=name, host="desk", pid=4711, started_at=datetime(2026, 11, 22, tzinfo=UTC))


def checked(text: str) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(text.encode()), text.encode())


def written(*batches: list[Transition]) -> bytes:
    return head() + b"".join(journal.line(batch) for batch in batches)


def read(content: bytes) -> list[Transition]:
    return list(journal.parsed(content, "shots.journal", lockfile=NAME))


def refused(content: bytes) -> tuple[Position | None, str]:
    with pytest.raises(Refused) as refusal:
        read(content)
    (problem,) = refusal.value.problems
    assert problem.file == "shots.journal"
    assert problem.fix
    return problem.position, problem.what


def test_what_is_written_is_read_again_in_order():
    other = Transition(take_id="wälk@seed=1", entry=failed(message="two\nlines"))
    assert read(written(STORY[:1], [*STORY[1:3], other], STORY[3:])) == [*STORY[:3], other, STORY[3]]


def test_a_torn_last_line_is_dropped():
    whole, torn = written(STORY[:1]), journal.line(STORY[1:])
    for length in range(len(torn)):
        assert read(whole + torn[:length]) == STORY[:1]


def test_a_last_line_that_does_not_match_its_checksum_is_dropped_with_all_it_holds():
    torn = journal.line(STORY[1:])
    assert read(written(STORY[:1]) + torn[:40] + b"\0" * 8 + torn[48:]) == STORY[:1]


def test_a_journal_torn_in_its_first_line_holds_nothing():
    for length in range(len(head())):
        assert read(head()[:length]) == []


def test_damage_before_the_last_line_stops_with_its_line():
    content = bytearray(written(STORY[:1], STORY[1:]))
    content[len(head()) + 30] ^= 1
    assert refused(bytes(content)) == (Position(line=2, column=1), "the line does not match its checksum")


def test_the_journal_of_another_lockfile_is_refused():
    position, what = refused(head("other.lock.json"))
    assert position == Position(line=1, column=1)
    assert "'other.lock.json'" in what


def test_the_journal_of_a_newer_kfpipe_is_refused():
    assert "newer kfpipe (journal format 2)" in refused(checked('{"kfpipe_journal":2}'))[1]


def test_a_file_that_is_no_journal_is_refused():
    assert "not the first line of a journal" in refused(checked('{"some":"file"}'))[1]


def test_an_unfit_transition_is_refused_with_line_and_column():
    sound = journal.line(STORY[:1])[9:-1].decode()
    position, what = refused(head() + checked(sound.replace('"serial":1', '"serial":"one"')))
    assert position == Position(line=2, column=9 + sound.index('"serial":1') + len('"serial":') + 1)
    assert what == "the field `serial` is the text 'one'"


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "3", '[{"take":"kitten"}]', '[{"take":"","entry":{}}]', "[" * 100_000, "NaN", "1" * 5000],
    ids=lambda text: text[:20],
)
def test_a_line_with_a_right_checksum_and_wrong_content_is_refused(text: str):
    position, _ = refused(head() + checked(text))
    assert position is not None
    assert position.line == 2


def test_a_day_that_no_calendar_has_is_refused():
    sound = journal.line(STORY[:1])[9:-1].decode()
    assert "not a valid date" in refused(head() + checked(sound.replace("2026-11-22T", "2026-02-30T")))[1]


def test_half_a_character_in_a_message_of_the_service_does_not_cost_the_record():
    (kept,) = read(written([Transition(take_id="kitten", entry=failed(message="cut \ud83d"))]))
    assert kept.entry == failed(message="cut ?")
