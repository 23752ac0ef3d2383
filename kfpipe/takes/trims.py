"""What the film takes of a clip, against how long the clip is going to be."""

from __future__ import annotations

from collections.abc import Iterator

from kfpipe.manifest.document.finding import Finding
from kfpipe.takes.blame import profile_of
from kfpipe.takes.expand import Draft
from kfpipe.wording import echoed


def findings(draft: Draft) -> Iterator[Finding]:
    """A trim that ends after the clip, or takes nothing of it."""
    trim, duration = draft.shot.trim, draft.settings.duration
    if trim is None:
        return
    path = draft.shot.path_of("trim")
    if trim.end_s is not None and trim.end_s > duration:
        yield Finding(
            path=(*path, "out"),
            what=f"the trim ends at {trim.end_s} s, but the clip is {duration} s long",
            expected=f"at most {duration}",
            fix=_fix(draft, "out") or "make `out` smaller, or delete it to keep the clip to its end",
        )
    if trim.end_s is not None and trim.start_s >= trim.end_s:
        yield Finding(
            path=(*path, "in") if trim.start_s else (*path, "out"),
            what=f"the trim begins at {trim.start_s} s and ends at {trim.end_s} s: nothing is left",
            expected="`in` before `out`",
            fix="correct one of the two",
        )
    elif trim.start_s >= duration:
        yield Finding(
            path=(*path, "in"),
            what=f"the trim begins at {trim.start_s} s, but the clip is {duration} s long",
            expected=f"less than {duration}",
            fix=_fix(draft, "in") or "make `in` smaller",
        )


def _fix(draft: Draft, point: str) -> str | None:
    """What to do where a profile shortens the clips, and leaves their trims as they are."""
    chosen = (profile_of(draft.path_of(name)) for name in ("duration", "model"))
    profile = next(filter(None, chosen), None)
    if profile is None or profile_of(draft.path_of("trim")):
        return None
    return f"write `trim: null` in profile {echoed(profile)}, or make `{point}` smaller"
