"""Phase x fault -> what a user sees. Data only: the tests, the page and the counts are made from it.

Each row is played with three takes, two of which share a prompt. All phases that a run goes through are struck.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

Script = Sequence[Mapping[str, Any]]

FOREVER_S: Final = 8
"""Longer than every time-out on the fast clock, in real seconds."""


class Outcome(StrEnum):
    """What becomes of the run that meets the fault; in all cases each take is paid for once in the end."""

    OVERCOME = "overcome in the same run"
    LATER = "left to the next run, which finishes it"
    DECIDE = "waits for a decision; `--retry` renders it"
    STOPPED = "the account is refused: the run stops, the next one finishes it"
    AWAY = "the service is away: the run stops, the next one finishes it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault in one phase. `script` is what the account does until the first run is over."""

    phase: str
    fault: str
    outcome: Outcome
    script: Script

    @property
    def name(self) -> str:
        return f"{self.phase}: {self.fault}"


def _row(phase: str, fault: str, outcome: Outcome, *acts: Mapping[str, Any], **counting: Any) -> Row:
    """A row whose acts all strike the same requests of the phase."""
    return Row(phase=phase, fault=fault, outcome=outcome, script=[{"on": phase, **counting, **act} for act in acts])


def _answer(status: int, code: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"do": "answer", "status": status, "code": code, **fields}


def _html(status: int, **fields: Any) -> dict[str, Any]:
    return {"do": "html", "status": status, **fields}


def _drop(when: str = "before") -> dict[str, Any]:
    return {"do": "drop", "when": when}


def _hang(when: str = "before") -> dict[str, Any]:
    return {"do": "hang", "seconds": FOREVER_S, "when": when}


def _patch(**fields: Any) -> dict[str, Any]:
    return {"do": "patch", "fields": fields}


def _fail(code: str | None = None, message: str | None = None) -> dict[str, Any]:
    return {"do": "fail", "code": code, "message": message}


THROTTLED: Final = (
    "Throttling",
    "Throttling.RateQuota",
    "Throttling.BurstRate",
    "Throttling.AllocationQuota",
    "limit_requests",
    "insufficient_quota",
)
UNPAID: Final = (
    (429, "CommodityNotPurchased"),
    (429, "PrepaidBillOverdue"),
    (429, "PostpaidBillOverdue"),
    (400, "Arrearage"),
    (401, "InvalidApiKey"),
    (403, "AccessDenied"),
    (403, "AccessDenied.Unpurchased"),
    (403, "AllocationQuota.FreeTierOnly"),
    (404, "ModelNotFound"),
)

HARMLESS: Final[Mapping[str, Mapping[str, Any]]] = {
    "connection closed without an answer": _drop(),
    "no answer within the time-out": _hang(),
    "HTML page, 502": _html(502),
    "HTML page, 503": _html(503),
    "HTML page, 504": _html(504),
    "500 with a code": _answer(500, "InternalError"),
    "500 without a code": _answer(500),
    "503 ServiceUnavailable": _answer(503, "ServiceUnavailable"),
    "408": _answer(408),
    "unreadable 200": {"do": "garble"},
    "HTML page, 200": _html(200),
    "429 without a code": _answer(429),
    "429 Throttling.RateQuota": _answer(429, "Throttling.RateQuota"),
    "429 Throttling.RateQuota, Retry-After 3": _answer(429, "Throttling.RateQuota", retry_after_s=3),
}
"""What may befall a request that costs nothing: it is made again."""


