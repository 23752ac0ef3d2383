"""A storyboard -> its shots: one for each gap between neighbouring keyframes, and one back to the first in a loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import pairwise
from typing import Any

from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import Place
from kfpipe.values import dataclass

_OF_THE_WHOLE = ("keyframes", "loop", "prompts", "shots")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotEntry:
    """What one shot says by itself. `places` locates fields that are not directly under `path`."""

    path: DataPath
    own: Mapping[str, Any]
    places: Mapping[str, DataPath] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    in_sequence: Place | None = None


def storyboard(path: DataPath, own: Mapping[str, Any]) -> Iterator[ShotEntry]:
    """The shots of the sequence at `path`. What does not fit the keyframes, as `findings` tells, is left out."""
    keyframes, prompts, gaps = own["keyframes"], own.get("prompts"), own.get("shots")
    pairs = list(pairwise([*enumerate(keyframes), *([(0, keyframes[0])] if own.get("loop") else [])]))
    wrong = {finding.path[len(path)] for finding in findings(path, own)}
    shared = {name: value for name, value in own.items() if name not in _OF_THE_WHOLE}
    for index, ((first_place, first), (last_place, last)) in enumerate(pairs, start=1):
        fields = {**shared, "first_frame": first, "last_frame": last, "id": f"{own['id']}.{index:02}"}
        places = {"first_frame": (*path, "keyframes", first_place), "last_frame": (*path, "keyframes", last_place)}
        if prompts and "prompts" not in wrong:
            fields["prompt"], places["prompt"] = prompts[index - 1], (*path, "prompts", index - 1)
        if gaps and "shots" not in wrong:
            gap = gaps[index - 1]
            fields |= {**gap, "vars": {**(fields.get("vars") or {}), **gap["vars"]}} if gap.get("vars") else gap
            places |= {name: (*path, "shots", index - 1, name) for name in gap}
        yield ShotEntry(
            path=path,
            own=fields,
            places=places,
            refused=frozenset(["prompt"] if wrong else []),
            in_sequence=Place(index=index, count=len(pairs)),
        )


def findings(path: DataPath, own: Mapping[str, Any]) -> Iterator[Finding]:
    """Prompts, and fields for each gap, that do not fit the keyframes."""
    keyframes, prompts, gaps = len(own["keyframes"]), own.get("prompts"), own.get("shots")
    count = keyframes - (0 if own.get("loop") else 1)
    each = "one for each pair of neighbouring keyframes" + (", and one back to the first" if own.get("loop") else "")
    if prompts is not None and "prompt" in own:
        yield Finding(
            path=(*path, "prompts"),
            at_key=True,
            what="there are both `prompts`, one for each shot, and `prompt`, one for all",
            fix="delete one of the two",
        )
    elif prompts is not None and len(prompts) != count:
        yield Finding(
            path=(*path, "prompts"),
            at_key=True,
            what=f"there are {len(prompts)} prompts for {keyframes} keyframes",
            expected=f"{count}: {each}",
            fix="add or delete prompts, or write one `prompt` with {{ index }} and {{ count }} for all of them",
        )
    if gaps is not None and len(gaps) != count:
        yield Finding(
            path=(*path, "shots"),
            at_key=True,
            what=f"`shots` has {len(gaps)} {'entry' if len(gaps) == 1 else 'entries'} for {keyframes} keyframes",
            expected=f"{count}: {each}",
            fix="add or delete entries; `{}` stands for a shot that differs in nothing",
        )
