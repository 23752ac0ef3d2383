"""The events of a run as spans and metrics, sent by OTLP: the extra `kfpipe[otel]`.

OpenTelemetry's own variables switch it on; else none of it is loaded. Neither the key nor a prompt is part of what is
sent, and of what the service says only its code: a sentence of the service may quote a prompt.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

from kfpipe.cli.output import streams
from kfpipe.cli.output.event_log import Tell
from kfpipe.errors import Refused
from kfpipe.events import Event

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROTOCOL: Final = "http/protobuf"


def signals(variables: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """What is switched on: `traces`, `metrics`. Raises Refused without the extra, and for another protocol."""
    given = os.environ if variables is None else variables
    if given.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    wanted = tuple(signal for signal in ("traces", "metrics") if _is_on(signal, given))
    if not wanted:
        return ()
    if not _is_installed():
        fix = "install the extra with `pip install 'kfpipe[otel]'`, or unset the variable"
        raise Refused.because(_ENDPOINT, "OpenTelemetry is switched on, and its library is not installed", fix=fix)
    for signal in wanted:
        _check_protocol(signal, given)
    return wanted


def _is_installed() -> bool:
    try:
        return all(find_spec(f"opentelemetry.{part}") for part in ("sdk", "exporter.otlp.proto.http"))
    except ModuleNotFoundError:  # of a part of the name
        return False


def _is_on(signal: str, given: Mapping[str, str]) -> bool:
    exporters = given.get(f"OTEL_{signal.upper()}_EXPORTER", "").replace(" ", "")
    if exporters:
        return "otlp" in exporters.split(",")
    return any(given.get(name, "").strip() for name in (_ENDPOINT, f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"))


def _check_protocol(signal: str, given: Mapping[str, str]) -> None:
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL"
    name = next((name for name in (own, "OTEL_EXPORTER_OTLP_PROTOCOL") if given.get(name, "").strip()), own)
    if given.get(name, _PROTOCOL).strip() not in ("", _PROTOCOL):
        fix = f"set {own}={_PROTOCOL}, with the port that the collector has for it"
        raise Refused.because(name, f"{given[name]} is not spoken here", expected=_PROTOCOL, fix=fix)


@contextmanager
def sending() -> Iterator[Tell]:
    """A receiver of events that makes spans and metrics of them, all sent when the block ends; none where it is off.

    A collector that cannot be reached is a warning: the run goes on.
    """
    wanted = signals()
    if not wanted:
        yield _unheard
        return
    from kfpipe.cli.output.collector import Collector  # an extra, and slow
    from kfpipe.cli.output.spans import Spans

    with Collector.reached(wanted) as collector:
        spans = Spans(collector.tracer, collector.meter)
        try:
            yield spans.tell
        finally:
            spans.close()
    if collector.is_lost:
        streams.note("warning: the telemetry could not be sent, or not all of it")


def _unheard(event: Event, manifest: str | None = None, /) -> None:
    """Nobody collects it."""
