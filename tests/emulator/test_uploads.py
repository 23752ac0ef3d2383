"""Temporary uploads, by the wire."""

from __future__ import annotations

import base64

import httpx
import pytest

from kfpipe.emulator.web import uploads

RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


def policy(caller, model="wan2.7-i2v"):
    return caller.http.get("uploads", params={"action": "getPolicy", "model": model}).json()["data"]


def fields(granted, name="a.png", **changes):
    form = {
        "OSSAccessKeyId": granted["oss_access_key_id"],
        "Signature": granted["signature"],
        "policy": granted["policy"],
        "key": f"{granted['upload_dir']}/{name}",
        "x-oss-object-acl": granted["x_oss_object_acl"],
        "x-oss-forbid-overwrite": granted["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }
    return {**form, **changes}


def upload(policy, form, data=b"bytes"):
    return httpx.post(policy["upload_host"], data=form, files={"file": ("a.png", data)})


def code(response):
    assert response.headers["content-type"].startswith("application/xml")
    return response.status_code, response.text.split("<Code>")[1].split("</Code>")[0]


@pytest.fixture
def still(bodies):
    return base64.b64decode(bodies.first.partition(",")[2])


def frames(bodies, url):
    body = bodies.wan27()
    body["input"]["media"][0]["url"] = url
    return body


def test_an_uploaded_frame_is_used(shared, bodies, still):
    granted = policy(shared)
    response = upload(granted, fields(granted), still)
    assert (response.status_code, response.content) == (200, b"")
    submitted = shared.submit(frames(bodies, f"oss://{granted['upload_dir']}/a.png"), headers=RESOLVE)
    assert shared.finish(submitted.json()["output"]["task_id"])["output"]["task_status"] == "SUCCEEDED"


def test_inline_and_uploaded_the_same_picture_is_the_same_request(caller, bodies, still):
    granted = policy(caller)
    upload(granted, fields(granted), still)
    caller.submit(frames(bodies, f"oss://{granted['upload_dir']}/a.png"), headers=RESOLVE)
    caller.make(bodies.wan27())
    uploaded, inline = caller.emulator.account.tasks()
    assert uploaded.digest == inline.digest


def test_without_the_resolve_header_the_url_is_no_url(shared, bodies):
    refused = shared.submit(frames(bodies, "oss://dashscope-instant/x/a.png"))
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter_error")


def test_the_policy_is_the_documented_one(shared):
    granted = policy(shared)
    assert granted["expire_in_seconds"] == 300
    assert granted["max_file_size_mb"] == 100
    assert granted["x_oss_forbid_overwrite"] == "true"


def test_a_policy_needs_a_known_model_and_action(shared):
    assert shared.http.get("uploads", params={"action": "getPolicy", "model": "wan9"}).status_code == 404
    assert shared.http.get("uploads", params={"model": "wan2.7-i2v"}).status_code == 400


def test_a_key_cannot_be_written_twice(shared):
    granted = policy(shared)
    assert upload(granted, fields(granted)).status_code == 200
    assert code(upload(granted, fields(granted))) == (409, "FileAlreadyExists")
    assert upload(granted, fields(granted, "b.png")).status_code == 200


def test_a_policy_runs_out(shared):
    granted = policy(shared)
    shared.emulator.clock.advance(301)
    assert code(upload(granted, fields(granted))) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"key": "elsewhere/a.png"}, (403, "AccessDenied")),
        ({"Signature": "forged"}, (403, "SignatureDoesNotMatch")),
        ({"policy": "e30="}, (403, "SignatureDoesNotMatch")),
        ({"OSSAccessKeyId": "LTAIother"}, (403, "InvalidAccessKeyId")),
    ],
)
def test_a_form_that_the_policy_does_not_cover_is_refused(shared, changes, expected):
    granted = policy(shared)
    assert code(upload(granted, fields(granted, **changes))) == expected


def test_the_file_has_to_come_last(shared):
    granted = policy(shared)
    parts = {"file": ("a.png", b"x"), **{name: (None, value) for name, value in fields(granted).items()}}
    assert code(httpx.post(granted["upload_host"], files=parts)) == (400, "InvalidArgument")


def test_a_body_that_is_no_form_is_refused(shared):
    assert code(httpx.post(policy(shared)["upload_host"], content=b"x")) == (400, "MalformedPOSTRequest")


def test_a_form_beyond_all_measure_is_refused(shared, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST_FORM_BYTES", 100_000)  # the real one takes seconds to send
    response = httpx.post(policy(shared)["upload_host"], content=bytes(100_001))
    assert code(response) == (400, "EntityTooLarge")


def test_bytes_arrive_as_they_were_sent(shared):
    granted = policy(shared)
    data = bytes(range(256)) * 50 + b"\r\n--x\r\n\r\n"
    upload(granted, fields(granted), data)
    stored = shared.emulator.uploads.resolve(f"oss://{granted['upload_dir']}/a.png", "wan2.7-i2v")
    assert stored.path.read_bytes() == data


def test_an_upload_belongs_to_the_model_it_was_made_for(shared, bodies, still):
    granted = policy(shared, "wan2.2-kf2v-flash")
    upload(granted, fields(granted), still)
    submitted = shared.submit(frames(bodies, f"oss://{granted['upload_dir']}/a.png"), headers=RESOLVE)
    output = shared.finish(submitted.json()["output"]["task_id"])["output"]
    assert output["code"] == "InvalidParameter.DataInspection"


def test_an_upload_is_gone_after_two_days(shared, bodies, still):
    granted = policy(shared)
    upload(granted, fields(granted), still)
    shared.emulator.clock.advance(48 * 3600 + 1)
    submitted = shared.submit(frames(bodies, f"oss://{granted['upload_dir']}/a.png"), headers=RESOLVE)
    output = shared.finish(submitted.json()["output"]["task_id"])["output"]
    assert (output["code"], output["message"].split()[0]) == ("InvalidParameter", "Failed")
