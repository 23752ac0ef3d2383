"""How one request differs from another, field by field, in the manifest's words. Pure.

Everything that enters the fingerprint is compared here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from kfpipe.domain import LocalMedium, MediaRole, Medium, Parameters, Take, Variant
from kfpipe.lock.states import Asked
from kfpipe.wording import echoed, visible

NONE: Final = "none"
_REACH: Final = 24
"""Characters around a difference in which its neighbouring words are sought."""
_WORD_BEFORE: Final = re.compile(r"(?:\S+\s+)?\S*\Z")
_WORD_AFTER: Final = re.compile(r"\S*(?:\s+\S+)?")

SHORT_DIGEST: Final = 8
"""Characters of a digest that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field with its two values, each on one line and short."""

    field: str
    before: str
    after: str

    @property
    def text(self) -> str:
        """`seed 1 -> 2`."""
        return f"{self.field} {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumRef:
    """A medium as a request names it: by its digest, and for a reader by the file's name, where known."""

    digest: str
    name: str | None = None

    @property
    def text(self) -> str:
        """`frames/a.png (1a2b3c4d)`, or `frames/a.jpg (1a2b3c4d, upright)` where it is prepared."""
        content, *recipe = self.digest.rpartition(":")[2].split("+")
        short = ", ".join([content[:SHORT_DIGEST], *map(visible, recipe)])
        return short if self.name is None else f"{visible(self.name)} ({short})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestShape:
    """All that decides the pixels of one clip. `seed_is_derived`: its seed only follows from the rest."""

    model: str
    template: str | None
    prompt: str
    negative_prompt: str
    parameters: Parameters
    media: Mapping[MediaRole, MediumRef]
    seed_is_derived: bool = False
    variant: Variant | None = None


def shape_of(take: Take) -> RequestShape:
    """What the take asks for. A picture that is cut from another take is named by that take."""
    request = take.request
    lent = {role: f"render of {cut.text}" for role, cut in (*take.continues, *take.cuts)}
    given = {
        one.role: MediumRef(digest=one.medium.digest, name=lent.get(one.role) or _name(one.medium))
        for one in request.media
    }
    return RequestShape(
        model=request.model,
        template=request.template,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        parameters=request.parameters,
        media=given | {role: MediumRef(digest=cut.part, name=lent[role]) for role, cut in take.cuts},
        seed_is_derived=take.seed_is_derived,
        variant=request.variant,
    )


def _name(medium: Medium) -> str:
    """A URL without its query, which may hold a signature."""
    return medium.name if isinstance(medium, LocalMedium) else medium.url.partition("?")[0]


def between(before: RequestShape, after: RequestShape) -> tuple[Difference, ...]:
    """The fields whose values differ; none when both ask for the same clip.

    A seed that is derived from the rest is news only where nothing else is.
    """
    found = (*_settings(before, after), *_prompts(before, after), *_media(before, after))
    if after.seed_is_derived:
        return tuple(difference for difference in found if difference.field != "seed") or found
    return found


def _settings(before: RequestShape, after: RequestShape) -> Iterator[Difference]:
    old, new = before.parameters, after.parameters
    for field, was, now in (
        ("model", before.model, after.model),
        ("template", before.template, after.template),
        ("resolution", old.resolution, new.resolution),
        ("duration", old.duration_s, new.duration_s),
        ("prompt_extend", old.prompt_extend, new.prompt_extend),
        ("watermark", old.watermark, new.watermark),
        ("audio", old.audio, new.audio),
    ):
        if was != now:
            yield Difference(field=field, before=_spelt(was), after=_spelt(now))
    if old.seed != new.seed:
        yield Difference(field="seed", before=_seed(before), after=_seed(after))
    was_variant, variant = _variant(before), _variant(after)
    if was_variant != variant:
        yield Difference(field="variant", before=was_variant, after=variant)


