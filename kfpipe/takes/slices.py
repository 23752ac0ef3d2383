"""Slices of sounds: which part of a track each take is given. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from kfpipe.domain import MediaRole
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import Manifest, SoundSlice
from kfpipe.media.facts import RecordingFacts
from kfpipe.media.recipe import seconds_text
from kfpipe.takes import expand
from kfpipe.takes.expand import Draft
from kfpipe.wording import echoed


def wanted_in(manifest: Manifest) -> Iterator[tuple[Draft, SoundSlice]]:
    """The takes that are given a slice, and which; what is wrong with a matrix is reported when takes are made."""
    given = [shot for shot in manifest.shots if slice_in(shot.media) is not None]
    if not given:
        return
    sequences = {shot.sequence for shot in given} - {None}
    limit = manifest.limits.matrix_takes
    told = [shot for shot in manifest.shots if shot.sequence in sequences or slice_in(shot.media) is not None]
    drafted = [draft for shot in told for draft in expand.drafts(shot, room=limit, limit=limit)[0]]
    for draft in placed(drafted):
        found = slice_in(draft.media)
        if found is not None:
            yield draft, found


def slice_in(media: expand.Media) -> SoundSlice | None:
    """The slice among a shot's media."""
    sound = media.get(MediaRole.DRIVING_AUDIO)
    return sound if isinstance(sound, SoundSlice) else None


def placed(drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts, where a track runs on through a sequence each with the part that it has come to.

    All shots of a sequence have one matrix, so that each combination has a track of its own.
    """
    if not any((found := slice_in(draft.media)) and found.runs_on for draft in drafts):
        return list(drafts)
    played_s: Counter[tuple[object, ...]] = Counter()
    begins_s: dict[str, int] = {}
    in_sequence = [draft for draft in drafts if draft.shot.in_sequence is not None]
    for draft in sorted(in_sequence, key=lambda draft: draft.index):
        track = (draft.shot.sequence, *draft.cell.values.items())
        begins_s[draft.id] = played_s[track]
        played_s[track] += draft.settings.duration
    return [_moved(draft, begins_s.get(draft.id, 0)) for draft in drafts]


def _moved(draft: Draft, by_s: int) -> Draft:
    found = slice_in(draft.media)
    if found is None or not found.runs_on:
        return draft
    return replace(draft, media={**draft.media, MediaRole.DRIVING_AUDIO: replace(found, start_s=found.start_s + by_s)})


def findings(draft: Draft, wanted: SoundSlice, track: RecordingFacts) -> Iterator[Finding]:
    """Why the track has no such slice."""
    path = draft.path_of(MediaRole.DRIVING_AUDIO)
    if track.width_px is not None:
        yield Finding(
            path=(*path, "file"),
            what=f"{echoed(wanted.path)} is an {track.format} video",
            expected="WAV or MP3",
            fix="export its sound as WAV or MP3",
        )
    elif wanted.start_s + draft.settings.duration > track.seconds:
        yield _beyond(path, draft, wanted, track.seconds)


def _beyond(path: DataPath, draft: Draft, wanted: SoundSlice, track_s: Decimal) -> Finding:
    last_s = track_s - draft.settings.duration
    begins, ends = (seconds_text(wanted.start_s + more) for more in (0, draft.settings.duration))
    if last_s < 0:
        fix = "supply a longer track, or shorten `duration`"
    elif wanted.runs_on and draft.index > 1:
        fix = "supply a longer track, begin earlier, or shorten the shots: the track runs on through the sequence"
    else:
        fix = f'write `start: "{seconds_text(last_s)}"` or less, or supply a longer track'
    return Finding(
        path=(*path, "start"),
        what=f"{echoed(wanted.path)} lasts {seconds_text(track_s)} s, and the slice is {begins} to {ends} s of it",
        expected=f"a slice of {draft.settings.duration} s, as long as the clip, that ends within the track",
        fix=fix,
    )
