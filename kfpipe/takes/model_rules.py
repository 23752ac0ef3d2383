"""What the chosen model and region offer, asked of one draft at a time.

The service answers a wrong request with a failed task minutes later, and cuts an over-long prompt without notice;
here the same is reported before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from kfpipe.catalogue import Catalogue, Model, Region
from kfpipe.domain import EMULATOR_REGION, MediaRole
from kfpipe.errors import Severity
from kfpipe.manifest.document.finding import Finding
from kfpipe.takes import lacks
from kfpipe.takes.blame import profile_of
from kfpipe.takes.expand import Draft
from kfpipe.wording import did_you_mean, echoed, listed, some_of


def chosen_model(draft: Draft, catalogue: Catalogue, region: Region) -> Model | Finding:
    """The model that the draft asks for, as the catalogue knows it, or why it is not available."""
    name = draft.settings.model
    model = None if name is None else catalogue.model(name)
    if model is not None and region.name in model.offers:
        return model
    path = draft.path_of("model")
    sold = sold_in(catalogue, region)
    offered = [other.name for other in sold]
    fitting = [other.name for other in sold if _takes(other, draft)] or offered
    if name is None:
        return Finding(
            path=path,
            what="no model is chosen",
            expected=f"`model`: {some_of(fitting)}",
            fix=f"add `model: {fitting[0]}` to the shot, or to `defaults` for all shots",
        )
    if model is None:
        return Finding(
            path=path,
            what=f"the model {echoed(name)} is not known",
            expected=some_of(fitting),
            fix=did_you_mean(name, offered, "choose one of these; `kfpipe models` shows what each can do"),
        )
    return Finding(
        path=path,
        what=f"the model {model.name} is not offered in the region {region.name}",
        expected=some_of(fitting),
        fix=f"choose another model, or the region {listed(sorted({*model.offers} - {EMULATOR_REGION}))}",
    )


def _takes(model: Model, draft: Draft) -> bool:
    """Whether the model takes what the draft is given."""
    return any(combination >= draft.media.keys() for combination in model.combinations)


def sold_in(catalogue: Catalogue, region: Region) -> tuple[Model, ...]:
    """The models that the region offers."""
    return tuple(model for model in catalogue.models.values() if region.name in model.offers)


def offer_findings(draft: Draft, model: Model, others: Iterable[Model] = ()) -> Iterator[Finding]:
    """What the model does not offer; `others` are the models to be recommended instead."""
    yield from setting_findings(draft, model)
    yield from lacks.findings(draft, model, others)
    yield from media_findings(draft, model, others)
    yield from template_findings(draft, model, others)


def sale_findings(draft: Draft, model: Model, region: Region) -> Iterator[Finding]:
    """A model that the region may not sell, or sells under another name than the one that is written."""
    offer, written = model.offers[region.name], draft.settings.model
    if offer.doubt is not None:
        yield Finding(
            path=draft.path_of("model"),
            what=f"{model.name} may not be sold in the region {region.name}: {offer.doubt}",
            fix=f"choose another model, or the region {listed(_sure_regions(model))}; a refused task is not billed",
            severity=Severity.WARNING,
        )
    named = {other.wire_name for name, other in model.offers.items() if name != region.name and not _rehearses(name)}
    if written in named - {offer.wire_name} and not _rehearses(region.name):
        yield Finding(
            path=draft.path_of("model"),
            what=f"in the region {region.name} the model {echoed(written)} is called {offer.wire_name}",
            expected=offer.wire_name,
            fix=f"write `model: {offer.wire_name}`; it is the name that is sent in any case",
            severity=Severity.WARNING,
        )


def _rehearses(region: str) -> bool:
    """The emulator takes the names of all regions."""
    return region == EMULATOR_REGION


def _sure_regions(model: Model) -> list[str]:
    return [name for name, offer in model.offers.items() if offer.doubt is None and not _rehearses(name)]


def setting_findings(draft: Draft, model: Model) -> Iterator[Finding]:
    """Resolution and duration, against what the model makes."""
    settings = draft.settings
    if settings.resolution not in model.resolutions:
        yield Finding(
            path=draft.path_of("resolution"),
            what=f"the resolution {echoed(settings.resolution)} is not offered by {model.name}",
            expected=listed(model.resolutions),
            fix=_assignment(draft, "resolution", model.nearest(settings.resolution)),
        )
    lengths = model.durations(settings.resolution)
    if settings.duration not in lengths:
        at = f" at {settings.resolution}" if settings.duration in model.durations_s else ""
        yield Finding(
            path=draft.path_of("duration"),
            what=f"{model.name} cannot make a clip of {settings.duration} s{at}",
            expected=_lengths_text(lengths),
            fix=_assignment(draft, "duration", min(lengths, key=lambda length: abs(length - settings.duration))),
        )


def _lengths_text(lengths: Sequence[int]) -> str:
    """`5 s`, `2 to 15 s`, or `5, 8 or 10 s`."""
    first, last = lengths[0], lengths[-1]
    if first == last:
        return f"{first} s"
    return f"{first} to {last} s" if len(lengths) == last - first + 1 else f"{listed(list(map(str, lengths)))} s"


def _assignment(draft: Draft, name: str, value: object) -> str:
    """How to write the value, and where when the present one is inherited."""
    line = f"write `{name}: {value}`"
    if profile_of(draft.path_of(name)):
        return f"{line} here"
    inherited = lacks.is_inherited(draft, name)
    if inherited and draft.cell.values.get("model") is not None:  # other takes of the shot are of other models
        return f"write `models: {{{draft.settings.model}: {{{name}: {value}}}}}`"
    profile = profile_of(draft.path_of("model"))
    place = f" in profile '{profile}', or here" if profile else " here, or in the shot" if inherited else ""
    return f"{line}{place}"


def prompt_findings(draft: Draft, model: Model, prompt: str, negative_prompt: str) -> Iterable[Finding]:
    """Length after templating, in characters as the service counts them: one for each letter or ideograph."""
    fits = _length(prompt, model) <= model.prompt_limit_chars
    is_fine = prompt and fits and _length(negative_prompt, model) <= model.negative_prompt_limit_chars
    return () if is_fine else _unfit_prompts(draft, model, prompt, negative_prompt)


def _unfit_prompts(draft: Draft, model: Model, prompt: str, negative_prompt: str) -> Iterator[Finding]:
    limits = (
        ("prompt", prompt, model.prompt_limit_chars),
        ("negative_prompt", negative_prompt, model.negative_prompt_limit_chars),
    )
    for name, text, limit in limits:
        if text and limit == 0:
            yield _unwanted_text(draft, model, name)
        elif (length := _length(text, model)) > limit:
            yield _overlong(draft, model, name, length, limit)
    if not prompt and model.needs_prompt:
        yield Finding(
            path=draft.path_of("prompt"),
            what=f"there is no prompt, but {model.name} needs one",
            expected="`prompt`: what happens between the frames",
            fix="describe what happens, like `prompt: The camera rises while the kitten looks up.`",
        )
    elif not prompt:
        yield Finding(
            path=draft.path_of("prompt"),
            what="there is no prompt: the service invents the movement between the frames",
            fix="describe what happens, like `prompt: The camera rises while the kitten looks up.`",
            severity=Severity.WARNING,
        )


def _length(text: str, model: Model) -> int:
    """As the model counts: a Chinese character may be worth several others."""
    extra = model.chinese_counts - 1
    return len(text) + (extra * len(_CHINESE.findall(text)) if extra else 0)


_CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def _overlong(draft: Draft, model: Model, name: str, length: int, limit: int) -> Finding:
    counted = f", where a Chinese one counts as {model.chinese_counts}" if model.chinese_counts > 1 else ""
    then = "the service would cut off the end, and still bill the clip" if model.cuts_prompt else "it is refused"
    return Finding(
        path=draft.path_of(name),
        what=f"the {name.replace('_', ' ')} has {length:,} characters once its variables are filled in{counted}",
        expected=f"at most {limit:,} for {model.name}",
        fix=f"shorten it by {length - limit:,}: {then}",
    )


def _unwanted_text(draft: Draft, model: Model, name: str) -> Finding:
    """An error where the shot itself says it; what holds for many shots is merely not sent to this model."""
    what = f"{model.name} does not accept a {name.replace('_', ' ')}"
    if lacks.is_inherited(draft, name):
        return Finding(
            path=draft.path_of(name),
            what=f"{what}: this one is not sent to it",
            fix=f"write `{name}: null` in the shots of this model, or delete it if no other model needs it",
            severity=Severity.WARNING,
        )
    return Finding(path=draft.path_of(name), what=what, fix="delete it, or describe in the prompt what you want")


def media_findings(draft: Draft, model: Model, others: Iterable[Model] = ()) -> Iterator[Finding]:
    """Media that the model needs, does not know, or does not accept together."""
    refused = {role for role in MediaRole if role in draft.shot.refused or role in draft.cell.values}
    asked = refused | draft.media.keys()
    legal = _WITH_AN_EFFECT if draft.settings.template is not None else model.combinations
    if asked in legal:
        return
    known = frozenset[MediaRole]().union(*legal)
    fitting = [combination for combination in legal if combination >= asked]
    if not asked <= known:
        yield from (_foreign(draft, model, role, others) for role in MediaRole if role in asked - known)
    elif not fitting:
        together = [str(role) for role in MediaRole if role in asked]
        yield Finding(
            path=draft.path_of(together[-1]),
            what=f"{model.name} does not accept {listed(together, 'and')} together",
            expected=listed(_in_words(combination) for combination in legal),
            fix="delete what you do not need",
        )
    else:
        needed = min(fitting, key=len) - asked
        yield from (_missing(draft, model, role, others) for role in MediaRole if role in needed)


_FIRST_FRAME_ALONE = frozenset([MediaRole.FIRST_FRAME])
_WITH_AN_EFFECT = (_FIRST_FRAME_ALONE,)


def _in_words(combination: frozenset[MediaRole]) -> str:
    return " + ".join(role for role in MediaRole if role in combination)


def _foreign(draft: Draft, model: Model, role: MediaRole, others: Iterable[Model]) -> Finding:
    if draft.settings.template is not None:
        what, fix = f"`{role}` cannot be used with `template`", "delete one of the two"
        return Finding(path=draft.path_of(role), what=what, expected="`first_frame` alone", fix=fix)
    able = [other.name for other in others if any(role in combination for combination in other.combinations)]
    return Finding(
        path=draft.path_of(role),
        what=f"{model.name} does not accept `{role}`",
        expected=listed(_in_words(combination) for combination in model.combinations),
        fix=f"delete it, or choose a model that accepts it, like {able[0]}" if able else "delete it",
    )


def _missing(draft: Draft, model: Model, role: MediaRole, others: Iterable[Model]) -> Finding:
    if role is MediaRole.LAST_FRAME:
        able = [other.name for other in others if _FIRST_FRAME_ALONE in other.combinations]
        return Finding(
            path=draft.path_of(role),
            what=f"there is no last frame, but {model.name} needs both",
            expected="`last_frame`: the picture that the clip ends with",
            fix="add a line like `last_frame: frames/b.png`"
            + (f", or choose {able[0]}, which does not need one" if able else ""),
        )
    return Finding(
        path=draft.path_of(role),
        what=f"there is no {role.replace('_', ' ')}",
        expected="`first_frame`: the picture that the clip starts with",
        fix="add a line like `first_frame: frames/a.png`",
    )


def template_findings(draft: Draft, model: Model, others: Iterable[Model] = ()) -> Iterator[Finding]:
    """Effects that the model lacks. Source: API reference, 3.3 and 18.5."""
    name, path = draft.settings.template, draft.path_of("template")
    if name is None:
        return
    if model.templates is None:
        able = [other for other in others if other.templates]
        meant = [other.name for other in able if name in (other.templates or ())] or [other.name for other in able]
        yield Finding(
            path=path,
            what=f"{model.name} has no effects",
            fix=f"delete `template`, or choose {listed(meant)}" if meant else "delete `template`",
        )
    elif name not in model.templates:
        yield Finding(
            path=path,
            what=f"{echoed(name)} is not an effect of {model.name}",
            expected=listed(model.templates),
            fix=did_you_mean(name, model.templates, "choose one of these, or delete `template`"),
        )
    if draft.settings.prompt and not draft.shot.inherits("prompt"):
        yield Finding(
            path=draft.path_of("prompt"),
            what="an effect does not use a prompt: this one is not sent",
            fix="delete it, or delete `template`",
            severity=Severity.WARNING,
        )
