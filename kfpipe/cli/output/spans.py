"""Events -> spans and metrics. Needs the extra `kfpipe[otel]`.

A run is a span, within it each take, and within that each request: one at the service, from its submission to its clip
or its failure. No sentence of the service and no prompt is an attribute of any.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.metrics import Meter
from opentelemetry.trace import Span, StatusCode, Tracer, set_span_in_context

from kfpipe.events import (
    Event,
    Interrupted,
    ListDistrusted,
    RunFinished,
    RunStarted,
    Slowed,
    TakeAdopted,
    TakeExamined,
    TakeFailed,
    TakePostponed,
    TakeProgressed,
    TakeRendered,
    TakeReused,
    TakeSubmitted,
    TakeSucceeded,
)

_Attributes = dict[str, str | int | float | bool]

_MANIFEST: Final = "kfpipe.manifest"
_OUTCOME: Final = "kfpipe.outcome"
_CURRENCY: Final = "kfpipe.currency"

LAG_S: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
"""Where the histogram of lags is divided: the library's own numbers are for milliseconds."""


@dataclass(slots=True)
class _Open:
    """A run's spans that have not ended, those of takes and their requests by take id."""

    run: Span
    about: _Attributes
    takes: dict[str, Span] = field(default_factory=dict)
    requests: dict[str, Span] = field(default_factory=dict)
    succeeded_at_s: dict[str, float] = field(default_factory=dict)


class Spans:
    """Takes the events of a run, or of several at once, each with its manifest."""

    def __init__(self, tracer: Tracer, meter: Meter) -> None:
        self._tracer = tracer
        self._runs: dict[str | None, _Open] = {}
        self._takes = meter.create_counter("kfpipe.takes", "{take}", "Takes by how they ended in this run.")
        self._cost = meter.create_counter("kfpipe.cost", "1", "What was billed, in the currency of the attribute.")
        self._seconds = meter.create_counter("kfpipe.billed", "s", "Seconds of video that were billed.")
        self._slowed = meter.create_counter("kfpipe.slowed", "{answer}", "Answers that ask for a slower pace (429).")
        self._lists = meter.create_counter("kfpipe.lists_distrusted", "{list}", "Task lists that lag or hide tasks.")
        self._lag = meter.create_histogram(
            "kfpipe.lag",
            "s",
            "From when a run learns of a finished clip to the same clip here.",
            explicit_bucket_boundaries_advisory=LAG_S,
        )

    def tell(self, event: Event, manifest: str | None = None, /) -> None:
        """Note an event. One after the end of its run, or of its take, says nothing new."""
        if isinstance(event, RunStarted):
            self._start(event, manifest)
            return
        run = self._runs.get(manifest)
        if run is None:
            return
        match event:
            case TakeExamined():
                pass
            case RunFinished():
                self._finish(event, manifest, run)
            case Slowed():
                self._slowed.add(1, {**run.about, "kfpipe.what": event.what})
                run.run.add_event("slowed", {"kfpipe.what": event.what, "kfpipe.wait_s": event.wait_s})
            case ListDistrusted():
                self._lists.add(1, {**run.about, "kfpipe.model": event.model})
            case Interrupted():
                run.run.add_event("interrupted", {"kfpipe.under_way": event.running})
            case _ if hasattr(event, "take_id"):
                self._tell_of_take(event, run)

    def close(self) -> None:
        """End what is still open: the run was stopped."""
        for run in self._runs.values():
            for span in (*run.requests.values(), *run.takes.values(), run.run):
                span.set_attribute(_OUTCOME, "stopped")
                span.end()
        self._runs.clear()

    def _start(self, event: RunStarted, manifest: str | None) -> None:
        about: _Attributes = {} if manifest is None else {_MANIFEST: manifest}
        span = self._tracer.start_span("kfpipe.run", attributes={**about, _CURRENCY: event.currency})
        span.set_attributes({"kfpipe.takes": event.takes, "kfpipe.work": event.work})
        span.set_attribute("kfpipe.estimate", float(event.cost))
        self._runs[manifest] = _Open(run=span, about=about)

    def _finish(self, event: RunFinished, manifest: str | None, run: _Open) -> None:
        counts = ("rendered", "kept", "failed", "under_way", "undecided", "unfinished")
        run.run.set_attributes({f"kfpipe.{name}": getattr(event, name) for name in counts})
        run.run.set_attributes({"kfpipe.cost": float(event.spent), "kfpipe.exit_code": int(event.exit_code)})
        for span in (*run.requests.values(), *run.takes.values()):
            span.set_attribute(_OUTCOME, "unfinished")
            span.end()
        run.run.set_status(StatusCode.OK if event.exit_code == 0 else StatusCode.ERROR)
        run.run.end()
        del self._runs[manifest]

    # ---- takes -----------------------------------------------------------------------------------------------------

    def _tell_of_take(self, event: Event, run: _Open) -> None:
        match event:
            case TakeSubmitted() | TakeAdopted():
                self._request(event.take_id, run).set_attribute("kfpipe.task", event.task_id)
            case TakeProgressed():
                self._request(event.take_id, run).add_event(event.status)
            case TakeSucceeded():
                self._bill(event, run)
            case TakeRendered():
                since_s = run.succeeded_at_s.pop(event.take_id, None)
                if since_s is not None:
                    self._lag.record(time.monotonic() - since_s, run.about)
                self._end(event.take_id, "rendered", run)
            case TakeReused():
                self._end(event.take_id, "reused", run)
            case TakeFailed():
                self._fail(event, run)
            case TakePostponed():
                self._end(event.take_id, "postponed", run)

    def _take(self, take_id: str, run: _Open) -> Span:
        if take_id not in run.takes:
            within, about = set_span_in_context(run.run), {**run.about, "kfpipe.take": take_id}
            run.takes[take_id] = self._tracer.start_span("kfpipe.take", within, attributes=about)
        return run.takes[take_id]

    def _request(self, take_id: str, run: _Open) -> Span:
        if take_id not in run.requests:
            within, about = set_span_in_context(self._take(take_id, run)), {**run.about, "kfpipe.take": take_id}
            run.requests[take_id] = self._tracer.start_span("kfpipe.request", within, attributes=about)
        return run.requests[take_id]

    def _bill(self, event: TakeSucceeded, run: _Open) -> None:
        span, billed_s = self._request(event.take_id, run), float(event.billed_seconds)
        self._seconds.add(billed_s, run.about)
        span.set_attribute("kfpipe.billed_s", billed_s)
        if event.cost is not None:
            self._cost.add(float(event.cost), {**run.about, _CURRENCY: event.currency})
            span.set_attributes({"kfpipe.cost": float(event.cost), _CURRENCY: event.currency})
        run.succeeded_at_s[event.take_id] = time.monotonic()
        run.requests.pop(event.take_id).end()

    def _fail(self, event: TakeFailed, run: _Open) -> None:
        span = self._request(event.take_id, run)
        span.set_status(StatusCode.ERROR, event.code)
        span.set_attribute("kfpipe.code", event.code)
        run.requests.pop(event.take_id).end()
        if not event.retried:
            self._take(event.take_id, run).set_status(StatusCode.ERROR, event.code)
            self._end(event.take_id, "failed", run)

    def _end(self, take_id: str, outcome: str, run: _Open) -> None:
        self._takes.add(1, {**run.about, _OUTCOME: outcome})
        for span in (run.requests.pop(take_id, None), self._take(take_id, run)):
            if span is not None:
                span.set_attribute(_OUTCOME, outcome)
                span.end()
        del run.takes[take_id]
