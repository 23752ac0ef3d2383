"""Which take of another shot a clip or picture is taken from."""

from __future__ import annotations

from collections.abc import Sequence

from kfpipe.domain import cell_of
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import RenderOf
from kfpipe.wording import did_you_mean, echoed, listed

_MOST_SHOWN = 5


def lending_take(render: RenderOf, take_ids: Sequence[str], path: DataPath) -> str | Finding | None:
    """The take of the source that is meant; None when the source has no sound take, which was already reported.

    `take_ids` are those of the source; `path` is where the render is asked for. Where there is one take only, as in a
    draft, there is nothing to choose, whatever `take` says.
    """
    if len(take_ids) <= 1:
        return next(iter(take_ids), None)
    if render.take is None:
        return Finding(
            path=path,
            what=f"shot '{render.shot_id}' has {len(take_ids):,} takes, but {_what(render)} one",
            expected=_some(take_ids),
            fix=f"add a line like `take: {cell_of(take_ids[0])}`",
        )
    wanted = set(render.take.removeprefix(f"{render.shot_id}@").split(","))
    meant = [take_id for take_id in take_ids if take_id == render.take or wanted <= _words_of(take_id)]
    if len(meant) == 1:
        return meant[0]
    return Finding(
        path=(*path, "take"),
        what=f"{echoed(render.take)} names {'no' if not meant else 'more than one'} take of shot '{render.shot_id}'",
        expected=_some(meant or take_ids),
        fix=did_you_mean(render.take, (cell_of(take_id) for take_id in meant or take_ids), "write one of these"),
    )


def _what(render: RenderOf) -> str:
    return "the clip continues" if render.end is None else "the picture is cut from"


def _words_of(take_id: str) -> set[str]:
    return set(cell_of(take_id).split(","))


def _some(take_ids: Sequence[str]) -> str:
    shown = [f"`{cell_of(take_id)}`" for take_id in take_ids[:_MOST_SHOWN]]
    return listed([*shown, f"{len(take_ids) - len(shown):,} more"] if len(take_ids) > len(shown) else shown)
