"""Which take of another shot a clip or picture is taken from."""

from __future__ import annotations

from collections.abc import Sequence

from kfpipe.domain import cell_of
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import RenderOf
from kfpipe.wording import did_you_mean, echoed, listed

_MOST_SHOWN = 5


def lending_take(
    render: RenderOf, take_ids: Sequence[str], path: DataPath, picked: str | None = None
) -> str | Finding | None:
    """The take of the source that is meant; None when the source has no sound take, which was already reported.

    `take_ids` are those of the source, `picked` the one that a person chose; `path` is where the render is asked for.
    Where there is one take only, as in a draft, there is nothing to choose, whatever `take` says. Where the manifest
    leaves more than one, the pick goes before the others.
    """
    fitting = meant(render, take_ids)
    if len(fitting) == 1:
        return fitting[0]
    if picked in fitting:
        return picked
    return _unclear(render, take_ids, fitting, path) if take_ids else None


def meant(render: RenderOf, take_ids: Sequence[str]) -> Sequence[str]:
    """The takes that the manifest's words fit."""
    if len(take_ids) <= 1 or render.take is None:
        return take_ids
    wanted = set(render.take.removeprefix(f"{render.shot_id}@").split(","))
    return [take_id for take_id in take_ids if take_id == render.take or wanted <= _words_of(take_id)]


def _unclear(render: RenderOf, take_ids: Sequence[str], fitting: Sequence[str], path: DataPath) -> Finding:
    if render.take is None:
        return Finding(
            path=path,
            what=f"shot '{render.shot_id}' has {len(take_ids):,} takes, but {_what(render)} one",
            expected=_some(take_ids),
            fix=f"add a line like `take: {cell_of(take_ids[0])}`",
        )
    return Finding(
        path=(*path, "take"),
        what=f"{echoed(render.take)} names {'no' if not fitting else 'more than one'} take of shot '{render.shot_id}'",
        expected=_some(fitting or take_ids),
        fix=did_you_mean(render.take, (cell_of(take_id) for take_id in fitting or take_ids), "write one of these"),
    )


def _what(render: RenderOf) -> str:
    return "the clip continues" if render.end is None else "the picture is cut from"


def _words_of(take_id: str) -> set[str]:
    return set(cell_of(take_id).split(","))


def _some(take_ids: Sequence[str]) -> str:
    shown = [f"`{cell_of(take_id)}`" for take_id in take_ids[:_MOST_SHOWN]]
    return listed([*shown, f"{len(take_ids) - len(shown):,} more"] if len(take_ids) > len(shown) else shown)
