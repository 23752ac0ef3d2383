"""A timeline in OpenTimelineIO's JSON. Pure.

One video track, and one for sound where any clip has sound. The other takes of a shot are further media references of
its clip: an NLE can switch to them. Source: the schema documentation of OpenTimelineIO 0.17, "Serialized Data".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil
from typing import Any, Final

from kfpipe.review.footage import Clip
from kfpipe.review.formats import facts
from kfpipe.review.timeline import Cut, Slot, Timeline

CHOSEN: Final = "DEFAULT_MEDIA"
"""The key that every reader looks for."""

OtioObject = dict[str, Any]


def text(timeline: Timeline) -> str:
    """The file's text. Each clip keeps its own rate; what is on record is in its metadata under `kfpipe`.

    Raises Refused for shots that are too short for their dissolves.
    """
    timeline.check_overlap()
    spans = tuple(_spans(timeline))
    tracks = [_track("Video", _joined(timeline, [_noted(timeline, *span) for span in spans]))]
    if any(map(_has_sound, timeline.slots)):
        heard = [_item(timeline, slot, span, _has_sound(slot)) for slot, span in spans]
        tracks.append(_track("Audio", _joined(timeline, heard)))
    stack = _object("Stack.1", name="tracks", source_range=None, effects=[], markers=[], enabled=True, children=tracks)
    whole = _object("Timeline.1", name=timeline.title, global_start_time=None, tracks=stack)
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _spans(timeline: Timeline) -> Iterator[tuple[Slot, range]]:
    """The frames of each item, at its own rate. A dissolve lies around the cut: half of it on either side.

    What it shows of a clip beyond the cut is no part of the item, but still there to be shown.
    """
    lead_s, tail_s = (half / timeline.rate for half in _halves(timeline))
    for place, slot in enumerate(timeline.slots):
        rate, start = timeline.rate_of(slot), slot.clip.used.start if isinstance(slot, Cut) else 0
        first = start + (ceil(lead_s * rate) if place else 0)
        is_last = place == len(timeline.slots) - 1
        end = start + timeline.frames(slot) - (0 if is_last else ceil(tail_s * rate))
        yield slot, range(first, max(end, first))


def _halves(timeline: Timeline) -> tuple[int, int]:
    """How many frames of a dissolve lie before the cut, and how many after it."""
    return timeline.overlap // 2, timeline.overlap - timeline.overlap // 2


def _joined(timeline: Timeline, items: Sequence[OtioObject]) -> list[OtioObject]:
    """The items, with a dissolve between each two where the film has them."""
    if not timeline.overlap:
        return [*items]
    before, after = (_time(half, timeline.rate) for half in _halves(timeline))
    dissolve = _object(
        "Transition.1", name="dissolve", transition_type="SMPTE_Dissolve", in_offset=before, out_offset=after
    )
    return [part for item in items for part in (dissolve, item)][1:]


def _has_sound(slot: Slot) -> bool:
    return isinstance(slot, Cut) and slot.clip.entry.render.audio


def _track(kind: str, children: list[OtioObject]) -> OtioObject:
    return _object(
        "Track.1", name=kind, kind=kind, source_range=None, effects=[], markers=[], enabled=True, children=children
    )


def _noted(timeline: Timeline, slot: Slot, span: range) -> OtioObject:
    """The slot with a marker at its first frame: which take it is and its prompt, or why it is empty."""
    if isinstance(slot, Cut):
        name, color, comment = slot.clip.take.id, "GREEN", slot.clip.entry.asked.prompt
    else:
        name, color, comment = slot.shot_id, "RED", slot.reason
    start = _range(0, timeline.rate_of(slot), span.start if isinstance(slot, Cut) else 0)
    marker = _object("Marker.2", name=name, color=color, comment=comment, marked_range=start)
    return {**_item(timeline, slot, span, isinstance(slot, Cut)), "markers": [marker]}


def _item(timeline: Timeline, slot: Slot, span: range, filled: bool) -> OtioObject:
    length = _range(len(span), timeline.rate_of(slot), span.start if filled and isinstance(slot, Cut) else 0)
    common: OtioObject = {"name": slot.shot_id, "source_range": length, "effects": [], "markers": [], "enabled": True}
    if not (filled and isinstance(slot, Cut)):
        return _object("Gap.1", **common)
    return _object(
        "Clip.2",
        **common,
        metadata=_known(slot.clip),
        media_references={
            CHOSEN: _reference(slot.clip),
            **{clip.take.id: _reference(clip, metadata=_known(clip)) for clip in slot.others},
        },
        active_media_reference_key=CHOSEN,
    )


def _known(clip: Clip) -> OtioObject:
    return {"kfpipe": facts.of(clip)}


def _reference(clip: Clip, **more: Any) -> OtioObject:
    return _object(
        "ExternalReference.1",
        name=clip.take.id,
        available_range=_range(clip.frames, clip.rate),
        available_image_bounds=None,
        target_url=clip.url,
        **more,
    )


def _range(frames: int, rate: Fraction, start: int = 0) -> OtioObject:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, rate), "duration": _time(frames, rate)}


def _time(frames: int, rate: Fraction) -> OtioObject:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}


def _object(schema: str, **fields: Any) -> OtioObject:
    return {"OTIO_SCHEMA": schema, "metadata": {}, **fields}
