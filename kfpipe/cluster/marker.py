"""The note beside a project's records that its work was handed over: another run must not make it a second time."""

from __future__ import annotations

import json
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


def leave(place: Path, shown: str) -> None:
    """Say that work of this project is in the cluster. Raises StorageFailed."""
    with storage(place):
        make_state_dir(place.parent)
        durable.replace(place, [json.dumps({"cluster": shown}).encode(), b"\n"])


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
