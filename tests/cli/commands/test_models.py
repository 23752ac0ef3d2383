"""`kfpipe models`: the catalogue as it is shown, beside the official pages, and beside what an account says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kfpipe import catalogue
from kfpipe.cli.output import table
from kfpipe.cli.views import models as view
from tests.cli.conftest import Call
from tests.support.accounts import AccountServer, serving
from tests.support.official_numbers import FREE_SECONDS, LIMITS, PRICES, PRICES_WITH_SOUND, SLOWER

WAN27_USD = {"720P": "0.10", "1080P": "0.15"}

HOSTS = {
    "singapore": "https://dashscope-intl.aliyuncs.com/api/v1",
    "beijing": "https://dashscope.aliyuncs.com/api/v1",
    "virginia": "https://dashscope-us.aliyuncs.com/api/v1",
    "hongkong": "https://cn-hongkong.dashscope.aliyuncs.com/api/v1",
    "frankfurt": None,
    "tokyo": None,
}


def sales(kfpipe: Call) -> dict[tuple[str, str], dict[str, Any]]:
    """What each region offers, the emulator apart."""
    models = kfpipe("models", "--json").json["models"]
    return {(m["model"], r["region"]): r for m in models for r in m["regions"] if r["region"] != "emulator"}


def test_prices_and_limits_are_those_of_the_official_pages(folder: Path, kfpipe: Call) -> None:
    found = sales(kfpipe)
    assert {sale: (one["currency"], one["prices"]) for sale, one in found.items()} == PRICES
    with_sound = {sale: (one["currency"], one["prices_with_sound"]) for sale, one in found.items()}
    assert {sale: told for sale, told in with_sound.items() if told[1]} == PRICES_WITH_SOUND
    for (model, region), one in found.items():
        told = (one["submissions_per_second"], one["concurrent_tasks"], one["queued_tasks"])
        at_once, waiting = LIMITS[model][1:]
        assert told == (SLOWER.get((model, region), LIMITS[model][0]), at_once, waiting), (model, region)
        assert one["free_seconds"] == (FREE_SECONDS.get(model) if region == "beijing" else None), (model, region)
        assert one["base_url"] == HOSTS[region]


def test_what_a_model_takes_is_that_of_the_official_pages(folder: Path, kfpipe: Call) -> None:
    models = {model["model"]: model for model in kfpipe("models", "--json").json["models"]}
    facts = {
        name: (
            (one["seconds"]["min"], one["seconds"]["max"]),
            one["prompt_limit_chars"], one["negative_prompt_limit_chars"],
            (one["frames"]["min_side_px"], one["frames"]["max_side_px"], one["frames"]["max_size_bytes"] >> 20),
            (one["longest_wait_h"], one["longest_run_h"]), one["templates"],
        )
        for name, one in models.items()
    }  # fmt: skip
    effects = ["hanfu-1", "magazine", "mech1", "mech2", "solaron"]
    assert facts == {
        "wan2.7-i2v": ((2, 15), 5000, 500, (240, 8000, 20), (None, None), []),
        "wan2.7-i2v-2026-04-25": ((2, 15), 5000, 500, (240, 8000, 20), (None, None), []),
        "wan2.2-kf2v-flash": ((5, 5), 800, 500, (240, 8000, 10), (None, 3), []),
        "wan2.1-kf2v-plus": ((5, 5), 800, 500, (240, 8000, 10), (None, 3), effects),
        "wan3.0-video": ((2, 30), 20_000, 0, (240, 8000, 20), (24, 8), []),
        "wan3.0-video-prime": ((2, 30), 20_000, 0, (240, 8000, 20), (24, 8), []),
        "wan2.6-i2v": ((2, 15), 1500, 500, (240, 8000, 20), (None, None), []),
        "wan2.6-i2v-us": ((5, 15), 1500, 500, (240, 8000, 20), (None, None), []),
        "wan2.6-i2v-flash": ((2, 15), 1500, 500, (240, 8000, 20), (None, None), []),
        "wan2.5-i2v-preview": ((5, 10), 1500, 500, (240, 8000, 20), (None, 3), []),
        "wan2.2-i2v-flash": ((5, 5), 800, 500, (240, 8000, 10), (None, 3), []),
        "wan2.2-i2v-plus": ((5, 5), 800, 500, (240, 8000, 10), (None, 3), []),
        "wan2.1-i2v-turbo": ((3, 5), 800, 500, (240, 8000, 10), (None, 3), []),
        "wan2.1-i2v-plus": ((5, 5), 800, 500, (240, 8000, 10), (None, 3), []),
        "kling/kling-v3-video-generation": ((3, 15), 2500, 2500, (300, 8000, 10), (None, 3), []),
        "kling/kling-v3-omni-video-generation": ((3, 15), 2500, 2500, (300, 8000, 10), (None, 3), []),
        "kling/kling-v3-turbo-video-generation": ((3, 15), 2500, 0, (300, 8000, 10), (None, 3), []),
        "MiniMax/MiniMax-H3": ((4, 15), 7000, 0, (256, 5760, 30), (None, None), []),
        "happyhorse-1.1-i2v": ((3, 15), 5000, 0, (300, None, 20), (None, 3), []),
        "happyhorse-1.0-i2v": ((3, 15), 5000, 0, (300, None, 20), (None, 3), []),
        "pixverse/pixverse-c1-kf2v": ((1, 15), 5000, 0, (None, 10_000, 20), (None, 3), []),
        "pixverse/pixverse-v6-kf2v": ((1, 15), 5000, 0, (None, 10_000, 20), (None, 3), []),
        "pixverse/pixverse-v5.6-kf2v": ((5, 10), 2048, 0, (None, 10_000, 20), (None, None), []),
        "vidu/viduq3-pro_start-end2video": ((1, 16), 5000, 0, (None, None, 50), (None, 3), []),
        "vidu/viduq3-turbo_start-end2video": ((1, 16), 5000, 0, (None, None, 50), (None, 3), []),
        "vidu/viduq2-pro_start-end2video": ((1, 10), 5000, 0, (None, None, 50), (None, 3), []),
        "vidu/viduq2-turbo_start-end2video": ((1, 10), 5000, 0, (None, None, 50), (None, 3), []),
    }
    assert {one["certainty"] for one in models.values()} == {"documented"}
    assert all("https://" in source for source in [one["source"] for one in models.values()])


# ---- for people --------------------------------------------------------------------------------------------------


def test_the_table_has_a_row_for_each_sale_and_names_its_sources(folder: Path, kfpipe: Call) -> None:
    lines = kfpipe("models").out.splitlines()
    rows = lines[1 : lines.index("")]
    assert [tuple(row.split()[:2]) for row in rows] == list(PRICES)
    marks = {line.split()[0] for line in lines if line.startswith("[")}
    assert {row.split()[-1] for row in rows} | {row.split()[-3] for row in rows} == marks
    assert all("https://" in line for line in lines if line.startswith("["))


@pytest.mark.parametrize(("width", "columns"), [(80, 5), (120, 10), (200, 14)])
def test_the_table_fits_a_terminal_and_keeps_its_prices(width: int, columns: int) -> None:
    known = catalogue.shipped()
    rows = view.sold(known, tuple(known.models.values()), tuple(known.regions.values()))
    lines = table.drawn(view.table(known, rows, view.sources(rows)), width, coloured=False)
    assert max(map(len, lines)) <= width
    titles = lines[0].replace("at once", "at-once").replace("bills in", "bills-in")
    titles = titles.replace("frame px", "frame-px").replace("model is", "model-is")
    assert len(titles.split()) >= columns
    assert {"model", "region", "480P", "720P", "1080P"} <= set(titles.split())
    assert not any("…" in line or "..." in line for line in lines)


def test_models_stand_side_by_side_with_their_prices_with_and_without_sound(folder: Path, kfpipe: Call) -> None:
    names = ("kling/kling-v3-video-generation", "MiniMax/MiniMax-H3", "vidu/viduq3-pro_start-end2video")
    ended = kfpipe("models", "--region", "beijing", *names, names[0])
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == [*names] and lines[4] == ""
    assert lines[1].split()[3:8] == ["-", "0.60/0.90", "-", "0.80/1.20", "-"]
    assert lines[3].split()[3:8] == ["0.3125", "0.78125", "-", "0.9375", "-"]
    assert "0.60+" in kfpipe("models", "--region", "beijing").out
    assert [one["model"] for one in kfpipe("models", *names, "--json").json["models"]] == [*names]
    assert kfpipe("models", names[0], "kling").code == 2


def test_of_one_model_everything_is_told(folder: Path, kfpipe: Call) -> None:
    out = kfpipe("models", "wanx2.1-kf2v-plus", "--region", "beijing").out
    for told in (
        "hanfu-1",
        "360 to 2000",
        "10 MB",
        "after 3 h",
        "CNY 720P 0.70",
        "wanx2.1-kf2v-plus",
        "200 s for 90 days",
    ):
        assert told in out
    assert "singapore" not in out
    assert "https://help.aliyun.com/zh/model-studio/model-pricing" in out


def test_a_misspelt_model_is_answered_with_the_right_one(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("models", "wan3.0-vidoe")
    assert ended.code == 2
    assert "did you mean `wan3.0-video`?" in ended.err


# ---- beside the account ------------------------------------------------------------------------------------------


def listed(model: str, prices: dict[str, Any], currency: str = "USD", **more: Any) -> dict[str, Any]:
    rows = [
        {"range_name": tier, "price": price, "price_unit": "per second", "currency": currency}
        for tier, price in prices.items()
        if price is not None
    ]
    return {"model": model, "prices": rows, "inference_offline_info": {"offline_time": None}, **more}


@pytest.fixture
def account(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AccountServer]:
    """An account in Singapore that has everything as the pages say."""
    server = AccountServer(
        models=[{"model": "qwen-max"}]
        + [listed(model, prices) for (model, region), (_, prices) in PRICES.items() if region == "singapore"],
    )
    for model, (per_second, at_once, waiting) in LIMITS.items():
        per_second = SLOWER.get((model, "singapore"), per_second)
        rate = (50, 60) if per_second == 0.83 else (per_second, 1)
        server.limits[model] = {
            "request_limit": rate[0], "request_limit_period": rate[1], "async_user_queue_limit": waiting,
            "async_user_concurrency_limit": at_once, "workspace_limit": None,
        }  # fmt: skip
    with serving(server):
        monkeypatch.setenv("DASHSCOPE_API_KEY", server.key)
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", server.base_url)
        yield server


def differences(answer: Any) -> list[str]:
    return [
        f"{one['model']}: {remark['what']}"
        for one in answer["checked"]
        for remark in one["remarks"]
        if remark["verdict"] == "differs"
    ]


def test_an_account_that_has_it_all_as_the_pages_say_differs_in_nothing(kfpipe: Call, account: AccountServer) -> None:
    ended = kfpipe("models", "--check")
    assert ended.code == 0
    assert "nothing differs" in ended.out
    assert kfpipe("doctor", "--online").code == 0
    assert all(target.startswith(("/api/v1/models", "/api/v1/tasks/")) for target in account.asked)


def test_every_difference_is_told_and_makes_it_exit_with_1(kfpipe: Call, account: AccountServer) -> None:
    account.models[1] = listed("wan2.7-i2v", {"720P": "0.12", "1080P": "0.15"})
    account.models[2] = listed(
        "wan2.7-i2v-2026-04-25", WAN27_USD, inference_offline_info={"offline_time": "2027-01-31 00:00:00"}
    )
    account.models.pop()
    account.limits["wan3.0-video"]["async_user_concurrency_limit"] = 3
    ended = kfpipe("models", "--check", "--json")
    assert (ended.code, ended.json["exit_code"]) == (1, 1)
    assert differences(ended.json) == [
        "wan2.7-i2v: 720P costs USD 0.12 a second, in the catalogue 0.10",
        "wan2.7-i2v-2026-04-25: the service ends this model: 2027-01-31 00:00:00",
        "wan3.0-video: 3 tasks at once, in the catalogue 5",
        "happyhorse-1.0-i2v: the account's list does not have it",
    ]
    assert differences(kfpipe("models", "wan3.0-video", "--check", "--json").json) == [
        "wan3.0-video: 3 tasks at once, in the catalogue 5"
    ]
    doctor = kfpipe("doctor", "--online", "--json")
    assert doctor.code == 1
    assert sum(check["topic"] == "catalogue" for check in doctor.json["checks"]) == 4


def test_a_list_of_many_pages_is_read_to_its_end(kfpipe: Call, account: AccountServer) -> None:
    account.models[:0] = [{"model": f"qwen-{number}"} for number in range(250)]
    assert kfpipe("models", "--check").code == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"output": {"models": {"wan2.7-i2v": 1}}}'),
        (200, b'{"output": {"models": [1, null, "wan2.7-i2v", {"model": 7}]}}'),
        (200, b'{"output": ' * 2000),
        (404, b""),
        (502, b"<html>bad gateway</html>"),
    ],
)
def test_an_answer_of_no_known_shape_is_told_and_is_no_traceback(
    kfpipe: Call, account: AccountServer, status: int, body: bytes
) -> None:
    account.raw = (status, body)
    ended = kfpipe("models", "--check", "--json")
    assert ended.code == 1
    assert "could not be read" in ended.json["problem"]
    assert kfpipe("doctor", "--online").code == 0


def test_limits_that_the_host_does_not_tell_are_no_difference(kfpipe: Call, account: AccountServer) -> None:
    account.limits.clear()
    ended = kfpipe("models", "--check")
    assert ended.code == 0
    assert "wan2.7-i2v: its limits could not be read" in ended.out


def test_a_refused_key_ends_with_4_and_is_not_shown(
    kfpipe: Call, account: AccountServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-0815-wrong")
    ended = kfpipe("models", "--check")
    assert ended.code == 4
    assert "0815" not in ended.out + ended.err


def test_without_a_key_it_says_so_and_asks_nothing(
    kfpipe: Call, account: AccountServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    ended = kfpipe("models", "--check")
    assert ended.code == 4
    assert "DASHSCOPE_API_KEY is not set" in ended.err
    assert account.asked == []


def test_no_control_character_of_an_answer_reaches_the_terminal(kfpipe: Call, account: AccountServer) -> None:
    account.models[1] = listed(
        "wan2.7-i2v", WAN27_USD, inference_offline_info={"offline_time": "\x1b[31m2027\x07" + "x" * 999}
    )
    out = kfpipe("models", "--check").out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) < 200
    assert json.loads(kfpipe("models", "--check", "--json").out)["exit_code"] == 1
