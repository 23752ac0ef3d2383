"""What a model requires of pictures, sounds and clips: of one file, and of two together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal

from kfpipe.catalogue import FrameRules, Model, RecordingRules
from kfpipe.domain import MediaRole
from kfpipe.errors import Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import RemoteFile, Verb
from kfpipe.media.facts import Recording, RecordingFacts, Still, StillFacts
from kfpipe.media.recipe import STANDING
from kfpipe.takes.expand import Draft
from kfpipe.wording import listed

_ARTICLES = {"AVIF": "an"}
ASPECT_TOLERANCE = 0.02
"""Frames of one shape to the eye: rounding to whole pixels stays well below it."""

SOUND_TOLERANCE_S = Decimal("0.1")
"""What an encoder adds to a sound, or a cut leaves out, is not worth a word."""

MediaFacts = Mapping[MediaRole, StillFacts | RecordingFacts | None]
"""What is known of a draft's media; None for those that are not files of the project."""

KnownFile = Still | Recording | None
"""One of them, with its digest."""


def file_findings(draft: Draft, model: Model, facts: MediaFacts) -> Iterator[Finding]:
    """What is wrong with the contents of the draft's files."""
    for role, known in facts.items():
        if isinstance(known, StillFacts):
            yield from still_findings(draft.path_of(role), model, role, known)
        elif known is not None:
            yield from recording_findings(draft.path_of(role), model, role, known)
    clip = facts.get(MediaRole.FIRST_CLIP)
    if isinstance(clip, RecordingFacts):
        yield from clip_findings(draft.path_of("duration"), draft.settings.duration, clip.seconds)


def pair_findings(draft: Draft, model: Model, files: Mapping[MediaRole, KnownFile]) -> Iterator[Finding]:
    """What is unexpected about files that are sound each, taken together or with the clip's length."""
    yield from _open_to_all(draft)
    leading = files.get(MediaRole.FIRST_FRAME) or files.get(MediaRole.FIRST_CLIP)
    last = files.get(MediaRole.LAST_FRAME)
    if _is_loop(draft, leading, last):
        yield Finding(
            path=draft.path_of("last_frame"),
            what="the clip begins and ends on the same picture",
            fix="name another `last_frame`, unless a loop is wanted",
            severity=Severity.WARNING,
        )
    elif leading is not None and isinstance(last, Still):
        yield from shape_findings(draft.path_of("last_frame"), leading.facts, last.facts)
        yield from quotient_findings(draft.path_of("last_frame"), model, leading.facts.shown_px, last.facts.shown_px)
    sound, rules = files.get(MediaRole.DRIVING_AUDIO), model.recordings.get(MediaRole.DRIVING_AUDIO)
    if isinstance(sound, Recording) and rules is not None and rules.min_s <= sound.facts.seconds <= rules.max_s:
        yield from sound_findings(draft.path_of("driving_audio"), model, draft.settings.duration, sound.facts)


def _open_to_all(draft: Draft) -> Iterator[Finding]:
    for role, footage in draft.media.items():
        if isinstance(footage, RemoteFile) and footage.url.lower().startswith("http:"):
            yield Finding(
                path=draft.path_of(role),
                what=f"{_subject(role)} has a plain http address: it can be read and changed on its way to the service",
                expected="an address that starts with https://",
                fix="write `https://`; if the server has no https, save the file in the project and give its path",
                severity=Severity.WARNING,
            )


def _is_loop(draft: Draft, leading: KnownFile, last: KnownFile) -> bool:
    """Whether both frames are one picture, under whatever names."""
    if leading is not None and last is not None:
        return leading.sha256 == last.sha256
    named = draft.media.get(MediaRole.LAST_FRAME)
    return named is not None and named == draft.media.get(MediaRole.FIRST_FRAME)


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
    if still.alpha and not rules.alpha:
        is_known = rules.alpha is not None
        yield Finding(
            path=path,
            what=f"{subject} has an alpha channel (transparency)"
            + (f", which {model.name} does not accept" if is_known else f": what {model.name} makes of it is unknown"),
            expected="a picture without transparency",
            fix=f"{_verb(Verb.FLATTEN)}, or flatten it onto a background and save it again",
            severity=Severity.ERROR if is_known else Severity.WARNING,
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
            expected=f"{_sides_text(rules)} for {model.name}",
            fix=_other_size(noun, is_small=short < least),
        )
    elif isinstance(rules, FrameRules) and rules.safe_sides_px is not None:
        yield from _doubtful_sides(path, what, short, long, rules.safe_sides_px, model)
    if rules.max_aspect is not None and long > rules.max_aspect * short:
        yield Finding(
            path=path,
            what=f"{what}, which is too long and narrow",
            expected=f"one side at most {rules.max_aspect} times the other for {model.name}",
            fix="crop it",
        )


def _sides_text(rules: FrameRules | RecordingRules) -> str:
    """`each side 240 to 8,000 px`; some models bound only one end."""
    match rules.min_side_px, rules.max_side_px:
        case int(least), int(most):
            return f"each side {least:,} to {most:,} px"
        case int(least), None:
            return f"each side at least {least:,} px"
        case _, most:
            return f"each side at most {most:,} px"


