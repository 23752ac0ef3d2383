"""What a model requires of pictures, sounds and clips: of one file, and of two together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kfpipe.catalogue import Model, RecordingRules
from kfpipe.domain import MediaRole
from kfpipe.errors import Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import Verb
from kfpipe.media.facts import RecordingFacts, StillFacts
from kfpipe.media.recipe import STANDING
from kfpipe.takes.expand import Draft
from kfpipe.wording import listed

_ARTICLES = {"AVIF": "an"}
ASPECT_TOLERANCE = 0.02
"""Frames of one shape to the eye: rounding to whole pixels stays well below it."""

MediaFacts = Mapping[MediaRole, StillFacts | RecordingFacts | None]
"""What is known of a draft's media; None for those that are not files of the project."""


def file_findings(draft: Draft, model: Model, facts: MediaFacts) -> Iterator[Finding]:
    """What is wrong with the contents of the draft's files."""
    for role, known in facts.items():
        if isinstance(known, StillFacts):
            yield from still_findings(draft.path_of(role), model, role, known)
        elif known is not None:
            yield from recording_findings(draft.path_of(role), model, role, known)
    first, last = facts.get(MediaRole.FIRST_FRAME), facts.get(MediaRole.LAST_FRAME)
    if isinstance(first, StillFacts) and isinstance(last, StillFacts):
        yield from shape_findings(draft.path_of("last_frame"), first, last)
    clip = facts.get(MediaRole.FIRST_CLIP)
    if isinstance(clip, RecordingFacts):
        yield from clip_findings(draft.path_of("duration"), draft.settings.duration, clip)


def still_findings(path: DataPath, model: Model, role: MediaRole, still: StillFacts) -> Iterator[Finding]:
    """What the service would refuse about a still; `path` is where it is named."""
    rules = model.frames
    subject = _subject(role)
    if still.format not in rules.formats:
        yield Finding(
            path=path,
            what=f"{subject} is {_ARTICLES.get(still.format, 'a')} {still.format} picture, whatever its name says",
            expected=listed(rules.formats),
            fix="save one frame of it as PNG or JPEG"
            if still.animated
            else f"save it as PNG or JPEG, or {_verb(Verb.CONVERT)}",
        )
    elif still.animated:
        yield Finding(path=path, what=f"{subject} is an animation", expected="one picture", fix="save one frame of it")
    if still.orientation != STANDING:
        yield _lying(path, subject, still)
    if still.cmyk:
        yield Finding(
            path=path,
            what=f"{subject} has the colours of print (CMYK): what the service makes of them is not documented",
            fix="save it as RGB",
            severity=Severity.WARNING,
        )
    if still.alpha:
        yield Finding(
            path=path,
            what=f"{subject} has an alpha channel (transparency), which {model.name} does not accept",
            expected="a picture without transparency",
            fix=f"{_verb(Verb.FLATTEN)}, or flatten it onto a background and save it again",
        )
    yield from weight_findings(path, model, role, still.size_bytes)
    yield from side_findings(path, model, role, still.width_px, still.height_px)


def _lying(path: DataPath, subject: str, still: StillFacts) -> Finding:
    return Finding(
        path=path,
        what=f"{subject} has a rotation tag (EXIF orientation {still.orientation}), "
        "and what the service makes of it is not documented",
        expected="a picture that is stored as it is shown",
        fix=f"{_verb(Verb.UPRIGHT)}, or turn it in an editor and save it without the tag",
    )


def _other_size(noun: str, *, is_small: bool) -> str:
    by_hand = f"supply a larger {noun}" if is_small else "scale it down"
    return f"{by_hand}, or {_verb(Verb.RESIZE)}" if noun == "picture" else by_hand


def _verb(verb: Verb) -> str:
    return f"add `{verb}` to `prepare` under `stills`"


