"""Where a message about a shot leads: to its own line, and to that of a profile that had a say in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kfpipe.errors import Problem, Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document import FILES, Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import Shot


def problem(finding: Finding, document: Document, shot: Shot, *, of_model: bool = False) -> Problem:
    """The finding at its place, in the words of someone who sees both the shot's line and the profile's.

    `of_model` where the model that was chosen makes the difference.
    """
    path = finding.path
    chosen = path if profile_of(path) else shot.places.get("model", ()) if of_model and _is_error(finding) else ()
    finding = _of_a_null(finding, document)
    profile = profile_of(chosen)
    if profile is None:
        return finding.problem(document, shot.where)
    own = (*shot.path, _field(path))
    where = (
        f"{shot.where} ({document.place_of(own, path)}) with profile '{profile}' ({document.place_of(chosen, path)})"
    )
    return finding.problem(document, where)


def profile_of(path: DataPath) -> str | None:
    """The profile that a place is in."""
    match path[2:] if path[:1] == (FILES,) else path:
        case ("profiles", str(name), *_):
            return name
        case _:
            return None


def _field(path: DataPath) -> str | int:
    """The field of a shot that a place is about, whoever sets it."""
    inside = path[4:] if path[:1] == (FILES,) else path[2:]
    return inside[0] if inside else ""


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _of_a_null(finding: Finding, document: Document) -> Finding:
    """What lacks because `null` took it away is mended there."""
    place: Any = document.data
    for step in finding.path:
        held = (isinstance(place, dict) and step in place) or (isinstance(place, list) and isinstance(step, int))
        if not held:
            return finding
        place = place[step]
    if place is not None:
        return finding
    return replace(finding, fix=f"delete `{finding.path[-1]}: null`, or write a value there")