def _submit() -> Iterator[Row]:
    once = {"nth": 2}
    for when, meaning in (("before", "not created"), ("after", "created")):
        yield _row("submit", f"connection closed, task {meaning}", Outcome.OVERCOME, _drop(when), **once)
        for status in (502, 503, 504):
            page = _html(status, when=when)
            yield _row("submit", f"HTML page, {status}, task {meaning}", Outcome.OVERCOME, page, **once)
        for status, code in ((500, "InternalError"), (500, None), (503, "ModelServingError"), (500, "Brand.New")):
            said = f"{status} {code}" if code else f"{status} without a code"
            answer = _answer(status, code, when=when)
            yield _row("submit", f"{said}, task {meaning}", Outcome.OVERCOME, answer, **once)
    yield _row("submit", "no answer within the time-out, task created", Outcome.OVERCOME, _hang("after"), **once)
    yield _row("submit", "no answer within the time-out, not created", Outcome.OVERCOME, _hang(), _drop(), **once)
    yield _row("submit", "unreadable 200, task created", Outcome.OVERCOME, {"do": "garble"}, **once)
    yield _row("submit", "HTML page, 200, task not created", Outcome.OVERCOME, _html(200), **once)
    yield _row("submit", "redirect, task not created", Outcome.OVERCOME, _html(302), **once)
    without_id = _patch(output={"task_id": None})
    yield _row("submit", "200 without a task id, task created", Outcome.OVERCOME, without_id, **once)
    for code in THROTTLED:
        yield _row("submit", f"429 {code}", Outcome.OVERCOME, _answer(429, code), times=2)
        waited = _answer(429, code, retry_after_s=3)
        yield _row("submit", f"429 {code}, Retry-After 3", Outcome.OVERCOME, waited, times=2)
    yield _row("submit", "429 without a code", Outcome.OVERCOME, _answer(429), times=2)
    yield _row("submit", "HTML page, 429", Outcome.OVERCOME, _html(429), times=2)
    yield _row("submit", "429 for all, without end", Outcome.LATER, _answer(429, "Throttling.RateQuota"))
    for status, code in UNPAID:
        yield _row("submit", f"{status} {code}", Outcome.STOPPED, _answer(status, code), **once)
    spent_quota = _answer(429, "Throttling.AllocationQuota", message="Free allocated quota exceeded.")
    yield _row("submit", "429 free quota used up", Outcome.STOPPED, spent_quota, **once)
    for status, code in ((400, "InvalidParameter"), (400, "DataInspectionFailed"), (400, "Brand.New"), (404, None)):
        said = f"{status} {code}" if code else f"{status} without a code"
        yield _row("submit", said, Outcome.DECIDE, _answer(status, code), **once)
    failing = _answer(400, "InvalidParameter", message="Failed to download the media.")
    yield _row("submit", "400, media not downloaded in time", Outcome.OVERCOME, failing, **once)


def _task() -> Iterator[Row]:
    """What becomes of a task that was accepted."""

    def row(fault: str, outcome: Outcome, act: Mapping[str, Any], **counting: Any) -> Row:
        return Row(phase="task", fault=fault, outcome=outcome, script=[{"on": "submit", **counting, **act}])

    for code in ("InternalError.Algo", "InternalError.Timeout", "ModelServingError", None):
        yield row(f"FAILED {code or 'without a code'}", Outcome.OVERCOME, _fail(code), nth=2)
    yield row("FAILED InternalError.Algo, every time", Outcome.DECIDE, _fail("InternalError.Algo"))
    for code in ("InvalidParameter", "DataInspectionFailed", "IPInfringementSuspect", "Arrearage", "Brand.New"):
        yield row(f"FAILED {code}", Outcome.DECIDE, _fail(code, "no"), nth=2)
    yield row("UNKNOWN for two queries", Outcome.OVERCOME, {"do": "unknown", "queries": 2})
    yield row("not in the task list at first, answer lost", Outcome.OVERCOME, {"do": "unlisted", "lists": 1}, nth=2)
    yield row("usage in floats", Outcome.OVERCOME, {"do": "floats"})
    yield row("billed for more seconds than ordered", Outcome.OVERCOME, {"do": "charge", "seconds": 3})
    yield row("billed for fewer seconds than ordered", Outcome.OVERCOME, {"do": "charge", "seconds": 1})


def _query() -> Iterator[Row]:
    for fault, act in HARMLESS.items():
        yield _row("query", fault, Outcome.OVERCOME, act, times=3)
    for status, code in ((401, "InvalidApiKey"), (400, "Arrearage"), (403, "AccessDenied")):
        yield _row("query", f"{status} {code}", Outcome.STOPPED, _answer(status, code), nth=2)
    yield _row("query", "400 of an unknown code", Outcome.LATER, _answer(400, "Brand.New"), nth=2)
    for fault, fields in (
        ("unknown status", {"task_status": "BANANA"}),
        ("no status", {"task_status": None}),
        ("answer about another task", {"task_id": "another"}),
    ):
        yield _row("query", fault, Outcome.OVERCOME, _patch(output=fields), times=3)
    succeeded = {"video_url": None, "task_status": "SUCCEEDED"}
    yield _row("query", "SUCCEEDED without a link", Outcome.OVERCOME, _patch(output=succeeded), times=3)
    suspended = _patch(output={"task_status": "SUSPENDED", "video_url": None})
    yield _row("query", "SUSPENDED", Outcome.OVERCOME, suspended, times=3)
    yield _row("query", "UNKNOWN", Outcome.OVERCOME, _patch(output={"task_status": "UNKNOWN"}), times=3)
    odd = _patch(usage={"duration": "2.0", "SR": "720"}, output={"orig_prompt": None})
    yield _row("query", "numbers as text, no prompt", Outcome.OVERCOME, odd)
    yield _row("query", "no usage", Outcome.OVERCOME, _patch(usage=None))


