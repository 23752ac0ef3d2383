"""What is handed over to an editor, read back by the programs that it is made for."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kfpipe.domain import Trim
from kfpipe.errors import Refused
from kfpipe.review import formats, timeline
from kfpipe.review.formats import Format
from kfpipe.review.timeline import Timeline
from tests.support.makers import record, render, rendered, request, result, shots, take

DAY, NIGHT, NOON = take("day"), take("night@seed=1"), take("noon", tags=("hero",))
OTHER = take("night@seed=2")


def film(title: str = "Film", prompt: str = "A kitten looks up.", **of_day: Any) -> Timeline:
    """Day, night in two takes of which the first is picked, and noon, which has no clip."""
    day = take("day", request=request(prompt=prompt), tags=("hero", "cat"))
    entries = {
        DAY: rendered(day, of_render=render("renders/day.mp4", **of_day)),
        NIGHT: rendered(NIGHT, of_render=render("renders/night@seed=1.mp4", sha256="ab" * 32, audio=False)),
        OTHER: rendered(OTHER, of_render=render("renders/night@seed=2.mp4")),
    }
    lock = {of.id: record(entry, picked=of is NIGHT, picked_earlier=of is NIGHT) for of, entry in entries.items()}
    return timeline.make(title, shots(*((of, lock.get(of.id)) for of in (day, NIGHT, OTHER, NOON))))


def read_back(text: str, adapter: str, **how: Any) -> Any:
    otio = pytest.importorskip("opentimelineio", reason="it has no wheel for this Python")
    return otio.adapters.read_from_string(text, adapter, **how)


def span(item: Any) -> tuple[float, float, float]:
    """Where an item lies in its track, and its rate."""
    within = item.range_in_parent()
    return within.start_time.value, within.duration.value, within.duration.rate


# ---- OpenTimelineIO ------------------------------------------------------------------------------------------------


def test_otio_holds_every_shot_in_its_place_to_the_frame() -> None:
    read = read_back(formats.text(film(duration_s=Decimal("4.033")), Format.OTIO), "otio_json")
    picture, sound = read.tracks
    assert (read.name, picture.kind, sound.kind) == ("Film", "Video", "Audio")
    assert [(type(item).__name__, item.name, span(item)) for item in picture] == [
        ("Clip", "day", (0, 121, 30)),
        ("Clip", "night", (121, 150, 30)),
        ("Gap", "noon", (271, 150, 30)),
    ]
    assert [(type(item).__name__, span(item)) for item in sound] == [
        ("Clip", (0, 121, 30)),
        ("Gap", (121, 150, 30)),
        ("Gap", (271, 150, 30)),
    ]


def test_otio_leads_to_the_files_of_all_takes() -> None:
    night = read_back(formats.text(film(), Format.OTIO), "otio_json").tracks[0][1]
    assert night.media_reference.target_url == "renders/night@seed=1.mp4"
    assert night.media_reference.available_range == night.source_range
    (other,) = (found for key, found in night.media_references().items() if key == "night@seed=2")
    assert other.target_url == "renders/night@seed=2.mp4"
    assert other.metadata["kfpipe"]["take"] == "night@seed=2"


def test_otio_shows_what_is_on_record() -> None:
    day, _, noon = read_back(formats.text(film(), Format.OTIO), "otio_json").tracks[0]
    known = day.metadata["kfpipe"]
    assert (known["take"], known["task_id"], known["seed"], known["model"]) == ("day", "task-1", 7, "wan2.7-i2v")
    assert (known["cost"], known["currency"]) == ("0.50", "USD")
    assert [(marker.name, marker.comment) for marker in day.markers] == [("day", "A kitten looks up.")]
    assert [marker.comment for marker in noon.markers] == ["it has no clip: it was never rendered"]


def test_otio_keeps_clips_of_different_rates() -> None:
    read = read_back(formats.text(film(fps=Decimal(24)), Format.OTIO), "otio_json")
    assert [span(item)[1:] for item in read.tracks[0]] == [(120, 24), (150, 30), (120, 24)]


def test_a_path_in_otio_cannot_be_taken_for_an_address() -> None:
    shown = film()
    odd = replace(shown.cuts[0], clip=replace(shown.cuts[0].clip, path="javascript:a b#c?d%20.mp4"))
    text = formats.text(replace(shown, slots=(odd,)), Format.OTIO)
    clip = json.loads(text)["tracks"]["children"][0]["children"][0]
    assert clip["media_references"]["DEFAULT_MEDIA"]["target_url"] == "javascript%3Aa%20b%23c%3Fd%2520.mp4"


# ---- trims ---------------------------------------------------------------------------------------------------------


def trimmed() -> Timeline:
    """Day without its first half second and its last second, and noon, which has no clip, to its third second."""
    day = take("day", trim=Trim(start_s=Decimal("0.5"), end_s=Decimal(4)), notes="Calmer.")
    noon = take("noon", trim=Trim(end_s=Decimal("2.5")))
    clip = record(rendered(day, of_render=render("renders/day.mp4")))
    return timeline.make("Film", shots((day, clip), (noon, None)))


def test_a_trim_is_the_in_and_out_point_of_otio() -> None:
    day, noon = json.loads(formats.text(trimmed(), Format.OTIO))["tracks"]["children"][0]["children"]
    assert [day["source_range"][end]["value"] for end in ("start_time", "duration")] == [15, 105]
    assert day["media_references"]["DEFAULT_MEDIA"]["available_range"]["duration"]["value"] == 150
    assert noon["source_range"]["duration"]["value"] == 75
    assert day["metadata"]["kfpipe"]["notes"] == "Calmer."


def test_a_trim_is_the_source_of_an_edl_event() -> None:
    lines = formats.text(trimmed(), Format.EDL).splitlines()
    assert lines[3].endswith("00:00:00:15 00:00:04:00 01:00:00:00 01:00:03:15")
    assert lines[7].endswith("00:00:00:00 00:00:02:15 01:00:03:15 01:00:06:00")


def test_a_trim_bounds_a_clip_for_ffmpeg_and_for_a_spreadsheet() -> None:
    lines = formats.text(trimmed(), Format.FFCONCAT).splitlines()
    assert lines[1:] == ["file 'renders/day.mp4'", "inpoint 0.500000", "outpoint 4.000000"]
    day, noon = csv.DictReader(io.StringIO(formats.text(trimmed(), Format.CSV)))
    assert (day["frames"], day["in_frame"], day["out_frame"], day["notes"]) == ("105", "15", "120", "Calmer.")
    assert (noon["start"], noon["seconds"]) == ("00:00:03:15", "2.5")


def test_a_clip_that_is_shorter_than_its_trim_keeps_a_frame() -> None:
    late = take("day", trim=Trim(start_s=Decimal(8), end_s=Decimal(9)))
    made = timeline.make("Film", shots((late, record(rendered(late, of_render=render("renders/day.mp4"))))))
    assert made.cuts[0].clip.used == range(149, 150)


# ---- dissolves -----------------------------------------------------------------------------------------------------


def dissolving(seconds: str = "0.5", **of_day: Any) -> Timeline:
    """Day, trimmed at both ends, night, and noon, which has no clip; each dissolves into the next."""
    day = take("day", trim=Trim(start_s=Decimal("0.5"), end_s=Decimal(4)))
    entries = (
        rendered(day, of_render=render("renders/day.mp4", **of_day)),
        rendered(NIGHT, of_render=render("renders/night@seed=1.mp4")),
    )
    pairs = ((day, record(entries[0])), (NIGHT, record(entries[1])), (NOON, None))
    return timeline.make("Film", shots(*pairs), overlap_s=Decimal(seconds))


@pytest.mark.parametrize(("seconds", "before", "after"), [("0.5", 7, 8), ("0.1", 1, 2), ("1", 15, 15)])
def test_otio_dissolves_as_the_film_does_and_keeps_every_picture(seconds: str, before: int, after: int) -> None:
    film = dissolving(seconds)
    picture, sound = read_back(formats.text(film, Format.OTIO), "otio_json").tracks
    day, into_night, night, into_noon, _ = picture
    assert picture.duration().value == sound.duration().value == 105 + 150 + 150 - 2 * (before + after)
    assert film.seconds * 30 == picture.duration().value
    for dissolve in (into_night, into_noon, *(sound[place] for place in (1, 3))):
        assert dissolve.transition_type == "SMPTE_Dissolve"
        assert (dissolve.in_offset.value, dissolve.out_offset.value) == (before, after)
    # What a dissolve shows of a clip beyond the cut is just the rest of what the film takes of it.
    ranges = [
        (item.source_range.start_time.value, item.source_range.end_time_exclusive().value) for item in picture[::2]
    ]
    assert ranges == [(15, 120 - after), (before, 150 - after), (0, 150 - before)]
    assert [item.source_range for item in sound[:3:2]] == [day.source_range, night.source_range]


def test_an_edl_dissolves_as_the_film_does() -> None:
    assert formats.text(dissolving(), Format.EDL).splitlines()[3:] == [
        "001  CCCCCCCC B     C        00:00:00:15 00:00:03:15 01:00:00:00 01:00:03:00",
        "* FROM CLIP NAME: day.mp4",
        "* FROM CLIP: renders/day.mp4",
        "* COMMENT: wan2.7-i2v, task task-1",
        "002  CCCCCCCC B     C        00:00:03:15 00:00:03:15 01:00:03:00 01:00:03:00",
        "002  CCCCCCCC B     D    015 00:00:00:00 00:00:04:15 01:00:03:00 01:00:07:15",
        "* FROM CLIP NAME: day.mp4",
        "* TO CLIP NAME: night@seed=1.mp4",
        "* TO CLIP: renders/night@seed=1.mp4",
        "* COMMENT: wan2.7-i2v, task task-1",
        "003  CCCCCCCC V     C        00:00:04:15 00:00:04:15 01:00:07:15 01:00:07:15",
        "003  BL       V     D    015 00:00:00:00 00:00:05:00 01:00:07:15 01:00:12:15",
        "* FROM CLIP NAME: night@seed=1.mp4",
        "* COMMENT: noon: it has no clip: it was never rendered",
    ]


def test_the_dissolves_of_an_edl_are_read_to_the_frame() -> None:
    film = dissolving()
    (track, *_) = read_back(formats.text(film, Format.EDL), "cmx_3600", rate=30).tracks
    day, into_night, night, into_noon, _ = track
    assert [type(one).__name__ for one in (into_night, into_noon)] == ["Transition", "Transition"]
    for dissolve in (into_night, into_noon):
        assert (dissolve.in_offset + dissolve.out_offset).value == 15
    assert (day.name, night.name, track.duration().value) == ("day.mp4", "night@seed=1.mp4", film.seconds * 30)


@pytest.mark.parametrize("wanted", [Format.OTIO, Format.EDL])
def test_shots_that_are_too_short_for_their_dissolves_are_refused_by_name(wanted: Format) -> None:
    with pytest.raises(Refused, match="'night@seed=1' lasts 5 s in the film: too short to dissolve 3 s at both ends"):
        formats.text(dissolving("3"), wanted)


def test_an_edl_counts_no_dissolve_beyond_its_numbers() -> None:
    with pytest.raises(Refused, match="an EDL holds dissolves of 255 frames, and these would have 300"):
        formats.text(dissolving("10", duration_s=Decimal(60)), Format.EDL)


def test_a_sheet_begins_each_shot_where_it_is_first_seen() -> None:
    rows = csv.DictReader(io.StringIO(formats.text(dissolving(), Format.CSV)))
    assert [row["start"] for row in rows] == ["00:00:00:00", "00:00:03:00", "00:00:07:15"]


# ---- EDL -----------------------------------------------------------------------------------------------------------


def test_an_edl_is_the_list_that_editing_systems_know() -> None:
    assert formats.text(film(), Format.EDL).splitlines() == [
        "TITLE: Film",
        "FCM: NON-DROP FRAME",
        "",
        "001  CCCCCCCC B     C        00:00:00:00 00:00:05:00 01:00:00:00 01:00:05:00",
        "* FROM CLIP NAME: day.mp4",
        "* FROM CLIP: renders/day.mp4",
        "* COMMENT: wan2.7-i2v, task task-1",
        "002  ABABABAB V     C        00:00:00:00 00:00:05:00 01:00:05:00 01:00:10:00",
        "* FROM CLIP NAME: night@seed=1.mp4",
        "* FROM CLIP: renders/night@seed=1.mp4",
        "* COMMENT: wan2.7-i2v, task task-1",
        "003  BL       V     C        00:00:00:00 00:00:05:00 01:00:10:00 01:00:15:00",
        "* COMMENT: noon: it has no clip: it was never rendered",
    ]


def test_an_edl_is_read_to_the_frame() -> None:
    read = read_back(formats.text(film(duration_s=Decimal("4.033")), Format.EDL), "cmx_3600", rate=30)
    picture = read.tracks[0]
    assert [span(clip) for clip in picture] == [(0, 121, 30), (121, 150, 30), (271, 150, 30)]
    assert [clip.name for clip in picture][:2] == ["day.mp4", "night@seed=1.mp4"]
    assert picture[0].media_reference.target_url == "renders/day.mp4"


def test_an_edl_counts_broadcast_rates_without_dropping_frames() -> None:
    shown = film(fps=Decimal("29.970"), duration_s=Decimal("5.005"))
    text = formats.text(replace(shown, slots=shown.slots[:1]), Format.EDL)
    assert "00:00:00:00 00:00:05:00 01:00:00:00 01:00:05:00" in text


def test_an_edl_has_one_rate() -> None:
    with pytest.raises(Refused, match="day has 24 frames per second, night@seed=1 has 30"):
        formats.text(film(fps=Decimal(24)), Format.EDL)


def test_an_edl_ends_with_its_numbers() -> None:
    shown = film()
    with pytest.raises(Refused, match="an EDL holds 999 events, and this one would have 1,000"):
        formats.text(replace(shown, slots=shown.slots[:1] * 1000), Format.EDL)


def test_no_text_starts_a_line_of_its_own_in_an_edl() -> None:
    text = formats.text(film(title="Film\n001  AX\u2028V C"), Format.EDL)
    assert text.splitlines()[0] == "TITLE: Film 001  AX V C"


# ---- CSV, FFmpeg ---------------------------------------------------------------------------------------------------


def test_a_sheet_has_a_row_for_each_shot() -> None:
    day, night, noon = csv.DictReader(io.StringIO(formats.text(film(), Format.CSV)))
    assert (day["take"], day["start"], day["frames"], day["tags"]) == ("day", "00:00:00:00", "150", "hero cat")
    assert (night["start"], night["picked"], night["others"]) == ("00:00:05:00", "yes", "night@seed=2")
    assert (day["picked_earlier"], night["picked_earlier"]) == ("", "yes")
    assert (noon["take"], noon["gap"]) == ("", "it has no clip: it was never rendered")


@pytest.mark.parametrize("begins", "=+-@")
def test_no_cell_of_a_sheet_is_a_formula(begins: str) -> None:
    (day, *_) = csv.DictReader(io.StringIO(formats.text(film(prompt=f"{begins}HYPERLINK(A1)"), Format.CSV)))
    assert day["prompt"] == f"'{begins}HYPERLINK(A1)"


def test_a_list_for_ffmpeg_names_the_clips() -> None:
    shown = film(audio=False)
    quoted = replace(shown.cuts[0], clip=replace(shown.cuts[0].clip, path="it's/day.mp4"))
    assert formats.text(replace(shown, slots=(quoted, *shown.slots[1:])), Format.FFCONCAT).splitlines() == [
        "ffconcat version 1.0",
        r"file 'it'\''s/day.mp4'",
        "file 'renders/night@seed=1.mp4'",
    ]


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ({"width_px": 640, "height_px": 360}, ["size", "640x360 (day)", "1280x720 (night@seed=1)"]),
        ({"fps": Decimal(24)}, ["frame rate", "24 per second (day)"]),
        ({"audio": True}, ["kind of sound", "sound (day)", "no sound (night@seed=1)"]),
        ({"codec": "hevc"}, ["codec", "hevc (day)"]),
    ],
)
def test_clips_that_ffmpeg_would_garble_are_refused(odd: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(Refused) as refusal:
        formats.text(film(**{"audio": False, **odd}), Format.FFCONCAT)
    (problem,) = refusal.value.problems
    assert all(words in problem.what for words in told), problem.what


@pytest.mark.parametrize("wanted", Format)
def test_a_price_that_nobody_knows_is_left_open(wanted: Format) -> None:
    shown = film()
    cut = shown.cuts[0]
    free = replace(cut, clip=replace(cut.clip, entry=replace(cut.clip.entry, result=result(cost=None))))
    assert "None" not in formats.text(replace(shown, slots=(free,)), wanted)
