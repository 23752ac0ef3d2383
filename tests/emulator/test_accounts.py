"""Several accounts behind one address, and tasks that other programs have made."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from kfpipe.emulator import Emulator

OURS, OURS_TOO, THEIRS, NOBODYS = "sk-ours", "sk-ours-too", "sk-theirs", "sk-nobodys"
ACCOUNTS = {OURS: "ours", OURS_TOO: "ours", THEIRS: "theirs"}
DAY_S = 24 * 3600


def by(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def made_by(bodies):
    """A task's id."""

    def make(caller, key, **parameters):
        response = caller.submit(bodies.kf2v(**parameters), headers=by(key))
        assert response.status_code == 200, response.text
        return response.json()["output"]["task_id"]

    return make


def status(caller, key, task_id):
    response = caller.http.get(f"tasks/{task_id}", headers=by(key))
    assert response.status_code == 200
    return response.json()["output"]["task_status"]


def listed(caller, key, **query):
    page = caller.http.get("tasks", headers=by(key), params=query).json()
    assert page["total"] == len(page["data"])
    return [entry["task_id"] for entry in page["data"]]


def test_a_task_is_seen_by_every_key_of_its_account_and_by_no_other(start, made_by):
    caller = start(accounts=ACCOUNTS, queue_s=100)
    ours, theirs, main = (made_by(caller, key) for key in (OURS, THEIRS, NOBODYS))
    assert [status(caller, key, ours) for key in (OURS, OURS_TOO)] == ["PENDING"] * 2
    assert [status(caller, key, ours) for key in (THEIRS, NOBODYS)] == ["UNKNOWN"] * 2
    assert [status(caller, OURS, task_id) for task_id in (theirs, main)] == ["UNKNOWN"] * 2
    assert listed(caller, OURS) == listed(caller, OURS_TOO) == listed(caller, OURS, task_id=ours) == [ours]
    assert (listed(caller, THEIRS), listed(caller, NOBODYS)) == ([theirs], [main])
    assert listed(caller, THEIRS, task_id=ours) == []


def test_an_answer_about_another_account_s_task_is_that_about_a_task_that_never_was(start, made_by):
    caller = start(accounts=ACCOUNTS)
    foreign = made_by(caller, OURS)
    answers = []
    for task_id in (foreign, "11111111-2222-3333-4444-555555555555"):
        answer = caller.http.get(f"tasks/{task_id}", headers=by(THEIRS)).json()
        assert answer["output"].pop("task_id") == task_id
        assert answer.pop("request_id")
        answers.append(answer)
    assert answers[0] == answers[1] == {"output": {"task_status": "UNKNOWN"}}


def test_only_a_key_of_the_account_cancels_a_task(start, made_by):
    caller = start(accounts=ACCOUNTS, queue_s=100)
    task_id = made_by(caller, OURS)
    refused = caller.http.post(f"tasks/{task_id}/cancel", headers=by(THEIRS))
    assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")
    assert status(caller, OURS, task_id) == "PENDING"
    assert caller.http.post(f"tasks/{task_id}/cancel", headers=by(OURS_TOO)).status_code == 200
    assert status(caller, OURS, task_id) == "CANCELED"


def test_each_account_has_its_own_bill(start, made_by):
    caller = start(accounts=ACCOUNTS, limits={"concurrent_tasks": 9})
    ours, theirs = [made_by(caller, OURS), made_by(caller, OURS_TOO, seed=2)], made_by(caller, THEIRS)
    for account in caller.emulator.accounts.values():
        for task in account.tasks():
            task.film.result(30)
    caller.emulator.clock.advance(1000)
    bill = caller.emulator.bill
    assert {charge.task_id for charge in bill("ours").charges} == set(ours)
    assert [charge.task_id for charge in bill("theirs").charges] == [theirs]
    assert (bill("main").charges, bill().total) == ((), Decimal("0.075") * 3)
    told = caller.http.get(f"{caller.emulator.origin}/emulator/bill").json()
    assert {entry["task_id"]: entry["account"] for entry in told["tasks"]} == {
        **dict.fromkeys(ours, "ours"),
        theirs: "theirs",
    }


def test_one_account_s_limits_do_not_touch_another(start, made_by, bodies):
    caller = start(accounts=ACCOUNTS, queue_s=0, limits={"submissions_per_second": 1}, enforces_rates=True)
    made_by(caller, OURS)
    assert caller.submit(bodies.kf2v(), headers=by(OURS_TOO)).status_code == 429
    made_by(caller, THEIRS)


def test_one_account_s_tasks_take_no_place_of_another(start, made_by):
    caller = start(accounts=ACCOUNTS, queue_s=0, run_s=100, limits={"concurrent_tasks": 1})
    first, second, theirs = made_by(caller, OURS), made_by(caller, OURS), made_by(caller, THEIRS)
    assert [status(caller, OURS, task_id) for task_id in (first, second)] == ["RUNNING", "PENDING"]
    assert status(caller, THEIRS, theirs) == "RUNNING"


