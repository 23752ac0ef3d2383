"""The note beside a project's records that its work was handed over: another run must not make it a second time."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from pathlib import Path

from kfpipe.cluster.address import OPTION
from kfpipe.errors import Refused
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, storage
from kfpipe.wording import echoed


def place_of(state_dir: Path, stem: str) -> Path:
    """Where the note lies."""
    return state_dir / f"{stem}.cluster.json"


def leave(place: Path, shown: str) -> str:
    """Say that work of this project is in the cluster; what the cluster knows the project by. Raises StorageFailed."""
    project = secrets.token_hex(16)
    with suppress(OSError, ValueError, TypeError, KeyError):
        project = str(json.loads(place.read_bytes())["project"])
    with storage(place):
        make_state_dir(place.parent)
        durable.replace(place, [json.dumps({"cluster": shown, "project": project}).encode(), b"\n"])
    return project


def take_away(place: Path) -> None:
    """Nothing of the project is there any more."""
    with storage(place):
        place.unlink(missing_ok=True)


def check(place: Path, manifest: str) -> None:
    """Raise Refused for a run that would make itself what is in the cluster."""
    if not place.exists():
        return
    shown = "a cluster"
    with suppress(OSError, ValueError, TypeError, KeyError):
        shown = echoed(str(json.loads(place.read_bytes())["cluster"]))
    raise Refused.because(
        manifest,
        f"work of this manifest was handed over to {shown}, and may be under way there",
        expected=f"`{OPTION} ADDRESS`, or KFPIPE_CLUSTER, to go on with it",
        fix=f"if that cluster is gone for good, delete {place.name} beside the journal, and run again",
    )
