"""What is refused before a task exists."""

from __future__ import annotations

import pytest

from kfpipe.emulator.web.hosts import is_loopback


def refusal(response):
    body = response.json()
    assert set(body) == {"code", "message", "request_id"}
    return response.status_code, body["code"]


def test_a_submission_answers_with_a_pending_task(shared, bodies):
    body = shared.submit(bodies.wan27()).json()
    assert set(body) == {"request_id", "output"}
    assert body["output"]["task_status"] == "PENDING"


def test_a_missing_key_and_a_wrong_key_are_told_apart(shared, bodies):
    missing = shared.submit(bodies.wan27(), headers={"Authorization": ""})
    wrong = shared.submit(bodies.wan27(), headers={"Authorization": "Bearer not-a-key"})
    assert refusal(missing) == refusal(wrong) == (401, "InvalidApiKey")
    assert missing.json()["message"] != wrong.json()["message"]


def test_only_the_keys_of_the_account_open_it_when_they_are_named(start, bodies):
    caller = start(api_keys=frozenset({"sk-other"}))
    assert refusal(caller.submit(bodies.wan27())) == (401, "InvalidApiKey")
    assert refusal(caller.http.get("tasks")) == (401, "InvalidApiKey")
    assert caller.submit(bodies.wan27(), headers={"Authorization": "Bearer sk-other"}).status_code == 200


def test_a_synchronous_call_is_refused(shared, bodies):
    assert refusal(shared.submit(bodies.wan27(), headers={"X-DashScope-Async": "disable"})) == (403, "AccessDenied")


@pytest.mark.parametrize("text", [b"{", b"", b"[]", b"nonsense"])
def test_a_body_that_is_no_object_is_refused(shared, text):
    response = shared.http.post("services/aigc/video-generation/video-synthesis", content=text)
    assert refusal(response) == (400, "BadRequest.IllegalInput")


def test_a_body_beyond_all_measure_is_refused(shared):
    response = shared.http.post("services/aigc/video-generation/video-synthesis", content=b" " * (32 * 1024**2 + 1))
    assert refusal(response) == (400, "BadRequest.TooLarge")


def test_an_unknown_model_is_refused(shared, bodies):
    assert refusal(shared.submit({**bodies.wan27(), "model": "wan9"})) == (404, "ModelNotFound")


def test_a_model_of_another_region_is_refused(start, bodies):
    body = {**bodies.kf2v(), "model": "wanx2.1-kf2v-plus"}
    assert refusal(start(region="singapore").submit(body)) == (404, "ModelNotFound")
    assert start(region="beijing").submit(body).status_code == 200


def test_a_model_under_the_other_path_is_refused(shared, bodies):
    response = shared.submit(bodies.kf2v(), route="video-generation")
    assert refusal(response) == (400, "InvalidParameter")
    assert "url error" in response.json()["message"]


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        ("free_tier_only", (403, "AllocationQuota.FreeTierOnly")),
        ("arrears", (400, "Arrearage")),
        ("not_activated", (403, "AccessDenied.Unpurchased")),
    ],
)
def test_an_account_that_may_not_spend_is_refused(start, bodies, standing, expected):
    assert refusal(start(standing=standing).submit(bodies.wan27())) == expected


def test_the_key_is_checked_first_and_the_account_last(start, bodies):
    caller = start(standing="arrears")
    bad = {**bodies.wan27(), "model": "wan9"}
    assert refusal(caller.submit(bad, headers={"Authorization": "", "X-DashScope-Async": ""}))[0] == 401
    assert refusal(caller.submit(bad, headers={"X-DashScope-Async": ""}))[0] == 403
    assert refusal(caller.submit(bad))[0] == 404


def test_every_path_may_end_in_a_slash(caller, bodies):
    assert caller.submit(bodies.wan27(), route="video-generation").status_code == 200
    slashed = caller.http.post("services/aigc/video-generation/video-synthesis/", json=bodies.wan27())
    task_id = slashed.json()["output"]["task_id"]
    assert caller.http.get(f"tasks/{task_id}/").json()["output"]["task_id"] == task_id
    assert caller.http.get("tasks/").json()["total"] == caller.http.get("tasks").json()["total"] == 2
    assert caller.http.get("uploads/", params={"action": "getPolicy", "model": "wan2.7-i2v"}).status_code == 200
    assert caller.http.post(f"tasks/{task_id}/cancel/").status_code in (200, 400)


def test_an_unknown_path_answers_in_json(shared):
    assert refusal(shared.http.get("nowhere")) == (404, "NotFound")


@pytest.mark.parametrize("key", ["sk-anything", "sk-ws-anything", "st-for-some-minutes"])
def test_lasting_and_temporary_keys_are_taken(shared, key):
    assert shared.http.get("tasks", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_the_key_of_a_token_plan_is_not_valid_here(shared, bodies):
    plan = {"Authorization": "Bearer sk-sp-0123456789"}
    assert refusal(shared.submit(bodies.wan27(), headers=plan)) == (401, "InvalidApiKey")
    assert refusal(shared.http.get("tasks", headers=plan)) == (401, "InvalidApiKey")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/services/aigc/video-generation/video-synthesis"),
        ("GET", "/api/v1/tasks"),
        ("GET", "/api/v1/tasks/x"),
        ("POST", "/api/v1/tasks/x/cancel"),
        ("GET", "/api/v1/uploads?action=getPolicy&model=wan2.7-i2v"),
        ("POST", "/oss"),
        ("GET", "/results/a/b/c/d/e"),
        ("GET", "/api/v1/models"),
        ("GET", "/api/v1/models/limits?model=wan2.7-i2v"),
        ("GET", "/emulator/bill"),
        ("GET", "/emulator/requests"),
        ("GET", "/"),
    ],
)
def test_no_path_answers_a_request_that_is_meant_for_another_host(shared, method, path):
    """A page whose name is made to resolve to this machine sends that name."""
    before = shared.emulator.requests()
    url = f"{shared.emulator.origin}{path}"
    assert refusal(shared.http.request(method, url, headers={"Host": "rebound.example:8080"})) == (403, "AccessDenied")
    assert shared.emulator.requests() == before


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:80", "localhost", "LOCALHOST:8080", "127.9.9.9", "127.1", "[::1]", "[::1]:80"]
)
def test_this_machine_may_be_called_by_any_of_its_own_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "", "example.com", "localhost.example.com", "127.0.0.1.example.com", "localhost@example.com", "128.0.0.1",
        "0.0.0.0", "192.168.1.7", "[::2]", "[::1", "::1", "a:b", "localhost:", "127.0.0.1 example.com", "127.0.0.1:1/x",
    ],
)  # fmt: skip
def test_no_other_host_passes_for_this_machine(host):
    assert not is_loopback(host)
