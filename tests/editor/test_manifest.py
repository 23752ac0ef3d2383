"""What an editor makes of the manifest's schema: completion, help and complaints, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe import catalogue
from kfpipe.manifest.schema.rules import schema_at
from tests.docs.pages import ROOT
from tests.editor.language_server import LanguageServer, Sheet

SHOT = "shots:\n  - id: kitten\n    "


def test_the_example_of_init_is_without_complaint(sheet: Sheet) -> None:
    assert sheet.complaints() == []


@pytest.mark.parametrize("path", sorted((ROOT / "manifests").glob("*.yaml")), ids=lambda path: path.name)
def test_the_manifests_to_copy_from_are_without_complaint(program: Path, path: Path) -> None:
    with LanguageServer(program, path.parent, {}) as server:
        sheet = Sheet(server, path)
        assert sheet.complaints() == []
        assert sheet.help("sh|ots: []\n").startswith("#### Shots\n")


def test_every_field_of_a_shot_is_offered_and_explained(sheet: Sheet) -> None:
    fields = schema_at(("shots", 0))["properties"].keys() - {"id"}
    offers = sheet.offers(f"{SHOT}|\n")
    assert offers.keys() == fields
    for name in fields:
        assert schema_at(("shots", 0, name))["description"] in str(offers[name]["documentation"])


def test_a_new_shot_begins_with_its_name(sheet: Sheet) -> None:
    assert sheet.offers("shots:\n  - |\n")["Shot"]["insertText"] == "id: "


@pytest.mark.parametrize("sheet", ["by a setting"], indirect=True)
def test_a_new_list_of_shots_holds_no_defaults_once_an_editor_is_set_up(sheet: Sheet) -> None:
    assert sheet.offers("|\n")["shots"]["insertText"] == "shots:\n  - id: "


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("model", [*catalogue.shipped().models, "wanx2.1-kf2v-plus", "wanx2.1-i2v-turbo", "wanx2.1-i2v-plus"]),
        ("resolution", ["360P", "480P", "540P", "720P", "768P", "1080P", "2K", "4K"]),
        ("watermark", ["false", "true"]),
        ("seed", ["42", "random"]),
    ],
)
def test_the_values_of_a_field_are_offered_and_null_last(sheet: Sheet, field: str, values: list[str]) -> None:
    assert list(sheet.offers(f"{SHOT}{field}: |\n")) == [*values, "null"]


def test_a_model_is_offered_with_what_it_makes(sheet: Sheet) -> None:
    offers = sheet.offers(f"{SHOT}model: |\n")
    assert offers["wan2.7-i2v"]["documentation"] == "First and last frame, 2 to 15 s, with sound."


def test_a_frame_is_a_file_first_or_a_picture_of_another_shot(sheet: Sheet) -> None:
    assert sheet.offers(f"{SHOT}|\n")["first_frame"]["insertText"] == "first_frame: "
    offers = sheet.offers(f"{SHOT}first_frame: |\n")
    assert next(iter(offers)) == "frames/kitten_a.png"
    assert "still: $1\n" in offers["{still: SHOT, frame: last}"]["insertText"]
    assert {"still", "render", "frame", "take"} <= sheet.offers(f"{SHOT}first_frame:\n      |\n").keys()
    assert list(sheet.offers(f"{SHOT}last_frame: {{still: walk, frame: |}}\n")) == ["first", "last"]


@pytest.mark.parametrize("place", [SHOT, "sequences:\n  - id: road\n    ", "sequences:\n  - shots:\n      - "])
def test_a_sound_is_a_file_first_or_a_slice_of_one(sheet: Sheet, place: str) -> None:
    offers = sheet.offers(f"{place}driving_audio: |\n")
    assert next(iter(offers)) == "sounds/voice.wav"
    snippet = offers["{file: PATH, start: SECONDS}"]["insertText"]
    assert "file: $1\n" in snippet
    assert "start: " in snippet
    deeper = " " * (len(place.rpartition("\n")[2]) + 2)
    assert sheet.offers(f"{place}driving_audio:\n{deeper}|\n").keys() >= {"file", "start"}
    assert sheet.help(f"{place}driving_audio: {{file: a.mp3, st|art: 1}}\n").startswith("#### Start\n")


@pytest.mark.parametrize("field", ["first_frame: a.png", "prompt: A cat.", "model: wan2.7-i2v", "matrix: {seed: [1]}"])
def test_a_field_under_the_mouse_is_explained(sheet: Sheet, field: str) -> None:
    schema = schema_at(("shots", 0, field.partition(":")[0]))
    shown = sheet.help(f"{SHOT}{field[0]}|{field[1:]}\n")
    assert shown.startswith(f"#### {schema['title']}\n")
    assert schema["description"].partition("`")[0].partition(";")[0] in shown
    assert "Example:" in shown


@pytest.mark.parametrize(
    ("slip", "complaint"),
    [
        ("model: wan9", "wan9: Value is not accepted. Valid values: "),
        (
            "resolution: 8K",
            '8K: Value is not accepted. Valid values: "360P", "480P", "540P", "720P", "768P", "1080P", ',
        ),
        ("resoluton: 720P", "resoluton: Property resoluton is not allowed."),
        ("duration: five", "five: Incorrect type. Expected one of integer, null."),
        ("seed: -1", "-1: Value is below the minimum of 0."),
        ("first_frame: {still: walk, frame: middle}", 'middle: Value is not accepted. Valid values: "first", "last".'),
        ("first_frame: {still: walk, side: last}", "side: Property side is not allowed."),
        ("driving_audio: {file: a.mp3, begin: 1}", "begin: Property begin is not allowed."),
        ("driving_audio: {file: a.mp3}", 'driving_audio: Missing property "start".'),
        ("prompt: {path: a.txt}", "path: Property path is not allowed."),
        ("tags: [black cat]", "black cat: letters and digits of any script, dots, hyphens and underscores"),
    ],
)
def test_a_typo_is_underlined_with_its_reason(sheet: Sheet, slip: str, complaint: str) -> None:
    assert any(told.startswith(complaint) for told in sheet.complaints(f"{SHOT}{slip}\n"))
