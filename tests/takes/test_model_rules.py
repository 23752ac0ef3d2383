"""What a model offers, at its very limits; the messages themselves stand in tests/manifest/broken_rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfpipe import catalogue
from kfpipe.catalogue import Model
from kfpipe.domain import MediaRole
from kfpipe.errors import Severity
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import LocalFile, RemoteFile, Shot, ShotSettings
from kfpipe.media.facts import StillFacts
from kfpipe.takes import expand, media_rules, model_rules
from kfpipe.takes.expand import Draft

CATALOGUE = catalogue.shipped()
WAN27 = CATALOGUE.models["wan2.7-i2v"]
KF2V = CATALOGUE.models["wan2.2-kf2v-flash"]
HERE = ("shots", 0, "first_frame")
FIRST = MediaRole.FIRST_FRAME
STILL = StillFacts(
    orientation=1,
    cmyk=False,
    format="PNG",
    mime_type="image/png",
    width_px=1280,
    height_px=720,
    size_bytes=1000,
    alpha=False,
    animated=False,
)


def draft(settings: ShotSettings | None = None, *, first: str | None = "a.png", last: str | None = "b.png") -> Draft:
    shot = Shot(
        id="kitten",
        path=("shots", 0),
        media={
            role: LocalFile(path=path)
            for role, path in ((MediaRole.FIRST_FRAME, first), (MediaRole.LAST_FRAME, last))
            if path is not None
        },
        settings=settings or ShotSettings(model="wan2.7-i2v"),
    )
    return expand.drafts(shot)[0][0]


def test_an_alias_leads_to_the_catalogues_own_name() -> None:
    chosen = model_rules.chosen_model(
        draft(ShotSettings(model="wanx2.1-kf2v-plus")), CATALOGUE, CATALOGUE.regions["beijing"]
    )
    assert isinstance(chosen, Model)
    assert chosen.name == "wan2.1-kf2v-plus"


def test_a_model_that_the_region_does_not_sell_is_refused() -> None:
    only_beijing = replace(WAN27, offers={"beijing": WAN27.offers["beijing"]})
    narrow = replace(CATALOGUE, models={"wan2.7-i2v": only_beijing, "wan2.2-kf2v-flash": KF2V})
    chosen = model_rules.chosen_model(draft(), narrow, CATALOGUE.regions["singapore"])
    assert isinstance(chosen, Finding)
    assert chosen.expected == "wan2.2-kf2v-flash"
    assert chosen.fix == "choose another model, or the region beijing"


@pytest.mark.parametrize(
    ("model", "duration", "fine"),
    [(WAN27, 1, False), (WAN27, 2, True), (WAN27, 15, True), (WAN27, 16, False), (KF2V, 5, True), (KF2V, 6, False)],
)
def test_a_duration_is_legal_up_to_its_limits(model: Model, duration: int, fine: bool) -> None:
    findings = list(model_rules.setting_findings(draft(ShotSettings(duration=duration)), model))
    assert (not findings) is fine


@pytest.mark.parametrize("resolution", ["1080p", "1080", " 1080P "])
def test_a_resolution_in_another_spelling_is_answered_with_the_right_one(resolution: str) -> None:
    (finding,) = model_rules.setting_findings(draft(ShotSettings(resolution=resolution)), WAN27)
    assert finding.fix == "write `resolution: 1080P`"


@pytest.mark.parametrize(("length", "fine"), [(800, True), (801, False)])
def test_a_prompt_is_counted_in_characters_not_in_bytes(length: int, fine: bool) -> None:
    findings = list(model_rules.prompt_findings(draft(), KF2V, "\u732b" * length, ""))
    assert (not findings) is fine


@pytest.mark.parametrize(("length", "fine"), [(500, True), (501, False)])
def test_a_negative_prompt_has_a_limit_of_its_own(length: int, fine: bool) -> None:
    findings = list(model_rules.prompt_findings(draft(), WAN27, "Up.", "x" * length))
    assert (not findings) is fine


def test_an_empty_prompt_is_legal_and_worth_a_word() -> None:
    (finding,) = model_rules.prompt_findings(draft(), WAN27, "", "")
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("first", "last", "model", "missing"),
    [
        ("a.png", None, WAN27, []),
        ("a.png", None, KF2V, ["last_frame"]),
        (None, "b.png", WAN27, ["first_frame"]),
        (None, None, KF2V, ["first_frame", "last_frame"]),
    ],
)
def test_frames_are_demanded_as_the_model_needs_them(
    first: str | None, last: str | None, model: Model, missing: list[str]
) -> None:
    findings = model_rules.media_findings(draft(first=first, last=last), model)
    assert [finding.path[-1] for finding in findings] == missing


@pytest.mark.parametrize(
    ("model", "width_px", "height_px", "fine"),
    [
        (WAN27, 240, 240, True),
        (WAN27, 239, 240, False),
        (WAN27, 8000, 1000, True),
        (WAN27, 8001, 4000, False),
        (WAN27, 1921, 240, False),
        (WAN27, 1920, 240, True),
        (KF2V, 360, 2000, True),
        (KF2V, 240, 8000, True),
        (KF2V, 239, 2000, False),
        (KF2V, 360, 8001, False),
    ],
)
def test_sides_are_legal_up_to_their_limits(model: Model, width_px: int, height_px: int, fine: bool) -> None:
    still = replace(STILL, width_px=width_px, height_px=height_px)
    findings = media_rules.still_findings(HERE, model, FIRST, still)
    assert (not any(finding.severity is Severity.ERROR for finding in findings)) is fine


@pytest.mark.parametrize(
    ("model", "width_px", "height_px", "sure"),
    [
        (KF2V, 360, 2000, True),
        (KF2V, 359, 2000, False),
        (KF2V, 360, 2001, False),
        (WAN27, 240, 240, True),
        (WAN27, 8000, 1000, True),
    ],
)
def test_sides_that_only_some_official_pages_allow_are_worth_a_word(
    model: Model, width_px: int, height_px: int, sure: bool
) -> None:
    still = replace(STILL, width_px=width_px, height_px=height_px)
    found = [finding.severity for finding in media_rules.still_findings(HERE, model, FIRST, still)]
    assert found == ([] if sure else [Severity.WARNING])


@pytest.mark.parametrize(
    ("model", "size_bytes", "fine"),
    [
        (WAN27, 20 * 2**20, True),
        (WAN27, 20 * 2**20 + 1, False),
        (KF2V, 10 * 2**20, True),
        (KF2V, 10 * 2**20 + 1, False),
    ],
)
def test_bytes_are_legal_up_to_their_limits(model: Model, size_bytes: int, fine: bool) -> None:
    still = replace(STILL, size_bytes=size_bytes)
    assert (not list(media_rules.still_findings(HERE, model, FIRST, still))) is fine


@pytest.mark.parametrize(
    ("kind", "fine"), [("JPEG", True), ("WEBP", True), ("BMP", True), ("GIF", False), ("TIFF", False)]
)
def test_formats_are_those_of_the_service(kind: str, fine: bool) -> None:
    assert (not list(media_rules.still_findings(HERE, WAN27, FIRST, replace(STILL, format=kind)))) is fine


@pytest.mark.parametrize(("width_px", "fine"), [(1280, True), (1300, True), (1310, False), (1250, False)])
def test_frames_may_differ_in_shape_by_two_percent(width_px: int, fine: bool) -> None:
    findings = list(media_rules.shape_findings(HERE, STILL, replace(STILL, width_px=width_px)))
    assert (not findings) is fine
    assert {finding.severity for finding in findings} <= {Severity.WARNING}


def test_frames_of_one_shape_in_two_sizes_are_fine() -> None:
    assert not list(media_rules.shape_findings(HERE, STILL, replace(STILL, width_px=1920, height_px=1080)))


def test_a_remote_frame_is_a_frame() -> None:
    shot = Shot(
        id="kitten", path=("shots", 0), media={MediaRole.FIRST_FRAME: RemoteFile(url="https://example.com/a.png")}
    )
    assert not list(model_rules.media_findings(expand.drafts(shot)[0][0], WAN27))
