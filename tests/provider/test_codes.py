"""Error codes and what they mean: every row of the reference's table, and the rules around it."""

from __future__ import annotations

import pytest

from kfpipe.provider.codes import LINK_REFUSED, NOT_CONNECTED, ThrottleKind, Verdict, verdict


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("InvalidApiKey", "No API-key provided.", Verdict.ACCOUNT),
        ("NOT AUTHORIZED", "", Verdict.ACCOUNT),
        ("AccessDenied.Unpurchased", "", Verdict.ACCOUNT),
        ("Model.AccessDenied", "", Verdict.ACCOUNT),
        ("AllocationQuota.FreeTierOnly", "", Verdict.ACCOUNT),
        ("Arrearage", "", Verdict.ACCOUNT),
        ("model_not_found", "", Verdict.ACCOUNT),
        ("InvalidParameter", "Model not exist.", Verdict.ACCOUNT),
        ("InvalidParameter", "url error, please check url", Verdict.FINAL),
        ("InvalidParameter", "Field required: input.media", Verdict.FINAL),
        ("InvalidParameter", "Failed to download https://a/b.png", Verdict.TRANSIENT),
        ("InvalidParameter.DataInspection", "", Verdict.TRANSIENT),
        ("InvalidURL.Timeout", "", Verdict.TRANSIENT),
        ("InvalidURL.ConnectionRefused", "", Verdict.FINAL),
        ("InvalidFile.AspectRatio", "", Verdict.FINAL),
        ("InvalidImage.ImageSize", "", Verdict.FINAL),
        ("DataInspectionFailed", "", Verdict.FINAL),
        ("IPInfringementSuspect", "", Verdict.FINAL),
        ("UnsupportedOperation", "", Verdict.FINAL),
        ("BadRequest.EmptyInput", "", Verdict.FINAL),
        ("InternalError", "", Verdict.TRANSIENT),
        ("InternalError.Algo.InvalidParameter", "", Verdict.TRANSIENT),
        ("InternalError.Timeout", "", Verdict.TRANSIENT),
        ("ModelUnavailable", "", Verdict.TRANSIENT),
        (NOT_CONNECTED, "", Verdict.TRANSIENT),
        (LINK_REFUSED, "", Verdict.FINAL),
    ],
)
def test_a_code_means_what_the_reference_says(code: str, message: str, expected: Verdict) -> None:
    assert verdict(code, message) is expected


@pytest.mark.parametrize("code", ["CommodityNotPurchased", "PrepaidBillOverdue", "PostpaidBillOverdue"])
def test_billing_refusals_stop_the_run_although_they_look_like_throttling(code: str) -> None:
    assert verdict(code) is Verdict.ACCOUNT


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("Throttling", "", ThrottleKind.RATE),
        ("Throttling.RateQuota", "Requests rate limit exceeded.", ThrottleKind.RATE),
        ("limit_requests", "", ThrottleKind.RATE),
        ("Throttling.BurstRate", "", ThrottleKind.BURST),
        (
            "Throttling.AllocationQuota",
            "Allocated quota exceeded, please increase your quota limit.",
            ThrottleKind.QUOTA,
        ),
        ("Throttling.RateQuota", "Too many concurrent tasks.", ThrottleKind.QUOTA),
    ],
)
def test_the_kinds_of_throttling_are_told_apart(code: str, message: str, kind: ThrottleKind) -> None:
    assert verdict(code, message).throttle is kind
    assert verdict(code, message).may_pass


def test_a_used_up_free_quota_stops_the_run_although_its_code_is_one_of_throttling() -> None:
    assert verdict("Throttling.AllocationQuota", "Free allocated quota exceeded.") is Verdict.ACCOUNT


def test_the_longest_known_prefix_decides_in_whole_parts() -> None:
    assert verdict("InvalidParameter.DataInspection.Something") is Verdict.TRANSIENT
    assert verdict("InvalidParameter.Something") is Verdict.FINAL
    assert verdict("InvalidParameterOfSomeKind") is Verdict.UNKNOWN


@pytest.mark.parametrize("code", [None, "", "Nonsense", ".", "..x"])
def test_an_unknown_code_is_shown_and_not_repeated(code: str | None) -> None:
    assert verdict(code) is Verdict.UNKNOWN
    assert not verdict(code).may_pass
