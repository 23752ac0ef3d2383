"""What is asked for that a model does not have: sound or silence, a seed, rewriting, a mark.

Where the shot itself says it, that is an error; what holds for many shots is merely not sent to this model. Sound is
an error in either case: the clip would be another one than was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kfpipe.catalogue import Model, Offer, Setting
from kfpipe.domain import MediaRole
from kfpipe.errors import Severity
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import SeedChoice
from kfpipe.takes.expand import Draft
from kfpipe.wording import listed


def findings(draft: Draft, model: Model, others: Iterable[Model] = ()) -> Iterator[Finding]:
    """What the model lacks; `others` are the models to be recommended instead."""
    yield from _sound_findings(draft, model, others)
    if draft.settings.seed is not SeedChoice.DERIVED and not model.has_seed:
        fix = "delete it; to get several clips, vary a name of your own in the matrix, like `variant: [1, 2]`"
        yield unwanted(draft, model, "seed", "a seed: no clip of it can be asked for a second time", fix)
    elif isinstance(draft.settings.seed, int) and draft.settings.seed < model.least_seed:
        yield Finding(
            path=draft.path_of("seed"),
            what=f"the seed {draft.settings.seed} may stand for a random one at {model.name}",
            expected=f"a seed of {model.least_seed} or more",
            fix=f"write `seed: {model.least_seed}`",
        )
    if draft.settings.prompt_extend and Setting.PROMPT_EXTEND not in model.parameters:
        yield unwanted(draft, model, "prompt_extend", "`prompt_extend`", "delete it, or write `prompt_extend: false`")
    if draft.settings.watermark and Setting.WATERMARK not in model.parameters:
        yield unwanted(draft, model, "watermark", "`watermark`", "delete it, or write `watermark: false`")


def unwanted(draft: Draft, model: Model, name: str, thing: str, fix: str) -> Finding:
    """An error where the shot itself says it; what it inherits is told, and not sent."""
    what = f"{model.name} does not have {thing}"
    if is_inherited(draft, name):
        return Finding(
            path=draft.path_of(name),
            what=f"{what}: this one is not sent to it",
            fix=f"write `models: {{{model.name}: {{{name}: null}}}}`, or delete it if no other model needs it",
            severity=Severity.WARNING,
        )
    return Finding(path=draft.path_of(name), what=what, fix=fix)


def is_inherited(draft: Draft, name: str) -> bool:
    """Whether the field holds for many shots: neither the shot nor its matrix says it."""
    return draft.shot.inherits(name) and name not in draft.cell.values


def _sound_findings(draft: Draft, model: Model, others: Iterable[Model]) -> Iterator[Finding]:
    said, path = draft.settings.audio, draft.path_of("audio")
    null = f", or write `models: {{{model.name}: {{audio: null}}}}`" if is_inherited(draft, "audio") else ""
    if said is False and model.sound and not model.audio_choice:
        yield Finding(
            path=path,
            what=f"{model.name} always makes sound",
            expected="`audio: true`",
            fix=f"delete the line{null}; the sound can be removed from the finished clip",
        )
    elif said and not model.sound:
        able = [other.name for other in others if other.sound and _takes(other, draft)]
        yield Finding(
            path=path,
            what=f"{model.name} makes no sound",
            expected="`audio: false`",
            fix=f"delete the line{null}" + (f", or choose a model that makes sound, like {able[0]}" if able else ""),
        )
    elif said is False and model.audio_choice and MediaRole.DRIVING_AUDIO in draft.media:
        yield Finding(
            path=path,
            what="`driving_audio` would not be heard: `audio` is false",
            expected="`audio: true`",
            fix="delete one of the two lines",
        )


def _takes(model: Model, draft: Draft) -> bool:
    return any(combination >= draft.media.keys() for combination in model.combinations)


def sound_of(draft: Draft, model: Model, offer: Offer) -> bool:
    """Whether the clip has sound. Where nothing is said: if it costs nothing more, or the clip is to follow a sound."""
    if not model.audio_choice:
        return model.sound
    if draft.settings.audio is not None:
        return draft.settings.audio
    return MediaRole.DRIVING_AUDIO in draft.media or not offer.charges_for_sound(draft.settings.resolution)


def unsaid_sound(draft: Draft, model: Model, offer: Offer, currency: str) -> Finding | None:
    """A word on a price that depends on what nobody has said; None where it does not."""
    resolution = draft.settings.resolution
    is_said = draft.settings.audio is not None or MediaRole.DRIVING_AUDIO in draft.media
    if is_said or not model.audio_choice or not offer.charges_for_sound(resolution):
        return None
    silent, loud = offer.prices.get(resolution), offer.prices_with_sound[resolution]
    prices = listed([f"{silent} without sound", f"{loud} with it"], "and")
    return Finding(
        path=draft.path_of("model"),
        what=f"the price of {model.name} depends on sound, and `audio` is not given: {resolution} costs {prices} "
        f"({currency} per second), and the clip is silent",
        expected="`audio: true` or `audio: false`",
        fix="write `audio: false`, or `audio: true` and pay for the sound",
        severity=Severity.WARNING,
    )
