"""A file's bytes, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kfpipe.errors import Refused
from kfpipe.files.durable import reason


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Inside, an `OSError` becomes `Refused`; `name` is what messages call the file."""
    try:
        yield
    except OSError as error:
        raise Refused.because(name, f"it cannot be read: {reason(error)}") from error


def content(path: Path, name: str) -> bytes:
    """All bytes of the file. Raises Refused; `name` is what messages call the file."""
    with reading(name):
        return path.read_bytes()


def refuse_larger(path: Path, name: str, limit_bytes: int, *, fix: str) -> None:
    """Raises Refused when the file is larger than `limit_bytes`, a whole number of MiB; OSError."""
    if path.stat().st_size > limit_bytes:
        limit = f"{limit_bytes >> 20} MiB" if limit_bytes % (1 << 30) else f"{limit_bytes >> 30} GiB"
        raise Refused.because(name, f"it is larger than {limit}", fix=fix)


def first_bytes(path: Path, most_bytes: int) -> bytes:
    """The file's beginning, `most_bytes` at most. Raises OSError."""
    with path.open("rb") as file:
        return file.read(most_bytes)
