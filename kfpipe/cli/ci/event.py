"""What set off a job on GitHub, by the variables and the file that describe it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_PULL_REQUEST: Final = re.compile(r"refs/pull/(\d+)/\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Where a job runs. `pull_request` is its number, None where there is none; `base` the commit it is compared with.

    A job for a fork's pull request has no secrets, and its token may only read.
    """

    is_github: bool
    repository: str | None = None
    pull_request: int | None = None
    base: str | None = None
    is_fork: bool = False


def read(variables: Mapping[str, str]) -> JobEvent:
    """The event that these variables describe; what cannot be read of it is not there."""
    told = _payload(variables.get("GITHUB_EVENT_PATH", ""))
    request = _object(told, "pull_request")
    by_ref = _PULL_REQUEST.fullmatch(variables.get("GITHUB_REF", ""))
    number = request.get("number", int(by_ref[1]) if by_ref else None)
    repository = variables.get("GITHUB_REPOSITORY", "")
    base, head = _object(request, "base"), _object(request, "head")
    commit = base.get("sha")
    return JobEvent(
        is_github=variables.get("GITHUB_ACTIONS") == "true",
        repository=repository if _REPOSITORY.fullmatch(repository) else None,
        pull_request=number if isinstance(number, int) else None,
        base=commit if isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40,64}", commit) else None,
        is_fork=bool(request) and _object(head, "repo").get("full_name") != _object(base, "repo").get("full_name"),
    )


def _payload(path: str) -> Mapping[str, Any]:
    try:
        told = json.loads(Path(path).read_bytes()) if path else {}
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _object(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part of the payload; empty where it is null, as the repository of a fork that was deleted is."""
    found = told.get(key)
    return found if isinstance(found, dict) else {}
