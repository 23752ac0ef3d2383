"""Errors in the one form that all messages have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfpipe.cli.output.messages import MOST_SHOWN, exit_code, problem_json, problem_lines, problems, problems_text
from kfpipe.errors import (
    AccountRefused,
    BadRender,
    KfpipeError,
    OverBudget,
    Position,
    Problem,
    ProjectBusy,
    Refused,
    ServiceUnreachable,
    Severity,
    StorageFailed,
)

PROBLEM = Problem(
    file="shots.yaml",
    position=Position(line=14, column=17),
    where="shot 'roof'",
    what="resolution '4K' is not offered by wan2.2-kf2v-flash",
    expected="480P, 720P or 1080P",
    fix="change `resolution`",
)


def test_a_problem_says_where_it_is_what_was_expected_and_how_to_go_on() -> None:
    assert problem_lines(PROBLEM) == [
        "shots.yaml:14:17: shot 'roof': resolution '4K' is not offered by wan2.2-kf2v-flash",
        "  expected: 480P, 720P or 1080P",
        "  fix: change `resolution`",
    ]


def test_parts_that_are_missing_are_left_out() -> None:
    assert problem_lines(Problem(file="shots.yaml", what="is empty")) == ["shots.yaml: is empty"]
    assert problem_lines(Problem(file="", what="interrupted")) == ["interrupted"]


def test_a_warning_says_that_it_is_one() -> None:
    warning = Problem(file="a.yaml", where="vars", what="`no` is a text", severity=Severity.WARNING)
    assert problem_lines(warning) == ["a.yaml: vars: warning: `no` is a text"]


def test_a_problem_for_a_program_has_every_field() -> None:
    assert problem_json(PROBLEM) == {
        "file": "shots.yaml",
        "line": 14,
        "column": 17,
        "where": "shot 'roof'",
        "what": "resolution '4K' is not offered by wan2.2-kf2v-flash",
        "expected": "480P, 720P or 1080P",
        "fix": "change `resolution`",
        "severity": "error",
    }
    assert problem_json(Problem(file="", what="interrupted"))["file"] is None


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (Refused([PROBLEM]), 2, problem_lines(PROBLEM)),
        (ProjectBusy.because("shots.yaml", "is held by another run"), 2, ["shots.yaml: is held by another run"]),
        (OverBudget("it costs too much", fix="spend less"), 3, ["it costs too much", "  fix: spend less"]),
        (
            AccountRefused("InvalidApiKey", "Invalid API-key provided.", request_id="7f3a91"),
            4,
            [
                "the service refused the account: InvalidApiKey: Invalid API-key provided. (request 7f3a91)",
                "  fix: check the key; each key is valid in one region only",
            ],
        ),
        (
            AccountRefused("Model.AccessDenied", "Model access denied."),
            4,
            [
                "the service refused the account: Model.AccessDenied: Model access denied.",
                "  fix: activate the model in the console of this region, or choose another model",
            ],
        ),
        (
            AccountRefused("kfpipe.NoKey", "no API key: DASHSCOPE_API_KEY is not set"),
            4,
            [
                "no API key: DASHSCOPE_API_KEY is not set",
                "  fix: set DASHSCOPE_API_KEY in the environment or in a .env file, or run `kfpipe login`",
            ],
        ),
        (
            StorageFailed("renders/a.mp4", "the disk is full"),
            1,
            [
                "renders/a.mp4: the disk is full",
                "  fix: resolve this, then run the same command again; everything done so far is on record",
            ],
        ),
        (
            ServiceUnreachable("no answer in 60 s"),
            1,
            [
                "the service cannot be reached: no answer in 60 s",
                "  fix: check the network and the proxy, then run the same command again; "
                "everything done so far is on record",
            ],
        ),
        (
            BadRender("it is no video"),
            1,
            [
                "it is no video",
                "  fix: wait a moment, then run the same command again; everything done so far is on record",
            ],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_error_has_its_exit_code_and_a_way_on(error: KfpipeError, code: int, text: list[str]) -> None:
    assert exit_code(error) == code
    assert problems_text(problems(error)) == text


def test_a_flood_of_problems_is_cut_short_with_the_errors_first() -> None:
    warning, error = replace(PROBLEM, severity=Severity.WARNING), replace(PROBLEM, what="the last of them")
    lines = problems_text([*[warning] * MOST_SHOWN, error])
    assert lines[:3] == problem_lines(error)
    assert lines[-1] == "and 1 more problem: use --json to see all"
    assert len(lines) == 3 * MOST_SHOWN + 1
    assert len(problems_text([warning] * MOST_SHOWN)) == 3 * MOST_SHOWN
