"""An account with a folder outlives its process, however that ends."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import zlib
from datetime import datetime

import httpx
import pytest

from kfpipe.emulator import Emulator, FolderInUse
from kfpipe.emulator.journal.events import Passed
from kfpipe.emulator.journal.log import Entry
from kfpipe.emulator.journal.replay import resumes_at
from tests.support.places import ROOT

DAY_S = 24 * 3600
RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}

PROGRAM = """
import json, pathlib, sys
from kfpipe.emulator import serve
serve(state_dir=pathlib.Path(sys.argv[1]), film="tiny", **json.loads(sys.argv[2]))
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def live(start, folder):
    """One life of the account after the other: each call ends the one before."""
    with contextlib.ExitStack() as lives:

        def begin(**settings):
            lives.close()
            caller = start(state_dir=folder, **settings)
            lives.callback(caller.emulator.__exit__, None, None, None)
            return caller

        yield begin


@contextlib.contextmanager
def killed_in_the_end(folder, **settings):
    """An API of an emulator in another process, which gets no chance to tidy up."""
    command = [sys.executable, "-c", PROGRAM, str(folder), json.dumps(settings)]
    headers = {"Authorization": "Bearer sk-0123456789abcdef", "X-DashScope-Async": "enable"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            with httpx.Client(base_url=process.stdout.readline().strip(), headers=headers, timeout=30) as http:
                yield http
        finally:
            process.kill()


def post(http, body, **changes):
    route = "image2video" if "kf2v" in body["model"] else "video-generation"
    response = http.post(f"services/aigc/{route}/video-synthesis", json=body, **changes)
    assert response.status_code == 200, response.text
    return response.json()["output"]["task_id"]


def statuses(caller, *task_ids):
    return [caller.look(task_id)["output"]["task_status"] for task_id in task_ids]


def finished(http, task_id):
    while True:
        output = http.get(f"tasks/{task_id}").json()["output"]
        if output["task_status"] not in ("PENDING", "RUNNING"):
            return output


def upload(http, data):
    granted = http.get("uploads", params={"action": "getPolicy", "model": "wan2.7-i2v"}).json()["data"]
    form = {
        "OSSAccessKeyId": granted["oss_access_key_id"],
        "Signature": granted["signature"],
        "policy": granted["policy"],
        "key": f"{granted['upload_dir']}/a.png",
        "success_action_status": "200",
    }
    httpx.post(granted["upload_host"], data=form, files={"file": ("a.png", data)}).raise_for_status()
    return f"oss://{form['key']}"


def with_first_frame(body, url):
    body["input"]["media"][0]["url"] = url
    return body


def event_log(folder):
    return folder / "events.log"


def test_a_killed_emulator_s_tasks_are_finished_by_the_next_one(folder, bodies, live):
    settings = {"queue_s": 0, "run_s": 100, "limits": {"concurrent_tasks": 1}, "factor": 2000, "enforces_rates": False}
    with killed_in_the_end(folder, **settings) as http:
        done = post(http, bodies.kf2v())
        clip = httpx.get(finished(http, done)["video_url"]).content
    with killed_in_the_end(folder, **{**settings, "factor": 0.001}) as http:
        waiting = [post(http, bodies.kf2v(seed=seed)) for seed in (2, 3)]
        canceled = post(http, bodies.kf2v(seed=4))
        http.post(f"tasks/{canceled}/cancel").raise_for_status()

    caller = live(**{**settings, "factor": 1})
    known = caller.http.get("tasks").json()["data"]
    assert [entry["task_id"] for entry in known] == [canceled, *reversed(waiting), done]
    assert statuses(caller, done, *waiting, canceled) == ["SUCCEEDED", "RUNNING", "PENDING", "CANCELED"]
    link = caller.look(done)["output"]["video_url"]
    assert link.startswith(caller.emulator.origin)
    assert httpx.get(link).content == clip
    assert [caller.finish(task_id)["output"]["task_status"] for task_id in waiting] == ["SUCCEEDED"] * 2
    assert [charge.task_id for charge in caller.emulator.bill().charges] == [done, *waiting]


def test_a_task_killed_while_it_is_filmed_gets_the_clip_it_would_have_got(folder, bodies, live, caller):
    whole = httpx.get(caller.finish(caller.make(bodies.wan27()))["output"]["video_url"]).content
    with killed_in_the_end(folder) as http:
        task_id = post(http, bodies.wan27())
    again = live()
    assert httpx.get(again.finish(task_id)["output"]["video_url"]).content == whole


def test_a_clip_that_is_there_is_not_made_again(folder, bodies, live):
    caller = live()
    link = caller.finish(caller.make(bodies.kf2v()))["output"]["video_url"]
    (clip,) = (folder / "clips").iterdir()
    made = clip.stat().st_mtime_ns
    caller = live()
    (task,) = caller.emulator.account.tasks()
    assert task.film.done()
    assert caller.look(task.id)["output"]["video_url"].partition("/results")[2] == link.partition("/results")[2]
    assert clip.stat().st_mtime_ns == made


def test_a_clip_that_somebody_removed_is_made_again(folder, bodies, live):
    caller = live()
    task_id = caller.make(bodies.kf2v())
    clip = httpx.get(caller.finish(task_id)["output"]["video_url"]).content
    for path in (folder / "clips").iterdir():
        path.unlink()
    assert httpx.get(live().finish(task_id)["output"]["video_url"]).content == clip


def test_an_upload_lasts_its_two_days_over_any_number_of_lives(bodies, live):
    caller = live()
    url = upload(caller.http, base64.b64decode(bodies.first.partition(",")[2]))
    body = with_first_frame(bodies.wan27(), url)
    for hours, status in ((20, "SUCCEEDED"), (20, "SUCCEEDED"), (20, "FAILED")):
        caller.emulator.clock.advance(hours * 3600)
        caller.emulator.account.tasks()
        caller = live()
        task_id = post(caller.http, body, headers=RESOLVE)
        assert caller.finish(task_id)["output"]["task_status"] == status


def test_a_policy_granted_before_may_be_used_afterwards(live):
    granted = live().http.get("uploads", params={"action": "getPolicy", "model": "wan2.7-i2v"}).json()["data"]
    form = {
        "OSSAccessKeyId": granted["oss_access_key_id"],
        "Signature": granted["signature"],
        "policy": granted["policy"],
        "key": f"{granted['upload_dir']}/a.png",
    }
    caller = live()
    assert httpx.post(f"{caller.emulator.origin}/oss", data=form, files={"file": ("a.png", b"x")}).status_code == 204


def test_what_a_fault_made_of_a_task_stays(bodies, live):
    fault = {"on": "submit", "do": "fail", "code": "InternalError.Algo", "message": "Scripted."}
    caller = live(faults=[fault, {"on": "submit", "do": "charge", "seconds": 9}])
    failing = caller.make(bodies.kf2v())
    caller.emulator.forgive()
    caller.emulator.script({"on": "submit", "do": "charge", "seconds": 9})
    charged = caller.make(bodies.kf2v(seed=2))
    refused = caller.make({"model": "wan2.7-i2v", "input": {}})
    caller = live()
    assert caller.finish(charged)["usage"]["video_duration"] == 9
    assert caller.look(failing)["output"]["message"] == "Scripted."
    assert caller.look(refused)["output"]["message"] == "Field required: input.media"
    assert [charge.seconds for charge in caller.emulator.bill().charges] == [9]


def test_a_time_that_was_reported_is_never_in_the_future_again(bodies, live):
    caller = live(queue_s=0, run_s=5000)
    task_id = caller.make(bodies.kf2v())
    while (output := caller.finish(task_id)["output"])["task_status"] != "SUCCEEDED":
        pass
    caller = live(queue_s=0, run_s=5000)
    assert caller.look(task_id)["output"]["end_time"] == output["end_time"]
    assert caller.emulator.clock.now() >= datetime.fromisoformat(f"{output['end_time']}+08:00").timestamp()


@pytest.mark.parametrize(
    ("asleep_s", "factor", "ahead_s", "passed_s"),
    [
        (10, 120, 0, 1200),  # the work goes on at its pace
        (60, 120, 0, 3600),  # until it is all done
        (60, 120, 5000, 3600),
        (7200, 120, 0, 7200),  # then a second is a second
        (7200, 120, 5000, 3600),  # once the time of day has caught up
        (-50, 120, 0, 0),  # a clock on the wall may be set back
    ],
)
def test_time_continues_while_nobody_is_there(asleep_s, factor, ahead_s, passed_s):
    last = Entry(wall_s=1000.0, at=1000.0 + ahead_s, event=Passed())
    assert resumes_at(last, factor, 1000.0 + asleep_s) == last.at + passed_s


def test_what_the_service_forgets_is_cleared_away(folder, bodies, live, as_uri, stills):
    caller = live()
    caller.finish(caller.make(bodies.kf2v()))
    caller.emulator.clock.advance(DAY_S)
    kept = caller.make(bodies.kf2v(seed=2))
    caller.finish(kept)
    (folder / "clips" / "mine.txt").write_text("not the emulator's")
    caller = live()
    assert [task.id for task in caller.emulator.account.tasks()] == [kept]
    caller.emulator.clock.advance(DAY_S)
    caller.emulator.account.tasks()
    before = event_log(folder).stat().st_size
    live()
    assert event_log(folder).stat().st_size < before / 2
    assert [path.name for path in (folder / "clips").iterdir()] == ["mine.txt"]
    assert not list((folder / "files").iterdir())


def test_a_torn_last_line_is_dropped(folder, bodies, live):
    caller = live()
    whole, torn = caller.make(bodies.kf2v(seed=1)), caller.make(bodies.kf2v(seed=2))
    caller.emulator.__exit__(None, None, None)
    head, _, _ = event_log(folder).read_bytes().rpartition(torn.encode())
    event_log(folder).write_bytes(head)
    assert [task.id for task in live().emulator.account.tasks()] == [whole]


@pytest.mark.parametrize(
    "damage",
    [
        lambda log: log.replace(b"PNG", b"XXX").replace(b"kf2v", b"kf3v"),
        lambda log: b"\n".join(log.split(b"\n")[:1] + log.split(b"\n")[2:]),
        lambda log: b"something else altogether\n",
        lambda log: b"\xff\x00\n" + log,
        lambda log: b"",
    ],
)
def test_an_event_log_that_cannot_be_read_is_set_aside(folder, bodies, live, damage):
    caller = live(queue_s=0)
    caller.finish(caller.make(bodies.kf2v()))
    caller.emulator.__exit__(None, None, None)
    event_log(folder).write_bytes(damaged := damage(event_log(folder).read_bytes()))
    caller = live()
    assert caller.emulator.account.tasks() == ()
    assert not damaged or (folder / "events.damaged").read_bytes() == damaged
    assert caller.finish(caller.make(bodies.kf2v()))["output"]["task_status"] == "SUCCEEDED"


def test_an_event_log_of_an_earlier_release_is_understood(folder, bodies, live):
    """It knew one account, and fewer faults."""
    caller = live(queue_s=1000)
    task_id = caller.make(bodies.kf2v())
    caller.emulator.__exit__(None, None, None)
    lines = []
    for line in event_log(folder).read_bytes().splitlines():
        fields = json.loads(line.partition(b" ")[2])
        if fields["event"] == "submitted":
            del fields["data"]["task"]["account"]
            quirks = fields["data"]["task"]["quirks"]
            for name in quirks.keys() - {"failure", "unknown_queries", "unlisted_lists", "charged_seconds"}:
                del quirks[name]
        text = json.dumps(fields).encode()
        lines.append(b"%08x %s\n" % (zlib.crc32(text), text))
    event_log(folder).write_bytes(b"".join(lines))
    assert [task.id for task in live().emulator.account.tasks()] == [task_id]


def test_a_folder_has_one_emulator_at_a_time(folder):
    with Emulator(state_dir=folder), pytest.raises(FolderInUse, match="state"), Emulator(state_dir=folder):
        pass
    with Emulator(state_dir=folder):
        pass


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
def test_a_killed_emulator_does_not_hold_its_folder(folder):
    with killed_in_the_end(folder), pytest.raises(FolderInUse):
        Emulator(state_dir=folder).__enter__()
    with Emulator(state_dir=folder):
        pass


def test_fewer_places_in_the_next_life_are_filled_by_those_who_run(bodies, live):
    caller = live(queue_s=0, run_s=100, limits={"concurrent_tasks": 3})
    tasks = [caller.make(bodies.kf2v(seed=seed)) for seed in range(5)]
    caller = live(queue_s=0, run_s=100, limits={"concurrent_tasks": 1})
    assert statuses(caller, *tasks) == ["RUNNING"] * 3 + ["PENDING"] * 2
    caller.emulator.clock.advance(150)
    assert statuses(caller, *tasks[3:]) == ["RUNNING", "PENDING"]
