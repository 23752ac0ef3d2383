"""Where spans and metrics go: an OTLP collector, by HTTP. Needs the extra `kfpipe[otel]`."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

from kfpipe.version import __version__

_TIMEOUT: Final = "OTEL_EXPORTER_OTLP_TIMEOUT"
_TIMEOUT_S: Final = 3.0
"""How long a collector that does not answer may hold up the end of a run, unless the variable says otherwise."""


@dataclass(slots=True, kw_only=True)
class Collector:
    """What makes spans and metrics; those of a signal that is off go nowhere. `is_lost`: some did not arrive."""

    is_lost: bool = False
    _tracing: TracerProvider = field(init=False)
    _metering: MeterProvider = field(init=False)

    @classmethod
    @contextmanager
    def reached(cls, signals: Sequence[str]) -> Iterator[Collector]:
        """A collector for these signals; what there is left is sent when the block ends."""
        logger = logging.getLogger("opentelemetry")  # it logs addresses, again and again
        logger.propagate, logger.handlers = False, [logging.NullHandler()]
        made, resource = cls(), _resource()
        timeout_s = None if os.environ.get(_TIMEOUT) else _TIMEOUT_S
        made._tracing = TracerProvider(resource=resource)
        if "traces" in signals:
            made._tracing.add_span_processor(BatchSpanProcessor(_Traces(made, OTLPSpanExporter(timeout=timeout_s))))
        readers = [PeriodicExportingMetricReader(_Metrics(made, timeout_s))] if "metrics" in signals else []
        made._metering = MeterProvider(readers, resource=resource)
        try:
            yield made
        finally:
            for provider in (made._tracing, made._metering):
                with suppress(Exception):  # whatever the library makes of a collector that is not there
                    provider.shutdown()

    @property
    def tracer(self) -> Tracer:
        """What makes spans."""
        return self._tracing.get_tracer("kfpipe", __version__)

    @property
    def meter(self) -> Meter:
        """What makes metrics."""
        return self._metering.get_meter("kfpipe", __version__)


def _resource() -> Resource:
    """What the variables say of this process, and its name where they say none."""
    found = Resource.create({"service.version": __version__})
    is_named = not str(found.attributes["service.name"]).startswith("unknown_service")
    return found if is_named else found.merge(Resource({"service.name": "kfpipe"}))


class _Traces(SpanExporter):
    """Notes what did not arrive."""

    def __init__(self, collector: Collector, exporter: OTLPSpanExporter) -> None:
        self._collector = collector
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self._collector.is_lost |= result is not SpanExportResult.SUCCESS
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


class _Metrics(OTLPMetricExporter):
    """The same for metrics."""

    def __init__(self, collector: Collector, timeout_s: float | None) -> None:
        super().__init__(timeout=timeout_s)
        self._collector = collector

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **more: Any
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **more)
        self._collector.is_lost |= result is not MetricExportResult.SUCCESS
        return result
