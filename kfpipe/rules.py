"""What the chosen model and region offer, asked of one draft at a time.

The service answers a wrong request with a failed task minutes later, and cuts an over-long prompt without a word;
here the same is said before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfpipe.catalogue import Catalogue, Dialect, Model, Region
from kfpipe.errors import Severity
from kfpipe.expand import Draft
from kfpipe.findings import Finding, did_you_mean
from kfpipe.frames import StillFacts
from kfpipe.wording import echoed, listed

ASPECT_TOLERANCE = 0.02
"""Frames of one shape to the eye: rounding to whole pixels stays well below it."""


def chosen_model(draft: Draft, catalogue: Catalogue, region: Region) -> Model | Finding:
    """The model that the draft asks for, as the catalogue knows it, or why it cannot be had."""
    name = draft.settings.model
    path = draft.path_of("model")
    offered = [model.name for model in catalogue.models.values() if region.name in model.offers]
    if name is None:
        return Finding(
            path=path,
            what="no model is chosen",
            expected=f"`model`: {listed(offered)}",
            fix=f"add `model: {offered[0]}` to the shot, or to `defaults` for all shots",
        )
    model = catalogue.model(name)
    if model is None:
        return Finding(
            path=path,
            what=f"the model {echoed(name)} is not known",
            expected=listed(offered),
            fix=did_you_mean(name, offered, "choose one of these; `kfpipe models` shows what each can do"),
        )
    if region.name not in model.offers:
        return Finding(
            path=path,
            what=f"the model {model.name} is not offered in the region {region.name}",
            expected=listed(offered),
            fix=f"choose another model, or the region {listed(sorted(model.offers))}",
        )
    return model


def setting_findings(draft: Draft, model: Model) -> Iterator[Finding]:
    """Resolution and duration, against what the model makes."""
    settings = draft.settings
    if settings.resolution not in model.resolutions:
        yield Finding(
            path=draft.path_of("resolution"),
            what=f"the resolution {echoed(settings.resolution)} is not offered by {model.name}",
            expected=listed(model.resolutions),
            fix=_assignment(draft, "resolution", _nearest(settings.resolution, model.resolutions)),
        )
    if not model.min_duration_s <= settings.duration <= model.max_duration_s:
        fixed = model.min_duration_s == model.max_duration_s
        yield Finding(
            path=draft.path_of("duration"),
            what=f"a clip of {settings.duration} s cannot be made by {model.name}",
            expected=f"{model.min_duration_s} s" if fixed else f"{model.min_duration_s} to {model.max_duration_s} s",
            fix=_assignment(draft, "duration", min(max(settings.duration, model.min_duration_s), model.max_duration_s)),
        )


def _nearest(resolution: str, offered: tuple[str, ...]) -> str:
    """`1080p` and `1080` are meant well; for all else the cheapest that is offered."""
    digits = resolution.strip().upper().removesuffix("P")
    return next((known for known in offered if known.removesuffix("P") == digits), offered[0])


def _assignment(draft: Draft, name: str, value: object) -> str:
    """How to write the value, and where it would go when the present one is inherited."""
    inherited = name in draft.shot.inherited and name not in draft.cell.values
    return f"write `{name}: {value}`{' in this shot' if inherited else ''}"


def prompt_findings(draft: Draft, model: Model, prompt: str, negative_prompt: str) -> Iterator[Finding]:
    """Length after templating, in characters as the service counts them: one for each letter or ideograph."""
    limits = (
        ("prompt", prompt, model.prompt_limit_chars),
        ("negative_prompt", negative_prompt, model.negative_prompt_limit_chars),
    )
    for name, text, limit in limits:
        if len(text) > limit:
            yield Finding(
                path=draft.path_of(name),
                what=f"the {name.replace('_', ' ')} has {len(text):,} characters once its variables are filled in",
                expected=f"at most {limit:,} for {model.name}",
                fix=f"shorten it by {len(text) - limit:,}: the service would cut the end off, and bill the clip",
            )
    if not prompt:
        yield Finding(
            path=draft.path_of("prompt"),
            what="there is no prompt: the service invents the movement between the frames",
            fix="describe what happens, like `prompt: The camera rises while the kitten looks up.`",
            severity=Severity.WARNING,
        )


def missing_frame_findings(draft: Draft, model: Model) -> Iterator[Finding]:
    """Frames that the model cannot do without. Source: API reference, 3.2 and 3.3."""
    shot = draft.shot
    if shot.first_frame is None and "first_frame" not in shot.refused:
        yield Finding(
            path=draft.path_of("first_frame"),
            what="there is no first frame",
            expected="`first_frame`: the picture that the clip starts with",
            fix="add a line like `first_frame: frames/a.png`",
        )
    if shot.last_frame is None and "last_frame" not in shot.refused and model.dialect is Dialect.KEYFRAMES:
        yield Finding(
            path=draft.path_of("last_frame"),
            what=f"there is no last frame, and {model.name} needs both",
            expected="`last_frame`: the picture that the clip ends with",
            fix="add a line like `last_frame: frames/b.png`, or choose wan2.7-i2v, which can do without",
        )


def still_findings(draft: Draft, model: Model, name: str, still: StillFacts) -> Iterator[Finding]:
    """What the service would refuse about a still. `name` is the field: first_frame or last_frame."""
    path = draft.path_of(name)
    rules = model.frames
    subject = f"the {name.replace('_', ' ')}"
    if still.format not in rules.formats:
        yield Finding(
            path=path,
            what=f"{subject} is a {still.format} picture, whatever its name says",
            expected=listed(rules.formats),
            fix="save it as PNG or JPEG",
        )
    if still.animated:
        yield Finding(path=path, what=f"{subject} is an animation", expected="one picture", fix="save one frame of it")
    if still.alpha:
        yield Finding(
            path=path,
            what=f"{subject} has an alpha channel (transparency), which {model.name} does not take",
            expected="a picture without transparency",
            fix="flatten it onto a background and save it again",
        )
    if still.size_bytes > rules.max_size_bytes:
        yield Finding(
            path=path,
            what=f"{subject} is {still.size_bytes / 2**20:.1f} MB large",
            expected=f"at most {rules.max_size_bytes // 2**20} MB for {model.name}",
            fix="save it as JPEG, or scale it down",
        )
    yield from _side_findings(draft, model, name, still)


def _side_findings(draft: Draft, model: Model, name: str, still: StillFacts) -> Iterator[Finding]:
    rules = model.frames
    short, long = sorted((still.width_px, still.height_px))
    what = f"the {name.replace('_', ' ')} is {still.width_px}x{still.height_px} px"
    if short < rules.min_side_px or long > rules.max_side_px:
        yield Finding(
            path=draft.path_of(name),
            what=what,
            expected=f"each side {rules.min_side_px:,} to {rules.max_side_px:,} px for {model.name}",
            fix="supply a larger picture" if short < rules.min_side_px else "scale it down",
        )
    if rules.max_aspect is not None and long > rules.max_aspect * short:
        yield Finding(
            path=draft.path_of(name),
            what=f"{what}, which is too long and narrow",
            expected=f"one side at most {rules.max_aspect} times the other for {model.name}",
            fix="crop it",
        )


def shape_findings(draft: Draft, first: StillFacts, last: StillFacts) -> Iterator[Finding]:
    """A last frame of another shape is cropped or stretched by the service: it says nowhere which."""
    ratio = (first.width_px * last.height_px) / (first.height_px * last.width_px)
    if abs(ratio - 1) > ASPECT_TOLERANCE:
        yield Finding(
            path=draft.path_of("last_frame"),
            what=(
                f"the frames differ in shape: first {first.width_px}x{first.height_px} px, "
                f"last {last.width_px}x{last.height_px} px; the clip takes the shape of the first"
            ),
            fix="crop both to one shape",
            severity=Severity.WARNING,
        )