def test_a_link_to_a_clip_needs_no_account(start, made_by):
    caller = start(accounts=ACCOUNTS)
    task_id = made_by(caller, OURS)
    caller.emulator.accounts["ours"].tasks()[0].film.result(30)
    caller.emulator.clock.advance(1000)
    link = caller.http.get(f"tasks/{task_id}", headers=by(OURS)).json()["output"]["video_url"]
    assert httpx.get(link).status_code == 200


def test_the_list_names_another_account_by_another_number(start, made_by):
    caller = start(accounts=ACCOUNTS)
    uids = []
    for key in (OURS, OURS_TOO, THEIRS, NOBODYS):
        made_by(caller, key)
        uids.append(caller.http.get("tasks", headers=by(key)).json()["data"][0]["caller_parent_id"])
    assert uids[0] == uids[1]
    assert len(set(uids)) == 3
    assert uids[3] == "100000000001"


def test_a_task_stays_with_its_account_in_another_life(start, made_by, tmp_path):
    caller = start(accounts=ACCOUNTS, queue_s=1000, state_dir=tmp_path)
    task_id = made_by(caller, OURS)
    caller.emulator.__exit__(None, None, None)
    again = start(accounts={OURS_TOO: "ours"}, state_dir=tmp_path)
    assert (status(again, OURS_TOO, task_id), status(again, THEIRS, task_id)) == ("PENDING", "UNKNOWN")


def test_an_account_that_no_key_is_left_of_keeps_its_tasks_and_its_bill(start, made_by, tmp_path):
    caller = start(accounts=ACCOUNTS, queue_s=0, run_s=0, state_dir=tmp_path)
    task_id = made_by(caller, OURS)
    caller.emulator.accounts["ours"].tasks()[0].film.result(30)
    caller.emulator.__exit__(None, None, None)
    again = start(state_dir=tmp_path)
    assert status(again, OURS, task_id) == "UNKNOWN"
    assert [charge.task_id for charge in again.emulator.bill("ours").charges] == [task_id]


def test_no_key_is_in_what_an_emulator_says_of_itself():
    with Emulator(accounts=ACCOUNTS) as emulator:
        assert "sk-" not in repr(emulator.settings)


# ---- tasks of other programs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["wan2.7-i2v", "wan2.2-kf2v-flash"])
def test_another_program_s_task_is_listed_rendered_and_billed_like_any_other(start, model):
    caller = start(queue_s=10, run_s=50)
    at = caller.emulator.clock.now() - 3600
    planted = caller.emulator.account.plant("A dog.", model, at, resolution="720P")
    (entry,) = caller.http.get("tasks").json()["data"]
    assert (entry["task_id"], entry["model_name"], entry["api_key_id"]) == (planted.id, model, "149999")
    assert entry["gmt_create"] == round(at * 1000)
    done = caller.finish(planted.id)["output"]
    assert (done["task_status"], done["orig_prompt"]) == ("SUCCEEDED", "A dog.")
    assert httpx.get(done["video_url"]).content[4:8] == b"ftyp"
    assert [charge.prompt for charge in caller.emulator.bill().charges] == ["A dog."]


def test_the_list_stays_in_order_when_a_task_of_the_past_comes_up(start, bodies):
    caller = start()
    clock, plant = caller.emulator.clock, caller.emulator.account.plant
    own = caller.make(bodies.kf2v())
    hour_ago, yesterday = plant("B", created_at=clock.now() - 3600), plant("C", created_at=clock.now() - DAY_S - 1)
    now = plant("D")
    assert [entry["task_id"] for entry in caller.http.get("tasks").json()["data"]] == [now.id, own, hour_ago.id]
    assert [task.id for task in caller.emulator.account.tasks()] == [yesterday.id, hour_ago.id, own, now.id]


def test_another_program_s_task_takes_a_place_and_no_rate(start, bodies):
    caller = start(
        queue_s=0, run_s=100, limits={"concurrent_tasks": 1, "submissions_per_second": 1}, enforces_rates=True
    )
    caller.emulator.account.plant("A dog.", "wan2.2-kf2v-flash")
    own = caller.make(bodies.kf2v())
    assert caller.look(own)["output"]["task_status"] == "PENDING"


def test_another_program_s_task_is_still_there_in_another_life(start, tmp_path):
    caller = start(queue_s=1000, state_dir=tmp_path)
    planted = caller.emulator.account.plant("A dog.", duration=2)
    caller.emulator.__exit__(None, None, None)
    assert start(state_dir=tmp_path).look(planted.id)["output"]["task_status"] == "PENDING"


def test_a_task_of_a_model_that_is_not_offered_cannot_be_planted(start):
    with pytest.raises(KeyError):
        start().emulator.account.plant("A dog.", "sora-9")
