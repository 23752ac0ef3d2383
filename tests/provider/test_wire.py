"""Bodies as the reference writes them, and answers as the service has been seen to write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfpipe.catalogue import shipped
from kfpipe.domain import MediaRole, Parameters, RenderRequest, TaskStatus
from kfpipe.errors import KfpipeError, ServiceUnclear
from kfpipe.provider import refusals, wire

URLS = {MediaRole.LAST_FRAME: "https://host.example/b.png", MediaRole.FIRST_FRAME: "https://host.example/a.png"}
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def body(
    model_name: str,
    *,
    wire_name: str | None = None,
    seed: int | None = 7,
    negative: str = "",
    template: str | None = None,
    audio: bool | None = None,
    urls: dict[MediaRole, str] = URLS,
) -> dict[str, Any]:
    model = shipped().model(model_name)
    assert model is not None
    request = RenderRequest(
        model=model_name,
        prompt="" if template else "Lights on.",
        negative_prompt=negative,
        media=(),
        template=template,
        parameters=Parameters(
            resolution="720P", duration_s=5, prompt_extend=True, watermark=False, seed=seed, audio=audio
        ),
    )
    return wire.submit_body(request, urls, model=model, wire_name=wire_name or model_name)


def report(output: dict[str, Any], usage: Any = None, **more: Any) -> Any:
    answer = {"request_id": "r", "output": {"task_id": "t", "task_status": "SUCCEEDED"} | output, "usage": usage}
    read_back = wire.json_object(json.dumps(answer | more).encode(), secret="sk-secret")
    assert read_back is not None
    return wire.task_report(read_back, "t")


def test_frames_are_listed_by_role_first_one_first() -> None:
    assert [item["type"] for item in body("wan2.7-i2v")["input"]["media"]] == ["first_frame", "last_frame"]


def test_every_parameter_is_sent_also_where_it_is_the_services_default() -> None:
    assert body("wan2.2-kf2v-flash")["parameters"] == {
        "resolution": "720P",
        "duration": 5,
        "prompt_extend": True,
        "watermark": False,
        "seed": 7,
    }


def test_a_sound_and_a_clip_are_media_of_their_own_roles() -> None:
    urls = {MediaRole.FIRST_CLIP: "oss://clip.mp4", MediaRole.LAST_FRAME: "oss://b.png"}
    assert body("wan2.7-i2v", urls=urls)["input"]["media"] == [
        {"type": "last_frame", "url": "oss://b.png"},
        {"type": "first_clip", "url": "oss://clip.mp4"},
    ]
    urls = {MediaRole.DRIVING_AUDIO: "oss://voice.wav", MediaRole.FIRST_FRAME: "oss://a.png"}
    assert [given["type"] for given in body("wan2.7-i2v", urls=urls)["input"]["media"]] == [
        "first_frame",
        "driving_audio",
    ]


def test_an_effect_goes_with_its_first_frame_and_nothing_else() -> None:
    sent = body("wan2.1-kf2v-plus", template="hanfu-1", urls={MediaRole.FIRST_FRAME: "oss://a.png"})
    assert sent["input"] == {"template": "hanfu-1", "first_frame_url": "oss://a.png"}


def test_what_only_the_newest_models_ask_for_is_sent_to_them_alone() -> None:
    sent = body("wan3.0-video", audio=False)["parameters"]
    assert (sent["audio"], sent["ratio"]) == (False, "adaptive")
    assert not body("wan2.7-i2v")["parameters"].keys() & {"audio", "ratio"}


def test_an_empty_negative_prompt_is_left_out_and_so_is_a_seed_that_nobody_wants() -> None:
    assert "negative_prompt" not in body("wan2.7-i2v")["input"]
    assert body("wan2.7-i2v", negative="text")["input"]["negative_prompt"] == "text"
    assert "seed" not in body("wan2.7-i2v", seed=None)["parameters"]


def test_the_regions_own_name_of_the_model_is_sent() -> None:
    assert body("wan2.1-kf2v-plus", wire_name="wanx2.1-kf2v-plus")["model"] == "wanx2.1-kf2v-plus"


def test_a_finished_task_of_the_newer_models_is_read() -> None:
    url = "https://host.example/1d/4e/name.mp4?Expires=1795228683&OSSAccessKeyId=LTAI&Signature=abc%3D"
    usage = {"duration": 6, "input_video_duration": 0, "output_video_duration": 6, "video_count": 1, "SR": 720}
    read = report({"video_url": url, "orig_prompt": "Lights on.\n"}, usage)
    assert read.status is TaskStatus.SUCCEEDED
    assert read.video_url == url
    assert read.url_expires_at == datetime(2026, 11, 21, 2, 38, 3, tzinfo=UTC)
    assert read.orig_prompt == "Lights on.\n"
    assert read.actual_prompt is None
    assert (read.billed_seconds, read.resolution) == (Decimal(6), "720P")


def test_a_finished_task_of_the_keyframe_models_is_read() -> None:
    usage = {"video_duration": 5, "video_count": 1, "SR": "480"}
    read = report({"video_url": "https://host.example/x.mp4", "actual_prompt": "Lights go on."}, usage)
    assert read.url_expires_at is None
    assert read.actual_prompt == "Lights go on."
    assert (read.billed_seconds, read.resolution) == (Decimal(5), "480P")


@pytest.mark.parametrize("five", [5, 5.0, "5", "5.0", 5.00])
def test_five_seconds_are_five_however_they_are_written(five: Any) -> None:
    assert str(report({}, {"duration": five}).billed_seconds) == "5"


@pytest.mark.parametrize(
    ("query", "expires_at"),
    [
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261120T023658Z&X-Amz-Expires=86400&X-Amz-Signature=ab", 21),
        ("x-oss-date=20261120T023658Z&x-oss-expires=172800&x-oss-signature=ab", 22),
        ("X-Amz-Date=yesterday&X-Amz-Expires=86400", None),
        ("X-Amz-Date=20261120T023658Z&X-Amz-Expires=9999999999999999", None),
        ("cacheKey=ChtzZWN1cml0eS5rbGluZw", None),
    ],
)
def test_a_links_end_is_read_from_its_signature_whoever_made_it(query: str, expires_at: int | None) -> None:
    expected = None if expires_at is None else datetime(2026, 11, expires_at, 2, 36, 58, tzinfo=UTC)
    assert wire.url_expires_at(f"https://host.example/a%2Fb.mp4?{query}") == expected


def test_what_the_makers_models_report_is_read() -> None:
    usage = {"duration": 5, "size": "1280*720", "fps": 24, "video_count": 1, "audio": False, "SR": "540"}
    read = report({"video_url": "https://media.example/x.mp4"}, usage | {"output_video_duration": 5})
    assert (read.billed_seconds, read.resolution, read.orig_prompt) == (Decimal(5), "540P", None)
    empty = report({}, {"duration": 5, "video_duration": 0, "video_ratio": "", "SR": "4k"})
    assert (empty.billed_seconds, empty.resolution) == (Decimal(5), "4K")


@pytest.mark.parametrize(
    ("status", "answer", "failed"),
    [
        (200, {"code": "InvalidParameter", "message": "Invalid field type", "request_id": "r"}, True),
        (200, {"code": "InternalError", "message": "again"}, False),
        (200, {"code": "Sesame", "message": "?"}, False),
        (200, {"output": {}, "code": "InvalidParameter"}, False),
        (400, {"code": "InvalidParameter", "message": "no such task"}, False),
    ],
)
def test_a_final_reason_in_place_of_an_output_is_the_tasks_end(status: int, answer: Any, failed: bool) -> None:
    read = wire.failed_without_output(status, json.dumps(answer).encode(), "t", secret="sk-secret")
    assert (read is not None) is failed
    assert read is None or (read.status, read.code) == (TaskStatus.FAILED, "InvalidParameter")


def test_fractions_of_a_second_are_not_rounded() -> None:
    assert report({}, {"duration": 5.97}).billed_seconds == Decimal("5.97")


@pytest.mark.parametrize("nonsense", [None, "many", -1, True, [], {}, 1e300, "9" * 50, "NaN", 10**9])
def test_seconds_that_make_no_sense_are_unknown(nonsense: Any) -> None:
    assert report({}, {"duration": nonsense}).billed_seconds is None


@pytest.mark.parametrize(
    ("spelt", "resolution"),
    [
        (1080, "1080P"),
        ("720P", "720P"),
        (480.0, "480P"),
        (None, None),
        ("720", "720P"),
        ("768", "768P"),
        ("4k", "4K"),
        ("2K", "2K"),
        ("", None),
    ],
)
def test_the_billed_tier_is_read_from_a_number_or_a_text(spelt: Any, resolution: str | None) -> None:
    assert report({}, {"SR": spelt}).resolution == resolution


def test_a_failed_task_may_have_a_code_or_none() -> None:
    failed = report({"task_status": "FAILED", "code": "InvalidParameter", "message": "Field required"})
    assert (failed.code, failed.message) == ("InvalidParameter", "Field required")
    mute = report({"task_status": "FAILED", "code": None, "message": ""})
    assert (mute.status, mute.code, mute.message) == (TaskStatus.FAILED, None, None)


def test_a_message_may_be_called_msg() -> None:
    assert report({"task_status": "FAILED", "msg": "no"}).message == "no"


@pytest.mark.parametrize("spelt", ["CANCELED", "CANCELLED", "canceled"])
def test_cancelled_may_have_one_l_or_two(spelt: str) -> None:
    assert report({"task_status": spelt}).status is TaskStatus.CANCELED


@pytest.mark.parametrize("output", [{"task_status": "DANCING"}, {"task_status": None}, {"task_id": "another"}])
def test_a_report_that_cannot_be_understood_is_unclear(output: dict[str, Any]) -> None:
    with pytest.raises(ServiceUnclear):
        report(output)


ROW = {"task_id": "t", "request_id": "r", "status": "RUNNING", "model_name": "m", "gmt_create": 1795142218394}


def page(*rows: Any, page_no: Any = 1, total_page: Any = 1) -> Any:
    return wire.listed_tasks({"data": [*rows], "page_no": page_no, "total_page": total_page}, wire_name="m")


def test_a_page_of_the_list_has_times_in_utc() -> None:
    [task], more = page(ROW)
    assert task.created_at == datetime(2026, 11, 20, 2, 36, 58, 394_000, tzinfo=UTC)
    assert (task.task_id, task.request_id, task.model, task.status) == ("t", "r", "m", TaskStatus.RUNNING)
    assert not more


def test_the_page_count_says_whether_another_page_follows() -> None:
    assert page(ROW, page_no=2, total_page=3)[1]
    assert page(ROW, page_no="1", total_page="2")[1]
    assert not page(ROW, page_no=3, total_page=3)[1]
    assert not page(total_page=0)[1]


def test_a_listed_task_in_an_unheard_of_state_counts_as_under_way() -> None:
    assert page(ROW | {"status": "DANCING"})[0][0].status is TaskStatus.RUNNING


@pytest.mark.parametrize("missing", ["task_id", "gmt_create"])
def test_a_row_that_cannot_be_read_is_never_dropped_in_silence(missing: str) -> None:
    with pytest.raises(ServiceUnclear):
        page(ROW, {**ROW, missing: None})


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": []}, {"data": [], "page_no": 1}])
def test_a_list_of_unknown_length_is_unclear(answer: dict[str, Any]) -> None:
    with pytest.raises(ServiceUnclear):
        wire.listed_tasks(answer, wire_name="m")


@pytest.mark.parametrize("life", [300, "300", Decimal("300.0")])
def test_the_numbers_of_an_upload_policy_may_be_texts(life: Any) -> None:
    data = {"upload_host": "https://store.example", "upload_dir": "a/b/", "expire_in_seconds": life, "policy": "p"}
    policy = wire.upload_policy({"data": data})
    assert (policy.host, policy.folder, policy.life_s) == ("https://store.example", "a/b", 300.0)
    assert policy.fields["policy"] == "p"


def test_a_key_in_the_answer_is_struck_out_wherever_it_stands() -> None:
    text = '{"a": ["x sk-secret y", {"b": "\\u0073k-secret"}]}'
    assert wire.json_object(text.encode(), secret="sk-secret") == {"a": ["x *** y", {"b": "***"}]}


def test_half_an_emoji_does_not_break_what_is_written_later() -> None:
    answer = wire.json_object(b'{"message": "cut \\ud83d"}', secret="sk-secret")
    assert answer is not None
    assert answer["message"].encode() == b"cut ?"


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b"{", b"[" * 100_000, b'{"a": ' + b"9" * 5000])
def test_what_is_no_json_object_is_none(content: bytes) -> None:
    assert wire.json_object(content, secret="sk-secret") is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
spelt = st.sampled_from(["output", "usage", "data", "task_id", "task_status", "video_url", "duration", "SR", "code"])
answers = st.dictionaries(
    spelt, st.dictionaries(spelt, anything, max_size=5) | st.lists(anything, max_size=3) | anything
)


@settings(max_examples=50)
@given(answer=answers, status=st.integers(200, 599))
def test_no_answer_whatsoever_makes_the_reading_crash(answer: dict[str, Any], status: int) -> None:
    read_back = wire.json_object(json.dumps(answer).encode(), secret="sk-secret")
    assert read_back is not None
    assert isinstance(refusals.failure(status, read_back, retry_after_s=None), KfpipeError)
    for read in (
        lambda: wire.accepted(read_back),
        lambda: wire.task_report(read_back, "t"),
        lambda: wire.listed_tasks(read_back, wire_name="m"),
        lambda: wire.upload_policy(read_back),
    ):
        try:
            read()
        except ServiceUnclear:
            continue


@given(wish=st.text(max_size=40) | st.from_regex(r"\w{3}, \d{1,9} \w{3} \d{1,6} \d\d:\d\d:\d\d GMT"))
def test_no_wish_for_a_pause_makes_the_reading_crash(wish: str) -> None:
    assert (wire.retry_after_s({"retry-after": wish}, NOW) or 0.0) >= 0


@given(url=st.text(max_size=60) | st.integers().map(lambda number: f"https://h.example/?Expires={number}"))
def test_no_link_makes_the_reading_crash(url: str) -> None:
    expires_at = wire.url_expires_at(url)
    assert expires_at is None or expires_at.tzinfo is UTC


@given(text=st.text())
def test_cleaned_text_is_one_short_line(text: str) -> None:
    clean = wire.clean(text)
    assert len(clean) <= wire.MESSAGE_LIMIT_CHARS
    assert not set(clean) & {chr(code) for code in (*range(32), *range(127, 160))}


@pytest.mark.parametrize("task_id", ["../../etc/passwd", ".hidden", "a\\b", "", "x" * 201])
def test_what_could_not_be_a_file_name_is_no_task_id(task_id: str) -> None:
    with pytest.raises(ServiceUnclear):
        wire.accepted({"output": {"task_id": task_id}})


def test_a_terminals_commands_leave_nothing_behind() -> None:
    assert wire.clean("\x1b[31mred\x1b[0m alert") == "red alert"
