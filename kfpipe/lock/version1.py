"""Records of version 1, a table of takes of which each held its latest request, as requests of this version. Pure.

The token of a request is made of what it was, so that two branches that migrate the same record still agree; not of its
number, which a merge changed, and a restored clip, which is no request of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kfpipe.domain import ABANDONED, CANCELED, TASK_LOST, shot_of

FORMAT: Final = 1

_ENDS: Final = {CANCELED: "canceled", ABANDONED: "lost", TASK_LOST: "lost"}
_NEW: Final[dict[str, Any]] = {"codec": None, "remarks": [], "moved": 0}


def requests(take_id: str, record: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The requests of one take, by key. Raises `KeyError`, `TypeError` or `AttributeError` for what is none."""
    for fields in (*record["previous"], record):
        yield request(take_id, fields)


def request(take_id: str, fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """One request, and its key. Raises as `requests`."""
    made = {name: value for name, value in fields.items() if name not in ("serial", "picked", "previous")}
    made |= {"account": None, "candidates": fields["candidates"] or []}
    if fields["failure"] is not None:
        made["state"] = _ENDS.get(fields["failure"]["code"], fields["state"])
    if fields["render"] is not None:
        made["render"] = {**fields["render"], **_NEW}
    origin = "\n".join((take_id, fields["asked_at"], fields["fingerprint"]))
    return f"{take_id}/{hashlib.sha256(origin.encode()).hexdigest()[:10]}", made


def picks(takes: Mapping[str, Any]) -> dict[str, str]:
    """The picked take of each shot."""
    return {shot_of(take_id): take_id for take_id in sorted(takes) if takes[take_id].get("picked")}
