"""How the service treats other makers' models: files handed over, links, shared limits, and what switches turn."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kfpipe.emulator import ModelsInvalid
from tests.docs.pages import blocks
from tests.emulator.conftest import png
from tests.emulator.test_partners import (
    C1,
    CASES,
    KLING,
    MINIMAX,
    OLD_HORSE,
    OMNI,
    PIXVERSE,
    Q2,
    Q2_TURBO,
    Q3,
    Q3_TURBO,
    SMALL,
    STD,
    TURBO,
    V6,
    V56,
    alone,
    both,
    images,
    make,
    measured,
)
from tests.emulator.test_validation import picture
from tests.support.places import ROOT


def uploaded(caller, model, picture):
    """Upload a still for a model, whose name stands percent-encoded in the query."""
    name = httpx.QueryParams({"model": model})
    assert "/" not in str(name)
    policy = caller.http.get(f"uploads?action=getPolicy&{name}").json()["data"]
    fields = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": f"{policy['upload_dir']}/a.png",
    }
    caller.http.post(policy["upload_host"], data=fields, files={"file": picture}).raise_for_status()
    return f"oss://{fields['key']}"


def outcome(caller, body):
    """The output of a finished task whose request may name uploads."""
    headers = {"X-DashScope-OssResourceResolve": "enable"}
    response = caller.submit(body, route="video-generation", headers=headers)
    return caller.finish(response.json()["output"]["task_id"])["output"]


def given(body, first, last):
    media = [{**item, "url": url} for item, url in zip(body["input"]["media"], (first, last), strict=True)]
    return {**body, "input": {**body["input"], "media": media}}


def test_uploads_are_tried_where_pages_are_silent_and_a_switch_refuses_them(shared, start, as_uri, stills):
    body = both(KLING, **STD)
    frames = [uploaded(shared, KLING, still) for still in stills]
    assert outcome(shared, given(body, *frames))["task_status"] == "SUCCEEDED"
    inline = outcome(shared, given(body, frames[0], as_uri(stills[1])))
    assert (inline["code"], inline["message"]) == ("InvalidURL", f"{KLING} does not take files as data: URLs.")
    strict = start(switches=["http-only"])
    frames = [uploaded(strict, KLING, still) for still in stills]
    assert outcome(strict, given(body, *frames))["code"] == "InvalidURL"
    assert outcome(strict, body)["task_status"] == "SUCCEEDED"
    assert outcome(start(switches=["data-uris"]), given(body, *map(as_uri, stills)))["task_status"] == "SUCCEEDED"


def test_two_stills_of_vidu_are_of_like_size_and_a_switch_takes_any(start):
    body = images(Q2, **SMALL)
    small, large = png(size=(640, 360)), png(size=(720, 406))
    caller, lenient = start(), start(switches=["unequal-stills"])
    frames = [uploaded(caller, Q2, still) for still in (small, large)]
    failed = outcome(caller, given(body, *frames))
    assert (failed["code"], "quotient" in failed["message"]) == ("InvalidParameter", True)
    assert "0.79" in failed["message"]
    frames = [uploaded(lenient, Q2, still) for still in (small, large)]
    assert outcome(lenient, given(body, *frames))["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("model", "size", "form", "code"),
    [
        (KLING, (299, 400), (), "InvalidImage.ImageSize"),
        (KLING, (800, 310), (), "InvalidFile.AspectRatio"),
        (KLING, (400, 400), ("RGB", "WEBP"), "InvalidImage.FileFormat"),
        (KLING, (400, 400), ("RGBA",), "InvalidImage.FileFormat"),
        (MINIMAX, (255, 300), (), "InvalidImage.ImageSize"),
        (V6, (400, 400), ("RGB", "BMP"), "InvalidImage.FileFormat"),
        (Q2, (820, 200), (), "InvalidFile.AspectRatio"),
    ],
)  # fmt: skip
def test_a_still_that_breaks_its_model_s_limits_fails_the_task(shared, model, size, form, code):
    body = next(case.body for case in CASES if case.body["model"] == model)
    still = uploaded(shared, model, picture(size, *form))
    assert outcome(shared, given(body, still, still))["code"] == code


def test_a_family_that_is_not_switched_on_is_not_found(start, bodies):
    caller = start(switches=["not-switched-on"])
    for body in (both(KLING), both(MINIMAX), PIXVERSE, images(Q3)):
        response = caller.submit(body, route="video-generation")
        assert (response.status_code, response.json()["code"]) == (404, "ModelNotFound")
        assert "does not exist or you do not have access to it" in response.json()["message"]
    assert caller.submit(bodies.wan27()).status_code == 200
    assert len(caller.emulator.account.tasks()) == 1


def test_the_official_sdk_s_path_for_pixverse_is_the_wrong_one(shared):
    response = shared.submit(PIXVERSE, route="image2video")
    assert (response.status_code, response.json()["code"]) == (400, "InvalidParameter")
    assert response.json()["message"] == "url error, please check url!"


def test_kling_marks_a_second_clip_and_repeats_no_prompt(shared):
    answer = shared.finish(make(shared, both(KLING, watermark=True, **STD)))["output"]
    assert "orig_prompt" not in answer
    clean, marked = (httpx.get(answer[name]).content for name in ("video_url", "watermark_video_url"))
    assert clean[4:8] == marked[4:8] == b"ftyp"
    assert clean != marked
    plain = shared.finish(make(shared, both(KLING, watermark=False, **STD)))["output"]
    assert "watermark_video_url" not in plain
    assert httpx.get(plain["video_url"]).content == clean


def test_tasks_of_a_model_are_listed_by_its_name_with_the_slash_encoded(shared):
    task_id = make(shared, PIXVERSE)
    listed = shared.http.get("tasks?model_name=pixverse%2Fpixverse-v6-kf2v&page_size=100").json()["data"]
    assert task_id in [entry["task_id"] for entry in listed]
    assert {entry["model_name"] for entry in listed} == {V6}
    assert not any("prompt" in name for entry in listed for name in entry)


def test_links_have_the_shapes_of_their_makers_and_work_byte_for_byte(start):
    caller = start()
    urls = {
        body["model"]: caller.finish(make(caller, body))["output"]["video_url"]
        for body in (both(KLING, **STD), PIXVERSE, images(Q2, **SMALL))
    }
    assert all(httpx.get(url).status_code == 200 for url in urls.values())
    assert [*parse_qs(urlsplit(urls[KLING]).query)] == ["cacheKey"]
    assert "?" not in urls[V6]
    assert "%2F" in urls[V6]
    assert httpx.get(urls[V6].replace("%2F", "/")).status_code == 403
    assert httpx.get(urls[V6].replace("_seed", "_seed1")).status_code == 403
    amazon = parse_qs(urlsplit(urls[Q2]).query)
    assert amazon["X-Amz-Expires"] == ["86400"]
    assert not any(name.startswith("Expires") for name in amazon)
    assert httpx.get(urls[Q2], headers={"Authorization": "Bearer sk-x"}).status_code == 400
    caller.emulator.clock.advance(25 * 3600)
    assert {model: httpx.get(url).status_code for model, url in urls.items()} == {KLING: 200, V6: 200, Q2: 403}
    caller.emulator.clock.advance(30 * 24 * 3600)
    assert httpx.get(urls[KLING]).status_code == 404


def test_a_failed_task_may_be_told_without_an_output_and_a_tier_as_nothing(start):
    caller = start(switches=["failure-without-output", "odd-sr"])
    failed = caller.finish(make(caller, both(KLING, mode="2k")))
    assert (failed["code"], "output" in failed) == ("InvalidParameter", False)
    assert caller.finish(make(caller, PIXVERSE))["usage"]["SR"] == ""
    assert caller.finish(make(caller, alone(OLD_HORSE, resolution="720P", duration=3)))["usage"]["SR"] == 720


def test_kling_and_vidu_tell_no_times_before_the_end(start):
    caller = start(queue_s=0, run_s=100)
    for body, told in ((both(KLING), False), (images(Q3), False), (PIXVERSE, True)):
        output = caller.look(make(caller, body))["output"]
        assert ("submit_time" in output) is told
    assert caller.look(make(caller, images(Q3)))["output"].keys() == {"task_id", "task_status"}


KLINGS = (KLING, OMNI, TURBO)


def asked(model, seed):
    return alone(model, seed=seed, **STD)


def test_models_of_a_family_share_their_places_and_their_pace(start):
    caller = start(queue_s=0, run_s=1000, over_limit="refuse")
    statuses = [caller.submit(asked(KLINGS[nth % 3], nth), route="video-generation").status_code for nth in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    vidus = [caller.submit(images(model), route="video-generation") for model in (Q3, Q3_TURBO, Q2, Q2_TURBO, Q3, Q2)]
    assert [answer.status_code for answer in vidus] == [200] * 5 + [429]
    assert vidus[-1].json()["code"] == "Throttling.RateQuota"
    for model in (V6, C1, V56):  # each of these is a family of its own
        assert caller.submit(both(model, resolution="360P", duration=5), route="video-generation").status_code == 200
    another_key = {"Authorization": "Bearer sk-another"}
    assert caller.submit(asked(KLING, 99), route="video-generation", headers=another_key).status_code == 200
    assert caller.submit(images(Q3), route="video-generation", headers=another_key).status_code == 429


def test_a_family_s_submissions_are_counted_together(start):
    caller = start(enforces_rates=True)
    caller.emulator.clock.stop()
    statuses = [caller.submit(asked(KLINGS[nth % 3], nth), route="video-generation").status_code for nth in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    vidus = [caller.submit(images(model), route="video-generation") for model in (Q3, Q3_TURBO) for _ in range(4)]
    assert {answer.status_code for answer in vidus} == {200}, "each model of Vidu has a pace of its own"


def test_an_entry_for_an_invented_model_is_all_it_takes(start, tmp_path):
    path = tmp_path / "more.toml"
    path.write_text(next(blocks(ROOT / "docs/emulator.md", "toml")).text)
    caller = start(models=path)
    answer = caller.finish(make(caller, both("lumen/dawn-1", mode="small", duration=1, audio=True)))
    assert answer["usage"] == measured("360", 1, "640*360", audio=True)
    assert caller.emulator.bill().total == Decimal("0.02")
    assert "duration must be an integer from 1 to 2" in refused_by(caller, both("lumen/dawn-1", duration=3))


def refused_by(caller, body):
    return caller.finish(make(caller, body))["output"]["message"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models.x", "more.toml"),
        ('[models."x"]\nlike = "y"', "model x: 'y' is not there"),
        ('[models."x"]\nlike = "x"', "is a circle"),
        ('[models."x"]\nlike = "wan2.7-i2v"\nsounds = "never"', "sounds"),
        ('[models."x"]\nlike = "wan2.7-i2v"\nusage = {SR = "size of it"}', "size of it"),
    ],
)  # fmt: skip
def test_a_file_of_models_that_cannot_be_used_says_where(start, tmp_path, text, said):
    path = tmp_path / "more.toml"
    path.write_text(text)
    with pytest.raises(ModelsInvalid, match=said):
        start(models=path)


def test_each_model_runs_as_long_as_its_pages_show_unless_told_otherwise(start):
    caller, told = start(queue_s=0), start(queue_s=0, run_s=7)
    for body, least, most in ((both(KLING), 30, 60), (images(Q2_TURBO), 15, 30), (images(Q3), 40, 80)):
        for one in (caller, told):
            make(one, body)
        (*_, task), (*_, other) = (one.emulator.account.tasks() for one in (caller, told))
        assert least <= task.run_s <= most
        assert other.run_s == 7
