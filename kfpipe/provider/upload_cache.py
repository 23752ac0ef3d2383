"""Which files are already at the service, across runs: one JSON line per upload.

Losing the file costs a few uploads and nothing else. So lines are appended without fsync, what cannot be read is
skipped, and kfpipe works without a file that cannot be written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from anyio import to_thread

LIFE: Final = timedelta(hours=47)
"""48 h, less an hour in which a queued task may still want to read the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    url: str
    uploaded_at: datetime


class UploadMemory:
    """`file` may be shared by accounts and regions: every line is bound to one of them, and to a model and a content.

    The account is named by a short one-way tag of service address and key. The tag tells two keys apart; it is too
    short to reveal either, and without the key nobody can write lines that count.
    """

    def __init__(self, file: Path, *, base_url: str, api_key: str, now: Callable[[], datetime]) -> None:
        self._file = file
        self._account = hashlib.sha256(f"kfpipe uploads\n{base_url}\n{api_key}".encode()).hexdigest()[:12]
        self._now = now
        self._copies: dict[tuple[str, str], _Copy] = {}

    async def load(self) -> None:
        """Take over what earlier runs have left; lines whose copies are gone leave the file."""
        self._copies = await to_thread.run_sync(self._tidied)

    def url(self, sha256: str, wire_name: str) -> str | None:
        """The address of the content's copy for the model, None when there is none, or it may be gone."""
        copy = self._copies.get((sha256, wire_name))
        return copy.url if copy is not None and self._lasts(copy.uploaded_at) else None

    async def remember(self, sha256: str, wire_name: str, url: str, *, uploaded_at: datetime) -> None:
        """Note a copy for this run and later ones. `uploaded_at` is aware; the copy's life counts from it."""
        self._copies[sha256, wire_name] = _Copy(url=url, uploaded_at=uploaded_at)
        line = {
            "account": self._account,
            "model": wire_name,
            "sha256": sha256,
            "url": url,
            "uploaded_at": uploaded_at.isoformat(timespec="seconds"),
        }
        await to_thread.run_sync(self._append, json.dumps(line) + "\n")

    def _lasts(self, uploaded_at: datetime) -> bool:
        return uploaded_at <= self._now() < uploaded_at + LIFE

    def _tidied(self) -> dict[tuple[str, str], _Copy]:
        """The copies of this account that still last. What no longer lasts leaves the file, whoever it was for."""
        try:
            lines = self._file.read_text("utf-8", errors="replace").splitlines(keepends=True)
        except OSError:
            return {}
        alive = [(line, fields) for line in lines if (fields := _fields(line)) and self._lasts(fields["uploaded_at"])]
        if len(alive) < len(lines):
            self._replace("".join(line for line, _ in alive))
        return {
            (fields["sha256"], fields["model"]): _Copy(url=fields["url"], uploaded_at=fields["uploaded_at"])
            for _, fields in alive
            if fields["account"] == self._account
        }

    def _append(self, line: str) -> None:
        with contextlib.suppress(OSError), self._file.open("a", encoding="utf-8") as file:
            file.write(line)

    def _replace(self, text: str) -> None:
        beside = self._file.with_name(f"{self._file.name}.new")
        with contextlib.suppress(OSError):
            beside.write_text(text, encoding="utf-8")
            beside.replace(self._file)


class SmallMemory:
    """A little JSON in a file of its own, which outlives a run and may be lost."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def load(self) -> Any:
        """What was saved, None where that cannot be read."""
        return await to_thread.run_sync(self._read)

    async def save(self, data: Any) -> None:
        """Replace what was saved; where the file cannot be written, nothing is."""
        await to_thread.run_sync(self._write, json.dumps(data, indent=2) + "\n")

    def _read(self) -> Any:
        try:
            return json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return None

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write_text(text, encoding="utf-8")


def _fields(line: str) -> dict[str, Any] | None:
    """A whole line as it was written, None for anything else."""
    try:
        fields = json.loads(line)
        uploaded_at = datetime.fromisoformat(fields["uploaded_at"])
        texts = {name: fields[name] for name in ("account", "model", "sha256", "url")}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    whole = line.endswith("\n") and uploaded_at.tzinfo is not None and texts["url"].startswith("oss://")
    return {**texts, "uploaded_at": uploaded_at} if whole else None
