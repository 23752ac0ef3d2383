"""Faults that move money or records behind a client's back: who answers, what is listed, what is delivered."""

from __future__ import annotations

import email.utils
import time

import av
import httpx
import pytest

from kfpipe.emulator import FaultsInvalid
from kfpipe.emulator.faults.script import parse

CODELESS = [
    {"do": "answer", "status": 429, "when": "after"},
    {"do": "answer", "status": 408, "when": "after"},
    {"do": "html", "status": 502, "when": "after"},
    {"do": "html", "status": 504, "when": "after"},
]


def listed(caller, **query):
    return [entry["task_id"] for entry in caller.http.get("tasks", params=query).json()["data"]]


def status(caller, task_id):
    return caller.look(task_id)["output"]["task_status"]


# ---- submissions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "place"), [("first", 0), ("last", 2)])
def test_a_gateway_may_deliver_a_request_several_times(start, bodies, answer, place):
    caller = start(
        faults=[{"on": "submit", "nth": 1, "do": "resend", "copies": 2, "answer": answer}],
        limits={"concurrent_tasks": 9},
    )
    told = caller.make(bodies.kf2v())
    made = [task.id for task in caller.emulator.account.tasks()]
    assert (len(made), made.index(told)) == (3, place)
    assert sorted(listed(caller)) == sorted(made)
    caller.finish(told)
    assert list(caller.emulator.bill().duplicates.values()) == [3]
    assert caller.make(bodies.kf2v(seed=2)) == caller.emulator.account.tasks()[3].id


def test_a_copy_beyond_the_rate_hides_the_task_that_was_made(start, bodies):
    caller = start(faults=[{"on": "submit", "do": "resend"}], limits={"submissions_per_second": 1}, enforces_rates=True)
    assert caller.submit(bodies.kf2v()).json()["code"] == "Throttling.RateQuota"
    assert len(caller.emulator.account.tasks()) == 1


def test_a_copy_beyond_the_rate_changes_nothing_about_the_first_answer(start, bodies):
    caller = start(
        faults=[{"on": "submit", "do": "resend", "answer": "first"}],
        limits={"submissions_per_second": 1},
        enforces_rates=True,
    )
    assert caller.make(bodies.kf2v()) == caller.emulator.account.tasks()[0].id


@pytest.mark.parametrize("resent", [False, True])
@pytest.mark.parametrize("act", CODELESS, ids=lambda act: act["status"])
def test_a_gateway_may_refuse_what_was_carried_out_and_leave_out_the_service_s_code(start, bodies, act, resent):
    resend = [{"on": "submit", "nth": 1, "do": "resend"}] if resent else []
    caller = start(faults=[*resend, {"on": "submit", "nth": 1, **act}], limits={"concurrent_tasks": 9})
    refused = caller.submit(bodies.kf2v())
    assert refused.status_code == act["status"]
    assert "code" not in refused.text.lower()
    made = 2 if resent else 1
    assert len(listed(caller)) == made
    caller.finish(listed(caller)[0])
    assert len(caller.emulator.bill().charges) == made


def test_a_gateway_s_page_is_headed_by_its_status(start):
    for code, title in ((504, "504 Gateway Timeout"), (502, "502 Bad Gateway"), (599, "599 Error")):
        assert title in start(faults=[{"on": "query", "do": "html", "status": code}]).http.get("tasks/x").text


def test_an_answer_may_name_a_task_that_another_request_was_given(start, bodies):
    caller = start(
        faults=[{"on": "submit", "nth": 3, "do": "misname"}, {"on": "submit", "nth": 4, "do": "misname", "back": 3}]
    )
    told = [caller.make(bodies.kf2v(seed=seed)) for seed in range(4)]
    made = [task.id for task in caller.emulator.account.tasks()]
    assert len(made) == 4, "the request was carried out all the same"
    assert told == [made[0], made[1], made[1], made[0]]


@pytest.mark.parametrize("back", [2, 9])
def test_a_task_that_nothing_was_made_before_is_named_as_itself(start, bodies, back):
    caller = start(faults=[{"on": "submit", "do": "misname", "back": back}])
    told = [caller.make(bodies.kf2v(seed=seed)) for seed in range(2)]
    assert told == [task.id for task in caller.emulator.account.tasks()]


# ---- records -----------------------------------------------------------------------------------------------------


def test_a_list_may_lag_behind_for_some_seconds_of_a_task_s_life(start, bodies):
    caller = start(faults=[{"on": "submit", "prompt_contains": "kitten", "do": "lag", "seconds": 60}])
    late, other = caller.make(bodies.kf2v("A kitten.")), caller.make(bodies.kf2v())
    assert [listed(caller) for _ in range(3)] == [[other]] * 3
    assert listed(caller, task_id=late) == []
    assert status(caller, late) != "UNKNOWN"
    caller.emulator.clock.advance(50)
    assert listed(caller) == [other]
    caller.emulator.clock.advance(11)
    assert listed(caller) == [other, late]


