"""The events of a run for programs: a line of JSON each, as described by `kfpipe schema event`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Protocol

from kfpipe.cli.output import streams
from kfpipe.events import Event
from kfpipe.files.durable import reason, storage
from kfpipe.files.scalars import decimal_text, time_text


class Tell(Protocol):
    """Takes an event; `manifest` is its own where there are several."""

    def __call__(self, event: Event, manifest: str | None = None, /) -> None: ...


@contextmanager
def appending(path: Path | None) -> Iterator[Tell]:
    """A receiver of events, which appends each to the file at once. Without a file they go nowhere.

    Raises StorageFailed when the file cannot be opened. A later failure to write is a
    warning, and does not stop the run.
    """
    if path is None:
        yield _unheard
        return
    with storage(path):
        file = path.open("ab", buffering=0)
    with file:
        yield _Log(path, file).tell


def _unheard(event: Event, manifest: str | None = None, /) -> None:
    """Nobody reads it."""


class _Log:
    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file
        self._is_lost = False

    def tell(self, event: Event, manifest: str | None = None, /) -> None:
        if self._is_lost:
            return
        try:
            self._file.write(json.dumps(as_json(event, datetime.now(UTC), manifest)).encode() + b"\n")
        except OSError as error:
            self._is_lost = True
            streams.note(f"warning: {self._path}: {reason(error)}; events are no longer written")


def as_json(event: Event, at: datetime, manifest: str | None = None) -> dict[str, Any]:
    """The event under its name, which is that of its type, with its time, and its manifest where there are several."""
    told = {field.name: _plain(getattr(event, field.name)) for field in fields(event)}
    take = {"take": told.pop("take_id")} if "take_id" in told else {}
    whose = {} if manifest is None else {"manifest": manifest}
    return {"event": event_name(type(event)), "at": time_text(at), **whose, **take, **told}


def event_name(kind: type[Event]) -> str:
    """`take_rendered` for `TakeRendered`."""
    return re.sub(r"\B(?=[A-Z])", "_", kind.__name__).lower()


def _plain(value: Any) -> Any:
    return decimal_text(value) if isinstance(value, Decimal) else value