def quotient_findings(
    path: DataPath, model: Model, first_px: tuple[int, int] | None, last_px: tuple[int, int] | None
) -> Iterator[Finding]:
    """Frames that the model wants to be of like size. Source: API reference of Vidu, pictures."""
    bounds = model.pixel_quotient
    if bounds is None or first_px is None or last_px is None:
        return
    (width, height), (last_width, last_height) = first_px, last_px
    quotient = Decimal(width * height) / Decimal(last_width * last_height)
    if not bounds[0] <= quotient <= bounds[1]:
        yield Finding(
            path=path,
            what=f"the frames differ in size: first {width}x{height} px, last {last_width}x{last_height} px, "
            f"{quotient:.2f} to 1 in pixels",
            expected=f"{bounds[0]} to {bounds[1]} times as many in the first as in the last for {model.name}",
            fix=f"scale the last frame to {width}x{height} px",
        )


def _doubtful_sides(
    path: DataPath, what: str, short: int, long: int, safe: tuple[int, int], model: Model
) -> Iterator[Finding]:
    """What one official page allows and another does not."""
    least, most = safe
    if short < least or long > most:
        yield Finding(
            path=path,
            what=f"{what}, which not all pages of the service's documentation allow for {model.name}",
            expected=f"each side {least:,} to {most:,} px, to be safe",
            fix="supply a larger picture" if short < least else "scale it down",
            severity=Severity.WARNING,
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
            what=f"{subject} is {_kind(recording)}, whatever its name says",
            expected=f"{listed(rules.formats)} for {model.name}",
            fix=_in_place_of(recording, rules),
        )
        return
    if recording.coding is not None:
        yield Finding(
            path=path,
            what=f"{subject} is a WAV that holds {recording.coding}, which the service may not read",
            expected="plain PCM in a WAV",
            fix="export it as WAV with 16-bit PCM, or as MP3",
            severity=Severity.WARNING,
        )
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


def clip_findings(path: DataPath, duration_s: int, clip_s: Decimal) -> Iterator[Finding]:
    """The duration counts the clip that is continued: what is left is new. Source: API reference, 3.2."""
    if clip_s >= duration_s:
        yield Finding(
            path=path,
            what=f"the duration of {duration_s} s includes the first clip, which alone lasts {clip_s:f} s",
            expected="a duration longer than the clip",
            fix=f"write `duration: {int(clip_s) + 1}` or more; every second is billed, those of the clip too",
        )


def continued_findings(draft: Draft, model: Model, clip_s: int) -> Iterator[Finding]:
    """What can be said of another shot's clip before it is rendered, by the length that it is asked for."""
    rules = model.recordings.get(MediaRole.FIRST_CLIP)
    if rules is not None and not rules.min_s <= clip_s <= rules.max_s:
        yield Finding(
            path=draft.path_of("first_clip"),
            what=f"the clip to continue lasts {clip_s} s",
            expected=f"{rules.min_s} to {rules.max_s} s for {model.name}",
            fix="change the `duration` of that shot",
        )
        return
    yield from clip_findings(draft.path_of("duration"), draft.settings.duration, Decimal(clip_s))


def sound_findings(path: DataPath, model: Model, duration_s: int, sound: RecordingFacts) -> Iterator[Finding]:
    """A sound that is longer than the clip is cut, a shorter one leaves silence. Source: API reference, 18.5, C8."""
    if abs(sound.seconds - duration_s) <= SOUND_TOLERANCE_S:
        return
    is_longer = sound.seconds > duration_s
    lengths = f"the driving audio lasts {sound.seconds:f} s, the clip {duration_s} s"
    fitting_s = math.ceil(sound.seconds) if is_longer else math.floor(sound.seconds)
    can_fit = fitting_s in model.durations_s
    yield Finding(
        path=path,
        what=f"{lengths}: the rest of the sound is cut off" if is_longer else f"{lengths}: the rest of it is silent",
        fix=("cut the sound" if is_longer else "supply a longer sound")
        + (f", or write `duration: {fitting_s}`" if can_fit else ""),
        severity=Severity.WARNING,
    )


def shape_findings(path: DataPath, first: StillFacts | RecordingFacts, last: StillFacts) -> Iterator[Finding]:
    """A last frame of another shape is cropped or stretched by the service: which of the two is not documented."""
    shown, last_shown = first.shown_px, last.shown_px
    if shown is None:
        return
    ratio = (shown[0] * last_shown[1]) / (shown[1] * last_shown[0])
    if abs(ratio - 1) > ASPECT_TOLERANCE:
        is_still = isinstance(first, StillFacts)
        who, name = ("the frames differ", "first") if is_still else ("the first clip and the last frame differ", "clip")
        yield Finding(
            path=path,
            what=(
                f"{who} in shape: {name} {shown[0]}x{shown[1]} px, "
                f"last {last_shown[0]}x{last_shown[1]} px; the clip takes the shape of the first"
            ),
            fix="crop both to one shape" if is_still else "crop the last frame to the shape of the clip",
            severity=Severity.WARNING,
        )


def _kind(recording: RecordingFacts) -> str:
    return f"{recording.format} sound" if recording.width_px is None else f"an {recording.format} video"


def _in_place_of(recording: RecordingFacts, rules: RecordingRules) -> str:
    """How to come from one kind of recording to another."""
    if rules.max_side_px is None:
        return f"export its sound as {listed(rules.formats)}"
    return "name a clip; a sound that a clip is to follow belongs into `driving_audio`, beside a `first_frame`"


def _subject(role: MediaRole) -> str:
    return f"the {role.replace('_', ' ')}"
