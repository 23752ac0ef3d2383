"""The life of a task, as a client sees it."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import av
import httpx
import pytest

from kfpipe.emulator.film.burn_in import BurnIn
from kfpipe.emulator.settings import FilmStyle
from kfpipe.emulator.tasks import scene_of

DAY_S = 24 * 3600


def statuses(caller, *task_ids):
    return [caller.look(task_id)["output"]["task_status"] for task_id in task_ids]


def test_a_task_queues_runs_and_succeeds(start, bodies):
    caller = start(queue_s=100, run_s=300)
    task_id = caller.make(bodies.wan27())
    pending = caller.look(task_id)["output"]
    assert (pending["task_status"], "scheduled_time" in pending) == ("PENDING", False)
    caller.emulator.clock.advance(150)
    running = caller.look(task_id)["output"]
    assert running["task_status"] == "RUNNING"
    assert "scheduled_time" in running
    assert "video_url" not in running
    done = caller.finish(task_id)
    assert done["output"]["task_status"] == "SUCCEEDED"
    assert done["output"]["orig_prompt"] == "A lamp goes on."
    assert done["usage"] == {
        "duration": 2,
        "input_video_duration": 0,
        "output_video_duration": 2,
        "video_count": 1,
        "SR": 720,
    }


def test_times_of_day_are_texts_in_china_time(start, bodies):
    caller = start(queue_s=100, run_s=300)
    output = caller.finish(caller.make(bodies.kf2v()))["output"]
    times = [output[name] for name in ("submit_time", "scheduled_time", "end_time")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", text) for text in times)
    submitted, scheduled, ended = (datetime.fromisoformat(f"{text}+08:00") for text in times)
    assert round((scheduled - submitted).total_seconds()) == 100
    assert round((ended - scheduled).total_seconds()) == 300
    assert abs(datetime.now(UTC) - submitted) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("wan2.2-kf2v-flash", {"video_duration": 5, "video_count": 1, "SR": 480}),
        ("wan2.1-kf2v-plus", {"video_duration": 5, "video_ratio": "standard", "video_count": 1}),
    ],
)
def test_the_keyframe_models_report_their_seconds_in_their_own_way(caller, bodies, model, usage):
    body = bodies.kf2v(resolution="720P" if "plus" in model else "480P")
    assert caller.finish(caller.make({**body, "model": model}))["usage"] == usage


def test_only_a_keyframe_model_shows_a_rewritten_prompt(caller, bodies):
    rewritten = caller.finish(caller.make(bodies.kf2v(prompt_extend=True)))["output"]
    assert rewritten["orig_prompt"] == "A lamp goes on."
    assert rewritten["actual_prompt"] not in ("", rewritten["orig_prompt"])
    assert "actual_prompt" not in caller.finish(caller.make(bodies.kf2v(prompt_extend=False)))["output"]
    assert "actual_prompt" not in caller.finish(caller.make(bodies.wan27(prompt_extend=True)))["output"]


def test_a_long_prompt_comes_back_whole_or_cut_as_the_switch_says(start, bodies):
    body = bodies.kf2v("x" * 900)
    whole, cut = start(), start(truncates_orig_prompt=True)
    assert len(whole.finish(whole.make(body))["output"]["orig_prompt"]) == 900
    assert len(cut.finish(cut.make(body))["output"]["orig_prompt"]) == 800


def test_a_bad_request_is_accepted_and_fails_soon_and_free_of_charge(start, bodies):
    caller = start()
    task_id = caller.make({"model": "wan2.7-i2v", "input": {}})
    assert statuses(caller, task_id) == ["RUNNING"]
    caller.emulator.clock.advance(3)
    answer = caller.look(task_id)
    assert answer["output"]["code"] == "InvalidParameter"
    assert answer["output"]["message"] == "Field required: input.media"
    assert "orig_prompt" not in answer["output"]
    assert "usage" not in answer
    assert caller.emulator.bill().charges == ()


def test_an_id_that_was_never_given_out_is_unknown_with_status_200(caller):
    assert caller.look("11111111-2222-3333-4444-555555555555")["output"]["task_status"] == "UNKNOWN"


def test_a_task_is_forgotten_a_day_after_its_end(start, bodies):
    caller = start(queue_s=0, run_s=100)
    task_id = caller.make(bodies.kf2v())
    caller.finish(task_id)
    caller.emulator.clock.advance(DAY_S - 1000)
    assert statuses(caller, task_id) == ["SUCCEEDED"]
    caller.emulator.clock.advance(500)
    assert statuses(caller, task_id) == ["UNKNOWN"]


def test_every_answer_has_a_request_id_of_its_own(caller, bodies):
    task_id = caller.make(bodies.kf2v())
    assert caller.look(task_id)["request_id"] != caller.look(task_id)["request_id"]


def test_tasks_beyond_the_limit_wait_for_a_place(start, bodies):
    caller = start(queue_s=0, run_s=100, limits={"concurrent_tasks": 2})
    tasks = [caller.make(bodies.kf2v(seed=seed)) for seed in range(5)]
    assert statuses(caller, *tasks) == ["RUNNING"] * 2 + ["PENDING"] * 3
    caller.finish(tasks[0])  # a thousand virtual seconds on, the others have had their turn
    ended = [caller.finish(task_id)["output"]["scheduled_time"] for task_id in tasks]
    assert ended == sorted(ended)
    assert len(set(ended)) == 5


def test_tasks_beyond_the_limit_are_refused_if_the_account_is_like_that(start, bodies):
    caller = start(queue_s=0, run_s=100, limits={"concurrent_tasks": 1}, over_limit="refuse")
    caller.make(bodies.kf2v())
    refused = caller.submit(bodies.kf2v())
    assert (refused.status_code, refused.json()["code"]) == (429, "Throttling.RateQuota")
    assert caller.submit(bodies.wan27()).status_code == 200, "the limit is the model's own"
    caller.emulator.clock.advance(101)
    assert caller.submit(bodies.kf2v()).status_code == 200


def test_a_pending_task_can_be_canceled_and_gives_up_its_turn(start, bodies):
    caller = start(queue_s=0, run_s=100, limits={"concurrent_tasks": 1})
    running, waiting, after = (caller.make(bodies.kf2v(seed=seed)) for seed in range(3))
    assert set(caller.http.post(f"tasks/{waiting}/cancel").json()) == {"request_id"}
    caller.emulator.clock.advance(150)
    assert statuses(caller, waiting, after) == ["CANCELED", "RUNNING"]
    assert caller.finish(running)["output"]["task_status"] == "SUCCEEDED"


def test_a_task_that_is_not_pending_cannot_be_canceled(start, bodies):
    caller = start(queue_s=0)
    for task_id in (caller.make(bodies.kf2v()), "no-such-task"):
        refused = caller.http.post(f"tasks/{task_id}/cancel")
        assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")


def test_the_list_shows_the_newest_first_and_page_by_page(caller, bodies):
    made = [caller.make(bodies.kf2v(seed=seed)) for seed in range(5)]
    page = caller.http.get("tasks", params={"page_no": 2, "page_size": 2}).json()
    assert [entry["task_id"] for entry in page["data"]] == [made[2], made[1]]
    assert (page["total"], page["total_page"], page["page_no"], page["page_size"]) == (5, 3, 2, 2)
    assert caller.http.get("tasks", params={"page_no": 4, "page_size": 2}).json()["data"] == []


def test_a_list_entry_shows_the_submission_and_nothing_of_the_request(start, bodies):
    caller = start(queue_s=0)
    submitted = caller.submit(bodies.kf2v()).json()
    (entry,) = caller.http.get("tasks").json()["data"]
    assert entry["request_id"] == submitted["request_id"]
    assert entry["user_api_unique_key"] == "apikey:v1:aigc:image2video:video-synthesis:wan2.2-kf2v-flash"
    assert "end_time" not in entry
    assert abs(entry["gmt_create"] / 1000 - datetime.now(UTC).timestamp()) < 60
    assert bodies.kf2v()["input"]["prompt"] not in str(entry)


def test_the_list_can_be_narrowed(start, bodies):
    caller = start(queue_s=0, run_s=100)
    wan, kf2v = caller.make(bodies.wan27()), caller.make(bodies.kf2v())
    caller.finish(kf2v)
    other = caller.submit(bodies.wan27(), headers={"Authorization": "Bearer sk-another"}).json()["output"]["task_id"]

    def listed(**query):
        return [entry["task_id"] for entry in caller.http.get("tasks", params=query).json()["data"]]

    assert listed(model_name="wan2.2-kf2v-flash") == [kf2v]
    assert listed(status="RUNNING") == [other]
    assert listed(task_id=wan) == [wan]
    keys = {entry["task_id"]: entry["api_key_id"] for entry in caller.http.get("tasks").json()["data"]}
    assert listed(api_key_id=keys[other]) == [other]
    assert keys[wan] == keys[kf2v] != keys[other]


def test_the_list_reaches_back_one_day(caller, bodies):
    old = caller.make(bodies.kf2v())
    caller.emulator.clock.advance(DAY_S + 10)
    new = caller.make(bodies.kf2v(seed=2))
    listed = [entry["task_id"] for entry in caller.http.get("tasks").json()["data"]]
    assert (old in listed, new in listed) == (False, True)


def test_the_list_s_window_is_in_china_time(caller, bodies):
    task_id = caller.make(bodies.kf2v())
    here = datetime.now(timezone(timedelta(hours=8)))

    def listed(start, end):
        window = {"start_time": start.strftime("%Y%m%d%H%M%S"), "end_time": end.strftime("%Y%m%d%H%M%S")}
        return [entry["task_id"] for entry in caller.http.get("tasks", params=window).json()["data"]]

    hour = timedelta(hours=1)
    assert listed(here - hour, here + hour) == [task_id]
    assert listed(here - 2 * hour, here - hour) == []


@pytest.mark.parametrize(
    "query",
    [
        {"start_time": "yesterday"},
        {"start_time": "20261101000000", "end_time": "20261103000000"},
        {"status": "DONE"},
        {"page_no": "0"},
        {"page_size": "ten"},
    ],
)
def test_a_list_query_that_means_nothing_is_refused(caller, query):
    refused = caller.http.get("tasks", params=query)
    assert (refused.status_code, refused.json()["code"]) == (400, "InvalidParameter")


def test_equal_seeds_draw_equal_times(start, bodies):
    def times(seed):
        caller = start(seed=seed)
        tasks = [caller.make(bodies.kf2v()) for _ in range(3)]
        return [(task.ready_at - task.submitted_at, task.run_s) for task in caller.emulator.account.tasks()], tasks

    (one, ids), (two, other_ids), (three, _) = times(1), times(1), times(2)
    assert [pytest.approx(pair) for pair in one] == two
    assert one[0][1] != one[1][1], "an equal request sent again is another task"
    assert one[0][1] != three[0][1]
    assert not set(ids) & set(other_ids), "an id never comes back"


def test_a_task_ends_no_sooner_than_its_clip_is_there(start, bodies):
    caller = start(queue_s=0, run_s=0)
    caller.make(bodies.kf2v())
    (task,) = caller.emulator.account.tasks()
    made_at = task.film.result(30).made_at
    assert task.ended_at() == made_at > task.submitted_at


@pytest.mark.parametrize(("model", "hours"), [("wan2.2-kf2v-flash", 3), ("wan3.0-video", 8)])
def test_a_task_that_runs_for_too_long_fails_and_costs_nothing(start, bodies, model, hours):
    caller = start(queue_s=0, run_s=DAY_S)
    body = bodies.kf2v() if "kf2v" in model else bodies.wan27()
    task_id = caller.make({**body, "model": model})
    caller.emulator.clock.advance(hours * 3600 - 60)
    assert statuses(caller, task_id) == ["RUNNING"]
    caller.emulator.clock.advance(60)
    output = caller.look(task_id)["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InternalError.Timeout")
    assert caller.emulator.bill().charges == ()


@pytest.mark.parametrize(("model", "hours"), [("wan2.2-kf2v-flash", 3), ("wan3.0-video", 24)])
def test_a_task_that_waits_for_too_long_fails_and_gives_its_turn_away(start, bodies, model, hours):
    caller = start(queue_s=0, run_s=100, limits={"concurrent_tasks": 0})
    body = bodies.kf2v() if "kf2v" in model else bodies.wan27()
    task_id = caller.make({**body, "model": model})
    caller.emulator.clock.advance(hours * 3600 - 60)
    assert statuses(caller, task_id) == ["PENDING"]
    caller.emulator.clock.advance(60)
    output = caller.look(task_id)["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InternalError.Timeout")
    assert caller.http.post(f"tasks/{task_id}/cancel").status_code == 400
    caller.emulator.clock.advance(DAY_S)
    assert statuses(caller, task_id) == ["UNKNOWN"]


def test_wan_3_reports_its_seconds_in_floats_and_its_shape(caller, bodies):
    made = caller.make({**bodies.wan27(resolution="480P", audio=False), "model": "wan3.0-video"})
    answer = caller.finish(made)
    assert "actual_prompt" not in answer["output"]
    assert answer["usage"] == {
        "duration": 2.0,
        "input_video_duration": 0.0,
        "output_video_duration": 2.0,
        "video_count": 1,
        "fps": 30,
        "SR": 480,
        "ratio": "16:9",
    }
    assert all(isinstance(answer["usage"][name], float) for name in answer["usage"] if "duration" in name)
    assert caller.emulator.bill().total == Decimal("0.10")
    with av.open(io.BytesIO(httpx.get(answer["output"]["video_url"]).content)) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_a_caller_may_name_a_clip_or_have_nothing_in_the_picture(start, bodies):
    caller = start()
    for value in (None, None, "roof_030%40lens%3D50%20mm", "%E5%B1%8B", ""):
        assert caller.submit(bodies.wan27(), headers={} if value is None else {"X-Kfpipe-Burn-In": value}).is_success
    tasks = caller.emulator.account.tasks()
    unnamed, again, *named = [task.label for task in tasks]
    assert unnamed == again == f"request {tasks[0].digest[:8]}", "equal requests give equal bytes"
    assert named == ["roof_030@lens=50 mm", "屋", ""]
    shown = [scene_of(task, FilmStyle.MOVING).burn_in for task in tasks[2:]]
    assert shown == [BurnIn(name="roof_030@lens=50 mm", seed=1), BurnIn(name="屋", seed=1), None]
    assert scene_of(tasks[0], FilmStyle.TINY).burn_in is None, "nothing could be read there"


def test_an_emulator_without_burn_in_puts_no_name_in_any_picture(start, bodies):
    caller = start(burn_in=False)
    caller.submit(bodies.wan27(), headers={"X-Kfpipe-Burn-In": "roof_030"})
    (task,) = caller.emulator.account.tasks()
    assert scene_of(task, FilmStyle.MOVING).burn_in is None