def test_a_lagging_list_lags_in_another_life_too(start, bodies, tmp_path):
    caller = start(faults=[{"on": "submit", "do": "lag", "seconds": 600}], state_dir=tmp_path)
    caller.make(bodies.kf2v())
    caller.emulator.__exit__(None, None, None)
    again = start(state_dir=tmp_path)
    assert listed(again) == []
    again.emulator.clock.advance(601)
    assert len(listed(again)) == 1


@pytest.mark.parametrize(("pages", "total"), [(0, 0), (1, 2), (2, 4), (3, 5), (9, 5)])
def test_a_list_may_be_blind_to_all_but_its_first_pages(start, bodies, pages, total):
    caller = start()
    made = [caller.make(bodies.kf2v(seed=seed)) for seed in range(5)]
    caller.emulator.script({"on": "list", "do": "blind", "pages": pages})
    told = [caller.http.get("tasks", params={"page_size": 2, "page_no": number}).json() for number in (1, 2, 3)]
    assert [page["total"] for page in told] == [total] * 3
    assert [page["total_page"] for page in told] == [min(pages, 3)] * 3
    seen = [entry["task_id"] for page in told for entry in page["data"]]
    assert seen == made[::-1][:total]


def test_a_list_is_blind_without_further_words_to_everything(start, bodies):
    caller = start(faults=[{"on": "list", "nth": 1, "do": "blind"}])
    caller.make(bodies.kf2v())
    page = caller.http.get("tasks").json()
    assert (page["total"], page["total_page"], page["data"]) == (0, 0, [])
    assert len(listed(caller)) == 1


def test_a_list_may_show_the_account_as_it_was_some_seconds_ago(start, bodies):
    caller = start(queue_s=0, run_s=100)
    early = caller.make(bodies.kf2v())
    caller.emulator.clock.advance(90)
    late = caller.make(bodies.kf2v(seed=2))
    caller.emulator.clock.advance(20)
    assert listed(caller, status="RUNNING") == [late]
    caller.emulator.script({"on": "list", "do": "stale", "seconds": 60})
    assert listed(caller, status="RUNNING") == listed(caller) == [early]


def test_a_page_of_the_list_may_be_smaller_than_was_asked_for(start, bodies):
    caller = start(faults=[{"on": "list", "do": "small-pages", "size": 2}])
    made = [caller.make(bodies.kf2v(seed=seed)) for seed in range(3)]
    pages = [caller.http.get("tasks", params={"page_size": 100, "page_no": number}).json() for number in (1, 2)]
    assert [page["page_size"] for page in pages] == [2, 2]
    assert [page["total_page"] for page in pages] == [2, 2]
    assert [[entry["task_id"] for entry in page["data"]] for page in pages] == [made[:0:-1], made[:1]]


def test_a_task_may_be_unknown_for_some_seconds_of_its_life(start, bodies):
    caller = start(
        faults=[{"on": "submit", "nth": 1, "do": "vanish", "seconds": 60, "after_s": 30}], queue_s=0, run_s=1000
    )
    task_id, other = caller.make(bodies.kf2v()), caller.make(bodies.kf2v(seed=2))
    seen = []
    for _ in range(5):
        seen.append(status(caller, task_id))
        assert status(caller, other) == "RUNNING"
        caller.emulator.clock.advance(28)
    assert seen == ["RUNNING", "RUNNING", "UNKNOWN", "UNKNOWN", "RUNNING"]
    assert listed(caller) == [other, task_id], "the list knows it all the time"


def test_a_task_may_be_unknown_from_its_beginning(start, bodies):
    caller = start(faults=[{"on": "submit", "do": "vanish", "seconds": 60}])
    task_id = caller.make(bodies.kf2v())
    assert [status(caller, task_id) for _ in range(3)] == ["UNKNOWN"] * 3
    caller.emulator.clock.advance(61)
    assert status(caller, task_id) != "UNKNOWN"


def test_a_cancellation_may_be_confirmed_though_the_task_runs_on_and_is_billed(start, bodies):
    caller = start(queue_s=0, faults=[{"on": "cancel", "do": "answer", "status": 200}])
    task_id = caller.make(bodies.kf2v())
    confirmed = caller.http.post(f"tasks/{task_id}/cancel")
    assert (confirmed.status_code, set(confirmed.json())) == (200, {"request_id"})
    assert status(caller, task_id) == "RUNNING"
    assert caller.finish(task_id)["output"]["task_status"] == "SUCCEEDED"
    assert [charge.task_id for charge in caller.emulator.bill().charges] == [task_id]


# ---- clips -------------------------------------------------------------------------------------------------------


def delivered(caller, body, folder):
    """The clip's container, codec, size, length and tracks; the emulator's answer about it."""
    done = caller.finish(caller.make(body))
    clip = folder / "clip"
    clip.write_bytes(httpx.get(done["output"]["video_url"]).raise_for_status().content)
    with av.open(clip) as container:
        video = container.streams.video[0]
        seconds = round(container.duration / av.time_base, 1)
        return (container.format.name, video.codec_context.name, video.width, video.height, seconds), done


MP4 = "mov,mp4,m4a,3gp,3g2,mj2"


