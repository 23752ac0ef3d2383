"""The events of a run as standard log records on stderr, a line each: for services, which have no screen."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from kfpipe.cli.output import event_log, streams
from kfpipe.cli.output.event_log import Tell
from kfpipe.events import Event, Interrupted, Paused, Slowed, TakeFailed, TakePostponed, TakeProgressed
from kfpipe.files.scalars import time_text

LEVELS: Final = ("debug", "info", "warning", "error")
LOGGER: Final = "kfpipe.run"


def receiver(level: str, *, as_json: bool) -> Tell:
    """What logs each event of this level or above. Only kfpipe's own logger is set up: others log signed links."""
    logger = logging.getLogger(LOGGER)
    logger.handlers = [_Handler(as_json=as_json)]
    logger.propagate = False
    logger.setLevel(level.upper())

    def tell(event: Event, manifest: str | None = None, /) -> None:
        number = _level(event)
        if logger.isEnabledFor(number):
            fields = event_log.as_json(event, datetime.now(UTC), manifest)
            logger.log(number, fields["event"], extra={"fields": fields})

    return tell


class _Handler(logging.Handler):
    """Writes to the stream of messages, which never fails."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {**getattr(record, "fields", {})}
        at = fields.pop("at", time_text(datetime.now(UTC)))
        name = fields.pop("event", record.getMessage())
        if self._as_json:
            head = {"at": at, "level": record.levelname.lower(), "logger": record.name, "event": name}
            streams.note(json.dumps({**head, **fields}))
        else:
            told = " ".join(f"{key}={_value(value)}" for key, value in fields.items())
            streams.note(f"{at} {record.levelname} {record.name} {name} {told}".rstrip())


def _level(event: Event) -> int:
    match event:
        case TakeFailed():
            return logging.WARNING if event.retried else logging.ERROR
        case TakePostponed() | Slowed() | Paused() | Interrupted():
            return logging.WARNING
        case TakeProgressed():
            return logging.DEBUG
        case _:
            return logging.INFO


def _value(value: Any) -> str:
    """One word where it is one; else as JSON has it."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if text and not set(text) & set(' "=') else json.dumps(text)
