"""`kfpipe export -o film.mp4`: the film itself, and with `--emulator` the animatic of what is not rendered yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from kfpipe.cli.options.choices import Selectors
from kfpipe.cli.output import streams
from kfpipe.cli.output.amounts import counted
from kfpipe.cli.views import live
from kfpipe.cli.views.film import filming
from kfpipe.domain import PictureSize, Take
from kfpipe.errors import ExitCode, Refused, Unusable
from kfpipe.lock.records import Records
from kfpipe.lock.states import Rendered
from kfpipe.media import soundtrack
from kfpipe.plan.model import Chosen
from kfpipe.project import Project
from kfpipe.review.film import edit
from kfpipe.review.film.edit import Edit
from kfpipe.review.footage import ShotFootage
from kfpipe.review.output import Handout
from kfpipe.review.timeline import Gap, Timeline
from kfpipe.session import session as held
from kfpipe.wording import listed

FILM: Final = "mp4"

Watched = AbstractContextManager[Callable[[int], object]]
"""For as long as the film is made: what is called with the number of its pictures that there are."""

_MOST_TOLD: Final = 3


def rehearsed(project: Project, select: Selectors) -> Chosen:
    """One take of each shot of the film: the picked one, else the first; the emulator renders those that are missing.

    Raises Refused when a selector matches nothing, or another run holds the project.
    """
    with held(project) as session:
        now = session.standing
        is_meant = select.among(now)
        takes = [take for take in now.takes if take.in_film and is_meant(take.id)]
        wanted = _one_each(takes, now.records)
        several = [shot_id for shot_id, count in Counter(take.shot_id for take in takes).items() if count > 1]
        decided = {take.shot_id for take in takes if _is_picked(take, now.records)}
        unpicked = [shot_id for shot_id in several if shot_id not in decided]
        if unpicked:
            shown = listed(unpicked, "and") if len(unpicked) <= _MOST_TOLD else counted(len(unpicked), "shot")
            streams.note(f"no take is picked of {shown}: the first one is shown")
        needed = _with_sources(wanted, project.takes)
        plan = session.plan(select=needed.__contains__)
        if plan.work:
            with live.watching() as emit:
                ended = session.run(plan, cap=None, emit=emit)
            if ended.exit_code is ExitCode.INTERRUPTED:
                raise KeyboardInterrupt  # no film of what somebody called off
    return wanted.__contains__


def _is_picked(take: Take, records: Records) -> bool:
    record = records.get(take.id)
    return record is not None and record.picked


def _one_each(takes: Iterable[Take], records: Records) -> frozenset[str]:
    chosen: dict[str, str] = {}
    for take in takes:
        if take.shot_id not in chosen or _is_picked(take, records):
            chosen[take.shot_id] = take.id
    return frozenset(chosen.values())


def _with_sources(wanted: Iterable[str], takes: Sequence[Take]) -> frozenset[str]:
    """The takes, and those whose clips they wait for."""
    by_id = {take.id: take for take in takes}
    found, left = set[str](), list(wanted)
    while left:
        take_id = left.pop()
        if take_id not in found:
            found.add(take_id)
            left += by_id[take_id].sources if take_id in by_id else ()
    return frozenset(found)


def undecided(made: Timeline, shots: Sequence[ShotFootage], project: Project) -> tuple[Gap, ...]:
    """The shots for which no slate may stand: of several clips none is picked, or a file is not what was rendered."""
    spoiled = {
        shot.shot_id
        for shot in shots
        for take in shot.takes
        if take not in shot.clips and take.record is not None and isinstance(take.record.entry, Rendered)
        if (project.folder / take.take.output).exists()
    }
    return tuple(gap for gap in made.gaps if gap.choices or gap.shot_id in spoiled)


def edited(project: Project, made: Timeline) -> Edit:
    """The film that the timeline makes. Raises Refused."""
    if not made.slots:
        raise Refused.because("film", "there is no shot in it", fix="correct `film.order`, or the selection")
    firsts = {take.shot_id: take for take in reversed(project.takes) if take.in_film and take.size is not None}
    sizes = Counter(take.size for take in reversed(firsts.values()))
    planned: PictureSize | None = next((size for size, _ in sizes.most_common(1)), None)
    return edit.make(made, project.manifest.film, planned)


def write(
    film: Edit, project: Project, handout: Handout, music: Path | None, watched: Callable[[int], Watched] = filming
) -> None:
    """Decode, join and encode it. Raises Refused, StorageFailed; then nothing is left behind.

    `watched` is given the number of pictures, and then hears how many there are so far.
    """
    from kfpipe.review.film import writing  # decoders are loaded only where there is something to decode

    outputs = {(project.folder / take.output).resolve() for take in project.takes}
    if handout.path in outputs:
        raise Refused.because(str(handout.given), "is the place of a clip", fix="name another file")
    with handout.replacing(writing.is_film) as target, watched(film.frames) as shown:
        writing.write(film, target, handout.path.parent, music, shown)


def music_of(project: Project) -> Path | None:
    """The music's file. Raises Refused where it is not there, or is no sound file."""
    name = project.manifest.film.music
    if name is None:
        return None
    path = (project.folder / name).resolve()
    if not path.is_relative_to(project.root):
        raise Refused.because("film.music", f"{name} leads out of the project", fix="copy the file into the project")
    if not path.is_file():
        raise Refused.because("film.music", f"there is no file {name}", fix="correct the path, or delete `music`")
    try:
        soundtrack.kind(path)
    except Unusable as flaw:
        raise Refused.because("film.music", f"{name} {flaw.reason}", expected=flaw.expected, fix=flaw.fix) from flaw
    except OSError as error:
        raise Refused.because("film.music", f"{name} cannot be read: {error.strerror}") from error
    return path
