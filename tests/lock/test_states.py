from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from kfpipe.domain import MediaRole
from kfpipe.files.scalars import decimal_text, time_text
from kfpipe.lock.codec import record_to_json
from kfpipe.lock.schema import lock_schema
from kfpipe.lock.states import STATES, Failed, entries, spent, state_name
from kfpipe.lock.transitions import applied, failures, next_serial, without_dead_signature
from tests.support.makers import NOW, failed, record, rendered, result, submitted, submitting, succeeded, unclear


def test_a_take_goes_through_its_states_in_one_record():
    found = None
    for entry in (submitting(), submitted(), succeeded(), rendered()):
        found = applied(found, entry)
    assert found == record(rendered())


def test_a_second_request_keeps_the_first_task_and_forgets_the_choice():
    chosen = record(rendered(), picked=True)
    found = applied(chosen, submitting(serial=next_serial(chosen)))
    assert found == record(submitting(serial=2), previous=(rendered(),))


def test_a_request_that_never_became_a_task_leaves_no_trace():
    refused = Failed(asked=submitting().asked, task=None, failed_at=NOW, failure=failed().failure)
    assert applied(record(refused), submitting(serial=2)) == record(submitting(serial=2))


def test_news_of_an_older_request_find_their_place():
    current = record(submitted(serial=3), previous=(submitted(serial=1), failed(serial=2)))
    found = applied(current, rendered(serial=1))
    assert found == record(submitted(serial=3), previous=(rendered(serial=1), failed(serial=2)))


def test_the_first_request_has_the_number_one():
    assert next_serial(None) == 1


def test_only_failures_of_the_same_request_count():
    other = failed(serial=1, fingerprint="another")
    assert failures(record(failed(serial=3), previous=(other, failed(serial=2)))) == 2


def test_all_money_on_record_is_counted_by_currency():
    yuan = rendered(of_result=result(cost=Decimal("3.00")), currency="CNY")
    unknown = rendered(of_result=result(cost=None))
    twice = record(rendered(serial=2), previous=(succeeded(),))
    lock = {"twice": twice, "yuan": record(yuan), "unknown": record(unknown), "failed": record(failed())}
    assert spent(entries(lock)) == {"USD": Decimal("1.00"), "CNY": Decimal("3.00")}


def test_a_link_loses_its_signature_once_it_is_dead():
    expiry = rendered().result.url_expires_at
    assert without_dead_signature(rendered(), expiry - timedelta(seconds=1)) == rendered()
    dead = without_dead_signature(rendered(), expiry)
    assert dead == replace(rendered(), result=result(video_url="https://results.example.com/clip.mp4"))


def test_money_is_written_without_an_exponent():
    assert decimal_text(Decimal("1E+2")) == "100"
    assert decimal_text(Decimal("0.0000001")) == "0.0000001"


def test_times_are_written_in_utc_with_milliseconds():
    assert time_text(NOW) == "2026-11-22T12:00:00.000Z"


@pytest.mark.parametrize(
    "entry", [submitting(), submitted(), succeeded(), rendered(), failed(), unclear()], ids=state_name
)
def test_the_schema_describes_every_field_that_is_written(entry):
    written = record_to_json(record(entry))
    definitions = lock_schema()["$defs"]
    described = {**definitions["fields"]["properties"], **definitions["record"]["properties"]}
    assert written.keys() == described.keys()
    assert all("description" in field for field in described.values())


def test_the_schema_knows_every_medium_and_every_state():
    fields = lock_schema()["$defs"]["fields"]["properties"]
    assert set(fields["media"]["properties"]) == set(MediaRole)
    assert set(fields["state"]["enum"]) == set(STATES)
