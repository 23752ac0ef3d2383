"""Records of version 1, a table of takes of which each held its latest request, as requests of this version. Pure.

The token of a request is made of what it was, so that two branches that migrate the same record still agree; not of its
number, which a merge changed, and a restored clip, which is no request of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kfpipe.domain import ABANDONED, CANCELED, SEED_MAX, TASK_LOST, shot_of
from kfpipe.files.text import normalised

FORMAT: Final = 1

_ENDS: Final = {CANCELED: "canceled", ABANDONED: "lost", TASK_LOST: "lost"}
_FIELDS: Final = (
    *("model", "prompt", "negative_prompt", "template", "first_frame", "last_frame", "driving_audio", "first_clip"),
    *("resolution", "duration", "seed", "prompt_extend", "watermark", "audio", "attempts", "priority"),
)
"""The axes of a matrix that are fields of a shot; all others are variables, which count for a seed that is derived."""

_NEW: Final[dict[str, Any]] = {"codec": None, "remarks": [], "moved": 0}


def requests(take_id: str, record: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The requests of one take, by key. Raises `KeyError`, `TypeError` or `AttributeError` for what is none."""
    for fields in (*record["previous"], record):
        yield request(take_id, fields)


def request(take_id: str, fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """One request, and its key. Raises as `requests`."""
    made = {name: value for name, value in fields.items() if name not in ("serial", "picked", "previous")}
    made |= {"account": None, "candidates": fields["candidates"] or [], "fingerprint": _fingerprint(take_id, fields)}
    if fields["failure"] is not None:
        made["state"] = _ENDS.get(fields["failure"]["code"], fields["state"])
    if fields["render"] is not None:
        made["render"] = {**fields["render"], **_NEW}
    origin = "\n".join((take_id, fields["asked_at"], fields["fingerprint"]))
    return f"{take_id}/{hashlib.sha256(origin.encode()).hexdigest()[:10]}", made


def picks(takes: Mapping[str, Any]) -> dict[str, str]:
    """The picked take of each shot."""
    return {shot_of(take_id): take_id for take_id in sorted(takes) if takes[take_id].get("picked")}


# ---- what was asked for, as it is told today -------------------------------------------------------------------------


def _fingerprint(take_id: str, fields: Mapping[str, Any]) -> str:
    """The fingerprint that the request has by now, so that nothing is paid for again; the old one where none fits.

    A seed that was derived from the take's name stands for the one that is derived from the request today.
    """
    for seed in (fields["seed"], None):
        if _digest({"version": 1, **_form(fields, seed, str)}).hex() == fields["fingerprint"]:
            if seed is not None and seed == _number(hashlib.sha256(take_id.encode()).digest()):
                seed = _derived(take_id, fields)
            return _digest({"version": 2, **_form(fields, seed, normalised)}).hex()
    return str(fields["fingerprint"])


def _derived(take_id: str, fields: Mapping[str, Any]) -> int:
    tree = _form(fields, None, normalised)
    del tree["parameters"]["seed"]
    cell = (axis.partition("=") for axis in take_id.partition("@")[2].split(",") if axis)
    tree["variables"] = {name: normalised(value) for name, _, value in cell if name not in _FIELDS}
    return _number(_digest(tree))


def _form(fields: Mapping[str, Any], seed: int | None, spelled: Callable[[str], str]) -> dict[str, Any]:
    """The request on record as the tree that fingerprints are made of."""
    parameters = {name: value for name, value in fields["parameters"].items() if name != "template"}
    tree = {
        "model": fields["model"],
        "prompt": spelled(fields["prompt"]),
        "negative_prompt": spelled(fields["negative_prompt"]),
        "media": fields["media"],
        "parameters": {**parameters, "seed": seed},
    }
    template = fields["parameters"].get("template")
    return tree if template is None else {**tree, "template": template}


def _digest(tree: Mapping[str, Any]) -> bytes:
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).digest()


def _number(digest: bytes) -> int:
    return int.from_bytes(digest, "big") % (SEED_MAX + 1)