def side_findings(path: DataPath, model: Model, role: MediaRole, width_px: int, height_px: int) -> Iterator[Finding]:
    """What the service would refuse about the sides of a picture or a clip."""
    rules = model.recordings.get(role, model.frames)
    short, long = sorted((width_px, height_px))
    what = f"{_subject(role)} is {width_px}x{height_px} px"
    noun = "clip" if role is MediaRole.FIRST_CLIP else "picture"
    least, most = rules.min_side_px or 0, rules.max_side_px or long
    if short < least or long > most:
        yield Finding(
            path=path,
            what=what,
            expected=f"each side {least:,} to {most:,} px for {model.name}",
            fix=_other_size(noun, is_small=short < least),
        )
    if rules.max_aspect is not None and long > rules.max_aspect * short:
        yield Finding(
            path=path,
            what=f"{what}, which is too long and narrow",
            expected=f"one side at most {rules.max_aspect} times the other for {model.name}",
            fix="crop it",
        )


def weight_findings(path: DataPath, model: Model, role: MediaRole, size_bytes: int) -> Iterator[Finding]:
    """A file with more bytes than the service takes."""
    is_recording = role in model.recordings
    limit_bytes = model.recordings[role].max_size_bytes if is_recording else model.frames.max_size_bytes
    if size_bytes > limit_bytes:
        yield Finding(
            path=path,
            what=f"{_subject(role)} is {size_bytes / 2**20:.1f} MB",
            expected=f"at most {limit_bytes // 2**20} MB for {model.name}",
            fix="export it with a lower bit rate" if is_recording else f"save it as JPEG, or {_verb(Verb.RESIZE)}",
        )


def recording_findings(path: DataPath, model: Model, role: MediaRole, recording: RecordingFacts) -> Iterator[Finding]:
    """What the service would refuse about a sound or a clip; nothing where the model accepts none at all."""
    rules = model.recordings.get(role)
    if rules is None:
        return
    subject = _subject(role)
    if recording.format not in rules.formats:
        yield Finding(
            path=path,
            what=f"{subject} is {recording.format}, whatever its name says",
            expected=listed(rules.formats),
            fix=f"export it as {rules.formats[0]}",
        )
        return
    if not rules.min_s <= recording.seconds <= rules.max_s:
        yield _length(path, model, subject, recording, rules)
    yield from weight_findings(path, model, role, recording.size_bytes)
    if recording.width_px is not None and recording.height_px is not None:
        yield from side_findings(path, model, role, recording.width_px, recording.height_px)


def _length(path: DataPath, model: Model, subject: str, recording: RecordingFacts, rules: RecordingRules) -> Finding:
    return Finding(
        path=path,
        what=f"{subject} lasts {recording.seconds:f} s",
        expected=f"{rules.min_s} to {rules.max_s} s for {model.name}",
        fix="cut it shorter" if recording.seconds > rules.max_s else "supply a longer one",
    )


def clip_findings(path: DataPath, duration_s: int, clip: RecordingFacts) -> Iterator[Finding]:
    """The duration counts the clip that is continued: what is left is new. Source: API reference, 3.2."""
    if clip.seconds >= duration_s:
        yield Finding(
            path=path,
            what=f"the duration of {duration_s} s includes the first clip, which alone lasts {clip.seconds:f} s",
            expected="a duration longer than the clip",
            fix=f"write `duration: {int(clip.seconds) + 1}` or more; every second is billed, those of the clip too",
        )


def shape_findings(path: DataPath, first: StillFacts, last: StillFacts) -> Iterator[Finding]:
    """A last frame of another shape is cropped or stretched by the service: which of the two is not documented."""
    (width_px, height_px), (last_width_px, last_height_px) = first.shown_px, last.shown_px
    ratio = (width_px * last_height_px) / (height_px * last_width_px)
    if abs(ratio - 1) > ASPECT_TOLERANCE:
        yield Finding(
            path=path,
            what=(
                f"the frames differ in shape: first {width_px}x{height_px} px, "
                f"last {last_width_px}x{last_height_px} px; the clip takes the shape of the first"
            ),
            fix="crop both to one shape",
            severity=Severity.WARNING,
        )


def _subject(role: MediaRole) -> str:
    return f"the {role.replace('_', ' ')}"