def _list() -> Iterator[Row]:
    """The list is read when the answer to a submission was lost: here to the second one, whose task exists.

    Before that it is read twice in a run: to check the key, and to note the tasks of others.
    """

    def row(fault: str, outcome: Outcome, act: Mapping[str, Any], **counting: Any) -> Row:
        lost = {"on": "submit", "nth": 2, **_drop("after")}
        return Row(phase="list", fault=fault, outcome=outcome, script=[lost, {"on": "list", **counting, **act}])

    for fault, act in HARMLESS.items():
        yield row(fault, Outcome.OVERCOME, act, nth=3)
    yield row("503 without end", Outcome.AWAY, _html(503))
    yield row("401 InvalidApiKey", Outcome.STOPPED, _answer(401, "InvalidApiKey"), nth=3)
    yield row("400 of an unknown code", Outcome.LATER, _answer(400, "Brand.New"), nth=3)
    yield row("no data", Outcome.OVERCOME, _patch(data=None), nth=3)


def _uploads() -> Iterator[Row]:
    for phase in ("policy", "upload"):
        for fault, act in HARMLESS.items():
            if phase == "upload" and fault == "HTML page, 200":
                continue  # the storage says no more than 200 when all is well
            yield _row(phase, fault, Outcome.OVERCOME, act, times=2)
    yield _row("policy", "401 InvalidApiKey", Outcome.STOPPED, _answer(401, "InvalidApiKey"), nth=1)
    yield _row("policy", "400 of an unknown code", Outcome.LATER, _answer(400, "Brand.New"))
    yield _row("upload", "connection closed, file stored", Outcome.OVERCOME, _drop("after"), times=2)
    yield _row("upload", "403 without end", Outcome.LATER, _answer(403))


def _download() -> Iterator[Row]:
    half = {"do": "truncate", "after_bytes": 500}
    for fault, act in HARMLESS.items():
        if fault != "unreadable 200":
            yield _row("download", fault, Outcome.OVERCOME, act, times=2)
    for fault, act in (
        ("unreadable file", {"do": "garble"}),
        ("link expired (403, XML)", {"do": "expire"}),
        ("cut off at once", {"do": "truncate", "after_bytes": 0}),
        ("cut off in the middle", half),
        ("first byte damaged", {"do": "corrupt"}),
        ("trickle", {"do": "slow", "bytes_per_second": 4000}),
        ("body without end", {"do": "endless"}),
        ("404", _answer(404)),
        ("redirect to plain HTTP elsewhere", {"do": "redirect", "to": "http://198.51.100.1/clip.mp4"}),
        ("redirect to a file", {"do": "redirect", "to": "file:///etc/hostname"}),
        ("redirect to a host that is not there", {"do": "redirect", "to": "https://127.0.0.1:1/clip.mp4"}),
    ):
        yield _row("download", fault, Outcome.OVERCOME, act, times=2)
    changed = [{"on": "download", "nth": 1, **half}, {"on": "download", "nth": 2, "do": "retag"}]
    fault = "another version sent for the rest"
    yield Row(phase="download", fault=fault, outcome=Outcome.OVERCOME, script=changed)
    tagged = [{"on": "download", "nth": 1, "do": "retag"}, {"on": "download", "nth": 1, **half}]
    yield Row(phase="download", fault="file replaced between two parts", outcome=Outcome.OVERCOME, script=tagged)
    yield _row("download", "403 without end", Outcome.LATER, {"do": "expire"})
    yield _row("download", "HTML page, 200, without end", Outcome.LATER, _html(200))


ROWS: Final = tuple(row for rows in (_submit, _task, _query, _list, _uploads, _download) for row in rows())
