"""The last requests, for tests and people to read, and how many there were: never a header's value, so never a key."""

import hashlib
import threading
from collections import Counter, deque
from typing import Any

from starlette.requests import Request

_KEPT = 1000
_LONGEST_TEXT = 8192


class RequestLog:
    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, phase: str, request: Request, json_body: Any) -> None:
        entry = {
            "phase": phase,
            "method": request.method,
            "path": request.url.path,
            "query": dict(request.query_params),
            "header_names": sorted(set(request.headers)),
            "body": _shortened(json_body),
        }
        with self._lock:
            self._entries.append(entry)
            self._counts[phase] += 1

    def entries(self) -> tuple[dict[str, Any], ...]:
        """Oldest first. Very long texts (inline pictures) are shown by their start, length and digest."""
        with self._lock:
            return tuple(self._entries)

    def counts(self) -> dict[str, int]:
        """How many requests there were, by phase, with those that are no longer kept."""
        with self._lock:
            return dict(self._counts)


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:40]}... ({len(value)} characters, sha256 {hashlib.sha256(value.encode()).hexdigest()})"
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value