def _spelt(value: str | int | bool | None) -> str:
    """The value as a manifest spells it."""
    match value:
        case None:
            return NONE
        case bool():
            return str(value).lower()
        case _:
            return visible(str(value))


def _seed(shape: RequestShape) -> str:
    seed = shape.parameters.seed
    if seed is None:
        return "random" if shape.variant is None else NONE
    return str(seed)


def _variant(shape: RequestShape) -> str:
    """`light=evening`; where the model has a seed, that tells requests apart."""
    return ", ".join(f"{name}={visible(value)}" for name, value in shape.variant or ()) or NONE


def _prompts(before: RequestShape, after: RequestShape) -> Iterator[Difference]:
    for field, was, now in (
        ("prompt", before.prompt, after.prompt),
        ("negative_prompt", before.negative_prompt, after.negative_prompt),
    ):
        if was != now:
            old, new = excerpts(was, now)
            yield Difference(field=field, before=old, after=new)


def _media(before: RequestShape, after: RequestShape) -> Iterator[Difference]:
    """By digest, as the fingerprint has it: a file with another name and the same bytes is not a difference."""
    for role in MediaRole:
        was, now = before.media.get(role), after.media.get(role)
        if (was and was.digest) != (now and now.digest):
            yield Difference(field=role, before=was.text if was else NONE, after=now.text if now else NONE)


def excerpts(before: str, after: str) -> tuple[str, str]:
    """Of each text the part that the other lacks, in quotes, with the words on either side; `none` for no text.

    Both begin at the same place: where a part is too long to be shown in full, its beginning still differs.
    """
    head = _in_common(before, after)
    tail = _in_common(before[head:][::-1], after[head:][::-1])
    first, second = (_part(text, head, len(text) - tail) for text in (before, after))
    if echoed(first) == echoed(second):  # which shows no difference between blanks
        first, second = _with_blanks(first), _with_blanks(second)
    return _quoted(before, first), _quoted(after, second)


def _in_common(one: str, other: str) -> int:
    """How many characters the texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _part(text: str, start: int, end: int) -> str:
    """The text from `start` to `end` and the words around it, with dots where something is left out."""
    before, after = (
        _WORD_BEFORE.search(text[max(0, start - _REACH) : start]),
        _WORD_AFTER.match(text[end : end + _REACH]),
    )
    first = start - len(before.group() if before else "")
    last = end + len(after.group() if after else "")
    return f"{'...' if first else ''}{text[first:last]}{'...' if last < len(text) else ''}"


def _with_blanks(text: str) -> str:
    """The text with line breaks and tabs spelt out, and the second of two blanks made visible."""
    return re.sub(r"(?<= ) ", "\u2423", re.sub(r"[\t\r\n]", lambda blank: repr(blank[0])[1:-1], text))


def _quoted(text: str, part: str) -> str:
    return echoed(part) if text else NONE


def changes(take: Take, asked: Asked) -> tuple[str, ...]:
    """What differs between the request on record and the take's, one reason a field.

    The record holds the seed that was drawn where the manifest says `random`: to ask for that differs from any seed.
    """
    wanted = shape_of(take)
    found = between(_recorded(asked, wanted), wanted)
    if found:
        return tuple(difference.text for difference in found)
    if take.request.draws_seed:
        return (f"seed {asked.parameters.seed} -> random",)
    return ("the request changed",)


def _recorded(asked: Asked, wanted: RequestShape) -> RequestShape:
    """The request on record; a seed that was drawn is taken to be drawn still."""
    is_drawn = wanted.parameters.seed is None and wanted.variant is None
    return RequestShape(
        model=asked.model,
        template=asked.template,
        prompt=asked.prompt,
        negative_prompt=asked.negative_prompt,
        parameters=replace(asked.parameters, seed=None) if is_drawn else asked.parameters,
        media={role: MediumRef(digest=digest) for role, digest in asked.media.items()},
        variant=asked.variant,
    )
