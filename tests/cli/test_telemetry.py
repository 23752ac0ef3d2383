"""OpenTelemetry: what a run tells a collector, caught on loopback and read as the collector would read it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from kfpipe.cli.output import telemetry
from kfpipe.domain import TaskStatus
from kfpipe.emulator import Emulator
from kfpipe.errors import Refused
from kfpipe.events import Event, RunStarted, TakeAdopted, TakeFailed, TakePostponed, TakeProgressed, TakeSubmitted
from tests.cli.conftest import Call
from tests.support.places import ROOT

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra `otel` is not installed")

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kfpipe.cli.output.spans import LAG_S, Spans

KEY = "sk-never-told-4711"
PAGE = ROOT / "docs" / "telemetry.md"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Arrived:
    """What a collector was sent: whole requests, with their headers."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        self.raw = b""

    def spans(self) -> list[dict[str, Any]]:
        """Every span, with its attributes as a dictionary."""
        return [
            {**span, "attributes": _plain(span.get("attributes", ()))}
            for path, body in self.bodies
            if path == "/v1/traces"
            for resource in MessageToDict(ExportTraceServiceRequest.FromString(body))["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """The data points of each metric, the last ones that came."""
        return {
            metric["name"]: next(kind["dataPoints"] for kind in metric.values() if isinstance(kind, dict))
            for path, body in self.bodies
            if path == "/v1/metrics"
            for resource in MessageToDict(ExportMetricsServiceRequest.FromString(body))["resourceMetrics"]
            for scope in resource["scopeMetrics"]
            for metric in scope["metrics"]
        }


def _plain(attributes: Any) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Arrived]:
    """A collector on loopback, to which the variables lead."""
    arrived = Arrived()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.bodies.append((self.path, body))
            arrived.raw += str(self.headers).encode() + body
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{server.server_port}")
        yield arrived
        server.shutdown()
        thread.join()


def test_a_run_its_takes_and_its_requests_are_spans_within_each_other(
    kfpipe: Call, emulator: Emulator, collector: Arrived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    emulator.script(
        {"on": "submit", "nth": 1, "prompt_contains": "kitten", "do": "fail", "code": "DataInspectionFailed",
         "message": "Output may be improper: A kitten looks up."},
        {"on": "submit", "nth": 1, "prompt_contains": "monster", "do": "answer", "status": 429,
         "code": "Throttling.RateQuota", "retry_after_s": 0.1},
    )  # fmt: skip
    assert kfpipe("run", "shots.yaml").code == 1
    spans = {(span["name"], span["attributes"].get("kfpipe.take")): span for span in collector.spans()}
    run, take = spans["kfpipe.run", None], spans["kfpipe.take", "monster"]
    request = spans["kfpipe.request", "monster"]
    assert len(spans) == 1 + 2 * len(("kitten", "monster"))
    assert (request["parentSpanId"], take["parentSpanId"]) == (take["spanId"], run["spanId"])
    assert len({span["traceId"] for span in spans.values()}) == 1
    assert run["attributes"]["kfpipe.exit_code"] == "1" and request["attributes"]["kfpipe.cost"] == 0.2
    assert spans["kfpipe.take", "kitten"]["attributes"]["kfpipe.outcome"] == "failed"
    assert spans["kfpipe.request", "kitten"]["attributes"]["kfpipe.code"] == "DataInspectionFailed"
    metrics = collector.metrics()
    assert {(_plain(point["attributes"])["kfpipe.outcome"], point["asInt"]) for point in metrics["kfpipe.takes"]} == {
        ("rendered", "1"),
        ("failed", "1"),
    }
    assert [point["asDouble"] for point in metrics["kfpipe.cost"]] == [0.2]
    assert sum(int(point["asInt"]) for point in metrics["kfpipe.slowed"]) == 1
    (lag,) = metrics["kfpipe.lag"]
    assert (lag["count"], lag["explicitBounds"]) == ("1", [*LAG_S])
    told = {name for span in collector.spans() for name in (span["name"], *span["attributes"])} | {*metrics}
    assert [name for name in sorted(told) if f"`{name}`" not in PAGE.read_text("utf-8")] == []
    for secret in (KEY, "looks up", "improper", "A monster"):
        assert secret.encode() not in collector.raw, secret
    assert b"kfpipe" in collector.raw and b"unknown_service" not in collector.raw


def test_a_collector_that_is_not_there_is_a_warning(
    kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://user:hush@127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    ended = kfpipe("run", "shots.yaml", "-s", "kitten")
    assert ended.code == 0
    assert ended.err.count("warning: the telemetry could not be sent") == 1
    assert "hush" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("variables", "switched_on"),
    [
        ({}, ()),
        ({ENDPOINT: ""}, ()),
        ({ENDPOINT: "http://c:4318"}, ("traces", "metrics")),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318/v1/metrics"}, ("metrics",)),
        ({ENDPOINT: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, ("metrics",)),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ("traces",)),
        ({ENDPOINT: "http://c:4318", "OTEL_SDK_DISABLED": "True"}, ()),
        ({ENDPOINT: "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ("traces", "metrics")),
    ],
)
def test_the_standard_variables_switch_it_on(variables: dict[str, str], switched_on: tuple[str, ...]) -> None:
    assert telemetry.signals(variables) == switched_on


def test_a_protocol_that_is_not_spoken_is_refused_with_the_way_out() -> None:
    with pytest.raises(Refused) as refused:
        telemetry.signals({ENDPOINT: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    (problem,) = refused.value.problems
    assert (problem.file, problem.expected) == ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")


def test_without_the_extra_it_is_named_before_anything_is_sent(
    kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setattr(telemetry, "_is_installed", lambda: False)
    ended = kfpipe("run", "shots.yaml")
    assert (ended.code, "kfpipe[otel]" in ended.err, emulator.requests()) == (2, True, ())


# ---- spans of what a run seldom sees -----------------------------------------------------------------------------


def spans_of(*told: tuple[str | None, Event]) -> list[tuple[str, str | None, str | None]]:
    """The spans of these events, in the order in which they end: name, take, outcome."""
    ended = InMemorySpanExporter()
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(ended))
    spans = Spans(tracing.get_tracer("test"), MeterProvider().get_meter("test"))
    for manifest, event in told:
        spans.tell(event, manifest)
    spans.close()
    found = [(span, span.attributes or {}) for span in ended.get_finished_spans()]
    return [
        (span.name.removeprefix("kfpipe."), *(about.get(f"kfpipe.{key}") for key in ("take", "outcome")))  # type: ignore[misc]
        for span, about in found
    ]


START = RunStarted(takes=2, work=2, cost=Decimal(1), currency="USD")
FAILED = TakeFailed(take_id="cat", code="InternalError", message="A cat.", request_id=None)


def test_a_take_that_is_tried_again_has_a_span_for_each_request() -> None:
    assert spans_of(
        (None, START),
        (None, TakeSubmitted(take_id="cat", task_id="1")),
        (None, replace(FAILED, retried=True)),
        (None, TakeSubmitted(take_id="cat", task_id="2")),
        (None, FAILED),
    ) == [("request", "cat", None), ("request", "cat", None), ("take", "cat", "failed"), ("run", None, "stopped")]


def test_a_run_that_is_stopped_ends_all_that_is_open_each_in_its_project() -> None:
    ended = spans_of(
        ("north.yaml", START),
        ("south.yaml", START),
        ("north.yaml", TakeAdopted(take_id="cat", task_id="1")),
        ("south.yaml", TakeProgressed(take_id="cat", status=TaskStatus.RUNNING)),
        ("south.yaml", TakePostponed(take_id="cat", reason="the run was interrupted")),
    )
    assert ended == [
        ("request", "cat", "postponed"),
        ("take", "cat", "postponed"),
        ("request", "cat", "stopped"),
        ("take", "cat", "stopped"),
        ("run", None, "stopped"),
        ("run", None, "stopped"),
    ]
