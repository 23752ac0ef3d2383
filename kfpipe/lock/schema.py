"""What a lockfile and a journal may hold, by `schemas/lock.schema.json`."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Any

from kfpipe.files.schemas import schema_file
from kfpipe.files.shape import Fault, Shape


class Part(StrEnum):
    """A definition in the schema, or all of it."""

    LOCKFILE = "lockfile"
    TAKE_ID = "take_id"
    KEY = "key"
    ENTRY = "entry"


def lock_schema() -> dict[str, Any]:
    """The schema as shipped; not to be changed."""
    return schema_file("lock")


def fits_schema(part: Part, data: Any) -> bool:
    """Whether kfpipe can read this."""
    return _shape(part).fits(data)


def faults(part: Part, data: Any) -> Iterator[Fault]:
    """Why `data` does not fit: at least one reason."""
    return _shape(part).faults(data)


@cache
def _shape(part: Part) -> Shape:
    if part is Part.LOCKFILE:
        return Shape(lock_schema())
    return Shape({"$ref": f"#/$defs/{part}", "$defs": lock_schema()["$defs"]})
