"""What follows from a request's state, and how it is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from kfpipe.domain import MediaRole
from kfpipe.files.scalars import decimal_text, time_text
from kfpipe.lock.codec import entry_to_json
from kfpipe.lock.schema import lock_schema
from kfpipe.lock.states import (
    STATES,
    Approval,
    Canceled,
    Doubts,
    Entry,
    Lost,
    RefusedFile,
    is_unsettled,
    may_be_billed,
    name_of,
    spent,
    state_name,
    tasks_of,
)
from kfpipe.lock.transitions import at_place, failures, without_dead_signature
from tests.support.makers import (
    NOW,
    asked,
    failed,
    key,
    rendered,
    result,
    submitted,
    submitting,
    succeeded,
    task,
    unclear,
)

CANCELED = Canceled(asked=asked(), task=task(), ended_at=NOW, failure=failed().failure)
LOST = Lost(asked=asked(), task=task(), ended_at=NOW, failure=failed().failure)
ONE_OF_EACH: list[Entry] = [submitting(), submitted(), succeeded(), rendered(), failed(), unclear(), CANCELED, LOST]


def test_a_request_bears_the_name_that_it_was_first_asked_under() -> None:
    assert name_of(key("walk@prompt=a/b", 7)) == "walk@prompt=a/b"


def test_only_failures_of_the_same_request_count() -> None:
    other = failed(number=1, fingerprint="another")
    assert failures([other, failed(number=2), failed(number=3), rendered()], asked().fingerprint) == 2


def test_all_money_on_record_is_counted_by_currency_and_each_task_once() -> None:
    yuan = rendered(of_result=result(cost=Decimal("3.00")), currency="CNY", number=3)
    unknown = rendered(of_result=result(cost=None), number=4)
    assert spent([rendered(number=2), succeeded(), succeeded(), yuan, unknown, failed(number=5)]) == {
        "USD": Decimal("1.00"),
        "CNY": Decimal("3.00"),
    }


def test_a_link_loses_its_signature_once_it_is_dead() -> None:
    expiry = rendered().result.url_expires_at
    assert without_dead_signature(rendered(), expiry - timedelta(seconds=1)) == rendered()
    dead = without_dead_signature(rendered(), expiry)
    assert dead == replace(rendered(), result=result(video_url="https://results.example.com/clip.mp4"))


def test_the_link_of_a_clip_that_is_not_here_yet_stays_whole() -> None:
    assert without_dead_signature(succeeded(), NOW + timedelta(days=9)) == succeeded()


def test_a_clip_that_moves_counts_its_moves() -> None:
    moved = at_place(at_place(rendered(), "renders/a.mp4"), "renders/a.mp4")
    assert (moved.render.path, moved.render.moved) == ("renders/a.mp4", 1)


def test_the_states_that_are_debts_and_those_that_may_be_billed() -> None:
    assert {state_name(entry) for entry in ONE_OF_EACH if is_unsettled(entry)} == {
        "submitting",
        "submitted",
        "succeeded",
        "unclear",
    }
    assert {state_name(entry) for entry in ONE_OF_EACH if may_be_billed(entry)} == {"unclear", "lost"}


def test_the_tasks_of_rivals_are_the_requests_own_however_deep_they_are() -> None:
    deep = replace(submitted(number=2), doubts=Doubts(rivals=(submitted(number=3),)))
    assert tasks_of(replace(submitted(), doubts=Doubts(rivals=(deep,)))) == {"task-1", "task-2", "task-3"}


def test_money_is_written_without_an_exponent() -> None:
    assert decimal_text(Decimal("1E+2")) == "100"
    assert decimal_text(Decimal("0.0000001")) == "0.0000001"


def test_times_are_written_in_utc_with_milliseconds() -> None:
    assert time_text(NOW) == "2026-11-22T12:00:00.000Z"


@pytest.mark.parametrize("entry", ONE_OF_EACH, ids=state_name)
def test_the_schema_describes_every_field_that_is_written(entry: Entry) -> None:
    fields = lock_schema()["$defs"]["fields"]
    assert entry_to_json(entry).keys() == set(fields["required"]) < fields["properties"].keys()
    assert all("description" in field for field in fields["properties"].values())


def test_the_schema_describes_every_field_that_few_requests_have() -> None:
    refused = result(refused=RefusedFile(path="renders/.refused/a.mp4", sha256="e" * 64))
    doubts = Doubts(given_up_at=NOW, rivals=(submitted(number=2),))
    entry = rendered(of_result=refused)
    written = entry_to_json(
        replace(entry, asked=replace(entry.asked, reseeds="f" * 64, approval=Approval(by="A", at=NOW)), doubts=doubts)
    )
    fields = lock_schema()["$defs"]["fields"]
    assert written.keys() == fields["properties"].keys()


def test_the_schema_knows_every_medium_and_every_state() -> None:
    fields = lock_schema()["$defs"]["fields"]["properties"]
    assert set(fields["media"]["properties"]) == set(MediaRole)
    assert set(fields["state"]["enum"]) == set(STATES)
