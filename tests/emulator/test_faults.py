"""Scripted faults, as a client meets them."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from kfpipe.emulator import FaultsInvalid, load_faults
from kfpipe.emulator.faults.kinds import ACTS
from kfpipe.emulator.faults.script import parse


def test_a_refusal_is_scripted_with_all_its_parts(start, bodies):
    fault = {
        "on": "submit",
        "do": "answer",
        "status": 429,
        "code": "Throttling.BurstRate",
        "retry_after_s": 2,
        "nth": 1,
    }
    caller = start(faults=[fault])
    refused = caller.submit(bodies.kf2v())
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        429,
        "Throttling.BurstRate",
        "2",
    )
    assert caller.emulator.account.tasks() == ()
    assert caller.submit(bodies.kf2v()).status_code == 200


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_may_or_may_not_have_made_a_task(start, bodies, when, made):
    caller = start(faults=[{"on": "submit", "do": "drop", "when": when, "nth": 1}])
    with pytest.raises(httpx.RemoteProtocolError):
        caller.submit(bodies.kf2v())
    assert caller.http.get("tasks").json()["total"] == made
    assert caller.submit(bodies.kf2v()).status_code == 200


def test_an_error_may_hide_a_task_that_was_made(start, bodies):
    caller = start(
        faults=[{"on": "submit", "do": "answer", "status": 500, "code": "InternalError", "when": "after", "times": 1}]
    )
    assert caller.submit(bodies.kf2v()).status_code == 500
    assert caller.http.get("tasks").json()["total"] == 1


def test_a_gateway_page_is_no_json(start):
    response = start(faults=[{"on": "query", "do": "html"}]).http.get("tasks/x")
    assert (response.status_code, response.headers["content-type"][:9]) == (502, "text/html")


def test_an_answer_may_be_unreadable(start, bodies):
    caller = start(faults=[{"on": "submit", "do": "garble", "nth": 1}])
    response = caller.submit(bodies.kf2v())
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert caller.http.get("tasks").json()["total"] == 1


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_request_may_hang(start, bodies, when, made):
    caller = start(faults=[{"on": "submit", "do": "hang", "seconds": 30, "when": when, "nth": 1}])
    with pytest.raises(httpx.ReadTimeout):
        caller.submit(bodies.kf2v(), timeout=0.3)
    while made and not caller.emulator.account.tasks():
        time.sleep(0.01)  # on a busy machine it may not have got round to the request yet
    assert caller.http.get("tasks").json()["total"] == made


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"code": "DataInspectionFailed", "message": "no"}, {"code": "DataInspectionFailed", "message": "no"}),
        ({}, {}),
    ],
)
def test_a_task_may_fail_with_or_without_a_reason(start, bodies, fault, said):
    caller = start(faults=[{"on": "submit", "do": "fail", **fault}])
    output = caller.finish(caller.make(bodies.kf2v()))["output"]
    assert output["task_status"] == "FAILED"
    assert {name: output[name] for name in ("code", "message") if name in output} == said
    assert caller.emulator.bill().total == 0


def test_a_live_task_may_be_unknown_for_some_queries(start, bodies):
    caller = start(faults=[{"on": "submit", "do": "unknown", "queries": 2}])
    task_id = caller.make(bodies.kf2v())
    seen = [caller.look(task_id)["output"]["task_status"] for _ in range(3)]
    assert seen[:2] == ["UNKNOWN", "UNKNOWN"]
    assert seen[2] != "UNKNOWN"


def test_a_new_task_may_show_late_in_the_list(start, bodies):
    caller = start(faults=[{"on": "submit", "do": "unlisted", "lists": 2, "nth": 1}])
    late, other = caller.make(bodies.kf2v()), caller.make(bodies.kf2v(seed=2))
    pages = [[entry["task_id"] for entry in caller.http.get("tasks").json()["data"]] for _ in range(3)]
    assert pages == [[other], [other], [other, late]]


def test_usage_may_come_in_floats_and_another_length_may_be_billed(start, bodies):
    caller = start(faults=[{"on": "submit", "do": "floats"}, {"on": "submit", "do": "charge", "seconds": 7}])
    usage = caller.finish(caller.make(bodies.kf2v()))["usage"]
    assert repr(usage["video_duration"]) == "7.0"
    assert caller.emulator.bill().seconds == 7


def test_downloads_may_be_cut_corrupted_or_slow(start, bodies):
    caller = start()
    link = caller.finish(caller.make(bodies.kf2v()))["output"]["video_url"]
    whole = httpx.get(link).content
    caller.emulator.script(
        {"on": "download", "do": "truncate", "after_bytes": 1000, "nth": 1},
        {"on": "download", "do": "corrupt", "at_byte": 3, "nth": 2},
        {"on": "download", "do": "slow", "bytes_per_second": len(whole) * 5, "nth": 3},
    )
    received = bytearray()
    with httpx.stream("GET", link) as response, pytest.raises(httpx.RemoteProtocolError):
        for chunk in response.iter_raw():
            received += chunk
    assert received == whole[:1000]
    corrupted = httpx.get(link).content
    assert [index for index, byte in enumerate(corrupted) if byte != whole[index]] == [3]
    assert httpx.get(link).content == whole


def test_a_cut_download_can_continue(start, bodies):
    caller = start()
    link = caller.finish(caller.make(bodies.kf2v()))["output"]["video_url"]
    caller.emulator.script({"on": "download", "do": "truncate", "after_bytes": 500, "nth": 1})
    received = bytearray()
    with httpx.stream("GET", link) as response, pytest.raises(httpx.RemoteProtocolError):
        for chunk in response.iter_raw():
            received += chunk
    rest = httpx.get(link, headers={"Range": f"bytes={len(received)}-"})
    assert bytes(received) + rest.content == httpx.get(link).content


def test_faults_count_only_the_requests_that_fit(start, bodies):
    refuse = {"do": "answer", "status": 500}
    caller = start(
        faults=[
            {"on": "submit", "prompt_contains": "kitten", "nth": 2, **refuse},
            {"on": "submit", "model": "wan2.7-i2v", "every": 2, **refuse},
            {"on": "query", "prompt_contains": "monster", "times": 1, **refuse},
        ]
    )
    kittens = [caller.submit(bodies.kf2v("A kitten.", seed=seed)).status_code for seed in range(3)]
    monsters = [caller.submit(bodies.kf2v("A monster.")) for _ in range(2)]
    wans = [caller.submit(bodies.wan27()).status_code for _ in range(4)]
    assert kittens == [200, 500, 200]
    assert [response.status_code for response in monsters] == [200, 200]
    assert wans == [200, 500, 200, 500]
    monster = monsters[0].json()["output"]["task_id"]
    assert [caller.http.get(f"tasks/{monster}").status_code for _ in range(2)] == [500, 200]


def test_every_phase_can_be_struck(start):
    caller = start(
        faults=[
            {"on": phase, "do": "answer", "status": 503} for phase in ("list", "cancel", "policy", "upload", "download")
        ]
    )
    answers = [
        caller.http.get("tasks"),
        caller.http.post("tasks/x/cancel"),
        caller.http.get("uploads"),
        httpx.post(f"{caller.emulator.origin}/oss"),
        httpx.get(f"{caller.emulator.origin}/results/a/b/20261120/c/d.mp4"),
    ]
    assert [answer.status_code for answer in answers] == [503] * 5


def test_faults_can_be_added_and_forgiven_while_it_runs(start):
    caller = start()
    caller.emulator.script({"on": "query", "do": "html"})
    assert caller.http.get("tasks/x").status_code == 502
    caller.emulator.forgive()
    assert caller.http.get("tasks/x").status_code == 200


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ("drop", None),
        ({"do": "drop"}, "on"),
        ({"on": "submit"}, "do"),
        ({"on": "nowhere", "do": "drop"}, "on"),
        ({"on": "query", "do": "fail"}, "do"),
        ({"on": "query", "do": "drop", "when": "later"}, "when"),
        ({"on": "query", "do": "drop", "wen": "after"}, "wen"),
        ({"on": "query", "do": "drop", "every": 0}, "every"),
        ({"on": "query", "do": "drop", "nth": "3"}, "nth"),
        ({"on": "query", "do": "drop", "nth": True}, "nth"),
        ({"on": "query", "do": "answer"}, "status"),
        ({"on": "query", "do": "answer", "status": 99}, "status"),
        ({"on": "query", "do": "hang", "seconds": -1}, "seconds"),
        ({"on": "query", "do": "drop", "model": 27}, "model"),
    ],
)
def test_a_bad_fault_is_named_by_entry_and_field(entry, field):
    with pytest.raises(FaultsInvalid) as caught:
        parse([{"on": "query", "do": "drop"}, entry])
    assert (caught.value.entry, caught.value.field) == (2, field)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("text", ["{", '{"on": "query"}', "[1]", '"drop"'])
def test_a_fault_file_that_is_no_list_of_faults_is_refused(tmp_path, text):
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(FaultsInvalid):
        load_faults(path)


def test_a_fault_file_is_a_list_of_faults(tmp_path):
    path = tmp_path / "faults.json"
    path.write_text('[{"on": "submit", "nth": 3, "do": "drop", "when": "after"}]')
    (fault,) = load_faults(path)
    assert (fault.on, fault.nth, fault.act.name) == ("submit", 3, "drop")


def test_every_act_says_what_it_does():
    assert all(act.__doc__ and not act.__doc__.startswith(f"{act.__name__}(") for act in ACTS.values())
