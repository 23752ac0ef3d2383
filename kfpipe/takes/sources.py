"""Which take of another shot a clip or picture is taken from."""

from __future__ import annotations

from collections.abc import Sequence

from kfpipe.domain import CutFrom, cell_of
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import RenderOf
from kfpipe.wording import did_you_mean, echoed, listed

_MOST_SHOWN = 5


def lender(
    render: RenderOf, take_ids: Sequence[str], path: DataPath, picked: str | None = None
) -> CutFrom | Finding | None:
    """The take of the source that is meant; None when the source has no sound take, which was already reported.

    `take_ids` are those of the source, `picked` the one that a person chose; `path` is where the render is asked for.
    Where there is one take only, as in a draft, there is nothing to choose, whatever `take` says. Where the manifest
    leaves more than one, the pick goes before the others; without it the choice is open, and no fault of the manifest.
    """
    fitting = meant(render, take_ids)
    if len(fitting) == 1:
        return CutFrom(take_id=fitting[0], end=render.end)
    if picked is not None and picked in fitting:
        return CutFrom(take_id=picked, end=render.end, is_picked=True)
    if fitting:
        return CutFrom(take_id=render.shot_id, end=render.end, is_open=True)
    return _unknown(render, take_ids, path) if take_ids else None


def meant(render: RenderOf, take_ids: Sequence[str]) -> Sequence[str]:
    """The takes that the manifest's words fit."""
    if len(take_ids) <= 1 or render.take is None:
        return take_ids
    wanted = set(render.take.removeprefix(f"{render.shot_id}@").split(","))
    return [take_id for take_id in take_ids if take_id == render.take or wanted <= _words_of(take_id)]


def _unknown(render: RenderOf, take_ids: Sequence[str], path: DataPath) -> Finding:
    return Finding(
        path=(*path, "take"),
        what=f"{echoed(render.take or '')} names no take of shot '{render.shot_id}'",
        expected=_some(take_ids),
        fix=did_you_mean(render.take or "", map(cell_of, take_ids), "write one of these"),
    )


def _words_of(take_id: str) -> set[str]:
    return set(cell_of(take_id).split(","))


def _some(take_ids: Sequence[str]) -> str:
    shown = [f"`{cell_of(take_id)}`" for take_id in take_ids[:_MOST_SHOWN]]
    return listed([*shown, f"{len(take_ids) - len(shown):,} more"] if len(take_ids) > len(shown) else shown)
