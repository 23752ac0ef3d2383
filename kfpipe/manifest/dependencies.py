"""What shots borrow from one another: stills, followed to their files; and renders, which must not go in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from kfpipe.domain import FrameEnd, MediaRole
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import MediaSource, RenderOf, Shot, StillOf
from kfpipe.wording import did_you_mean, echoed

ROLE_OF = {FrameEnd.FIRST: MediaRole.FIRST_FRAME, FrameEnd.LAST: MediaRole.LAST_FRAME}
"""The field that holds the picture at an end of a shot."""


Refusal = tuple[Shot, Finding]
_Field = tuple[str, MediaRole]


def followed(
    shots: Sequence[Shot], *, may_exist: Callable[[str], bool]
) -> tuple[tuple[Shot, ...], tuple[Refusal, ...]]:
    """The shots with files and renders in place of borrowed stills, and what is wrong with what they borrow.

    A shot that is not among them but `may_exist`, in a part that could not be read, is not reported.
    """
    if not any(isinstance(footage, (StillOf, RenderOf)) for shot in shots for footage in shot.media.values()):
        return tuple(shots), ()
    chains = _Chains(shots, may_exist)
    resolved = tuple(chains.resolved(shot) for shot in shots)
    waiting = {shot.id: tuple(_sources(shot)) for shot in resolved}
    by_id = {shot.id: shot for shot in resolved}
    circles = tuple(_circles({waiter: sources for waiter, sources in waiting.items() if sources}))
    refusals = (*chains.refusals, *((by_id[circle[0]], _circle(by_id, circle)) for circle in circles))
    lost = {shot_id for circle in circles for shot_id in circle}
    return tuple(_without_renders(shot) if shot.id in lost else shot for shot in resolved), refusals


class _Chains:
    """Follows each still to its end once, however many shots borrow it."""

    def __init__(self, shots: Sequence[Shot], may_exist: Callable[[str], bool]) -> None:
        self.refusals: list[Refusal] = []
        self._by_id = {shot.id: shot for shot in shots}
        self._may_exist = may_exist
        self._ends: dict[_Field, MediaSource | None] = {}

    def resolved(self, shot: Shot) -> Shot:
        """The shot without references to stills; what is not available is refused."""
        if not any(isinstance(footage, (StillOf, RenderOf)) for footage in shot.media.values()):
            return shot
        ends = {role: self._end((shot.id, role)) for role in shot.media}
        return replace(
            shot,
            media={role: footage for role, footage in ends.items() if footage is not None},
            refused=shot.refused | {str(role) for role, footage in ends.items() if footage is None},
        )

    def _end(self, start: _Field) -> MediaSource | None:
        trail: dict[_Field, None] = {}
        here: _Field | None = start
        while here is not None and here not in self._ends and here not in trail:
            trail[here] = None
            here = self._lender(*here)
        if here in trail:
            way = tuple(trail)
            self._refuse_chain(way[way.index(here) :])
        found = self._ends.get(here) if here is not None else self._own_end(next(reversed(trail)))
        self._ends.update(dict.fromkeys(trail, found))
        return found

    def _own_end(self, here: _Field) -> MediaSource | None:
        """What is in a field that borrows no still; None when what it borrows is not available."""
        shot, role = self._by_id[here[0]], here[1]
        footage = shot.media[role]
        if isinstance(footage, StillOf) or (isinstance(footage, RenderOf) and not self._exists(shot, role, footage)):
            return None
        return footage

    def _lender(self, shot_id: str, role: MediaRole) -> _Field | None:
        """The field that the still in this one is borrowed from; None when nothing is borrowed, or available."""
        shot = self._by_id[shot_id]
        still = shot.media[role]
        return self._lent(shot, role, still) if isinstance(still, StillOf) else None

    def _lent(self, shot: Shot, role: MediaRole, still: StillOf) -> _Field | None:
        if not self._exists(shot, role, still):
            return None
        lender, wanted = self._by_id[still.shot_id], ROLE_OF[still.end]
        if lender.matrix is not None and lender.matrix.varies(wanted):
            what = f"the takes of shot '{lender.id}' differ in their {still.end} frame"
            self._refuse(shot, role, what, fix="give the path of the picture that you mean")
            return None
        if wanted not in lender.media:
            if wanted not in lender.refused:
                what = f"shot '{lender.id}' has no {still.end} frame"
                self._refuse(shot, role, what, fix=f"add `{wanted}` to that shot, or give the path of a picture here")
            return None
        return lender.id, wanted

    def _exists(self, shot: Shot, role: MediaRole, link: StillOf | RenderOf) -> bool:
        if link.shot_id in self._by_id:
            return True
        if not self._may_exist(link.shot_id):
            fix = did_you_mean(link.shot_id, self._by_id, "write the id of a shot of this manifest")
            self._refuse(shot, role, f"there is no shot {echoed(link.shot_id)}", fix=fix)
        return False

    def _refuse(self, shot: Shot, role: MediaRole, what: str, *, fix: str) -> None:
        key = "still" if isinstance(shot.media[role], StillOf) else "render"
        self.refusals.append((shot, Finding(path=(*shot.path_of(role), key), what=what, fix=fix)))

    def _refuse_chain(self, circle: Sequence[_Field]) -> None:
        way = " -> ".join(f"{shot_id}.{role}" for shot_id, role in (*circle, circle[0]))
        shot_id, role = circle[0]
        what = f"these stills refer to one another in a circle, and none of them is a picture: {way}"
        self._refuse(self._by_id[shot_id], role, what, fix="give the path of a picture in one of these places")


def _sources(shot: Shot) -> Iterator[str]:
    """The shots whose renders this one waits for."""
    return (footage.shot_id for footage in shot.media.values() if isinstance(footage, RenderOf))


def _circles(waiting: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Circles of shots that wait for one another: at least one of any that overlap."""
    finished: set[str] = set()
    for start in waiting:
        trail = {} if start in finished else {start: iter(waiting[start])}
        while trail:
            shot_id, sources = next(reversed(trail.items()))
            source = next(sources, None)
            if source is None:
                finished.add(shot_id)
                del trail[shot_id]
            elif source in trail:
                way = tuple(trail)
                yield way[way.index(source) :]
            elif source in waiting and source not in finished:
                trail[source] = iter(waiting[source])


def _circle(by_id: Mapping[str, Shot], circle: Sequence[str]) -> Finding:
    """Shots that are to continue one another, `circle` in the order in which each waits for the next."""
    first, following = by_id[circle[0]], circle[1 % len(circle)]
    role = next(
        role for role, footage in first.media.items() if isinstance(footage, RenderOf) and footage.shot_id == following
    )
    way = " -> ".join((*circle, circle[0]))
    is_clip = role is MediaRole.FIRST_CLIP
    alone = len(circle) == 1
    return Finding(
        path=(*first.path_of(role), "render"),
        what="the shot waits for its own render" if alone else f"these shots wait for one another: {way}",
        fix="start one of them from a picture"
        if not alone
        else "name another shot, or a clip"
        if is_clip
        else "write `still` instead of `render` to use the picture that it was given",
    )


def _without_renders(shot: Shot) -> Shot:
    kept = {role: footage for role, footage in shot.media.items() if not isinstance(footage, RenderOf)}
    return replace(shot, media=kept, refused=shot.refused | {str(role) for role in shot.media.keys() - kept.keys()})