@pytest.mark.parametrize(
    ("fields", "found", "film"),
    [
        ({}, (MP4, "h264", 1280, 720, 2.0), "tiny"),
        ({"width_px": 560, "height_px": 560}, (MP4, "h264", 560, 560, 2.0), "tiny"),
        ({"seconds": 4}, (MP4, "h264", 1280, 720, 4.0), "tiny"),
        ({"format": "hevc"}, (MP4, "hevc", 1280, 720, 2.0), "tiny"),
        ({"format": "mpeg4"}, (MP4, "mpeg4", 1280, 720, 2.0), "tiny"),
        ({"format": "webm", "width_px": 560}, ("matroska,webm", "vp9", 560, 720, 2.0), "tiny"),
        ({"format": "webm", "width_px": 560, "seconds": 1}, ("matroska,webm", "vp9", 560, 720, 1.0), "moving"),
    ],
    ids=str,
)
def test_a_clip_may_be_another_one_than_was_ordered_while_the_bill_stays(start, bodies, tmp_path, fields, found, film):
    caller = start(faults=[{"on": "submit", "nth": 1, "do": "film", **fields}], film=film)
    clip, done = delivered(caller, bodies.wan27(), tmp_path)
    assert clip == found
    assert (done["usage"]["duration"], done["usage"]["SR"]) == (2, 720)
    assert [(charge.seconds, charge.resolution) for charge in caller.emulator.bill().charges] == [(2, "720P")]


def test_a_clip_may_be_no_video_at_all(start, bodies):
    caller = start(faults=[{"on": "submit", "do": "film", "format": "noise"}])
    link = caller.finish(caller.make(bodies.kf2v()))["output"]["video_url"]
    clip = httpx.get(link)
    assert (clip.status_code, len(clip.content)) == (200, 100_000)
    assert b"ftyp" not in clip.content[:12]
    assert clip.content == httpx.get(link).content
    assert caller.emulator.bill().seconds == 5


def test_the_same_scene_in_a_strange_format_gives_the_same_bytes(start, bodies):
    for strange in ("hevc", "mpeg4", "webm", "noise"):
        clips = []
        for _ in range(2):
            small = {"format": strange, "width_px": 320, "height_px": 180}
            caller = start(faults=[{"on": "submit", "do": "film", **small}], films=None)
            link = caller.finish(caller.make(bodies.wan27()))["output"]["video_url"]
            clips.append(httpx.get(link).content)
        assert clips[0] == clips[1], strange


def test_a_strange_clip_is_still_one_in_another_life(start, bodies, tmp_path):
    caller = start(faults=[{"on": "submit", "do": "film", "format": "noise"}], queue_s=1000, state_dir=tmp_path)
    task_id = caller.make(bodies.kf2v())
    caller.emulator.__exit__(None, None, None)
    again = start(state_dir=tmp_path)
    again.emulator.clock.advance(2000)
    link = again.finish(task_id)["output"]["video_url"]
    assert len(httpx.get(link).content) == 100_000


@pytest.mark.parametrize("fields", [{"width_px": 561}, {"height_px": 0}, {"seconds": 61}, {"format": "avi"}], ids=str)
def test_a_clip_that_cannot_be_made_is_refused_with_the_script(fields):
    with pytest.raises(FaultsInvalid) as caught:
        parse([{"on": "submit", "do": "film", **fields}])
    assert caught.value.field in fields


# ---- the clock ---------------------------------------------------------------------------------------------------


def ahead_s(response):
    return email.utils.parsedate_to_datetime(response.headers["date"]).timestamp() - time.time()


def test_every_answer_tells_the_real_time_once(start, bodies):
    caller = start(faults=[{"on": "policy", "do": "html"}])
    caller.emulator.clock.advance(7200)
    answers = [
        caller.submit(bodies.kf2v()),
        caller.http.get("tasks"),
        caller.http.get("tasks/x"),
        caller.http.get("uploads"),
        caller.http.get("nowhere"),
        httpx.get(f"{caller.emulator.origin}/emulator/bill"),
        httpx.get(f"{caller.emulator.origin}/results/a/b/20261120/c/d.mp4"),
    ]
    for answer in answers:
        assert len(answer.headers.get_list("date")) == 1
        assert abs(ahead_s(answer)) < 5


@pytest.mark.parametrize("seconds", [3600, -90.5])
def test_the_service_s_clock_may_be_ahead_or_behind(start, bodies, seconds):
    caller = start(faults=[{"on": "submit", "nth": 1, "do": "skew", "seconds": seconds}])
    assert abs(ahead_s(caller.submit(bodies.kf2v())) - seconds) < 5
    assert abs(ahead_s(caller.submit(bodies.kf2v()))) < 5


def test_a_turned_clock_shows_in_a_refusal_too(start, bodies):
    refusal = {"on": "submit", "do": "answer", "status": 503}
    caller = start(faults=[refusal, {"on": "submit", "do": "skew", "seconds": 3600}])
    assert ahead_s(caller.submit(bodies.kf2v())) > 3000


def test_an_answer_may_come_without_a_date(start):
    assert "date" not in start(faults=[{"on": "list", "do": "skew"}]).http.get("tasks").headers
