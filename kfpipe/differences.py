"""What tells one request from another, field by field, in the manifest's words. Pure.

Everything that enters the fingerprint is compared here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kfpipe.domain import LocalMedium, MediaRole, Medium, Parameters, Take
from kfpipe.excerpts import NONE, excerpts
from kfpipe.wording import visible

SHORT_DIGEST: Final = 8
"""Characters of a digest that tell it from its neighbours."""


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
class Given:
    """A medium as a request names it: by its digest, and for a reader by the name of the file, where that is known."""

    digest: str
    name: str | None = None

    @property
    def text(self) -> str:
        """`frames/a.png (1a2b3c4d)`."""
        short = self.digest.rpartition(":")[2][:SHORT_DIGEST]
        return short if self.name is None else f"{visible(self.name)} ({short})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """All that decides the pixels of one clip."""

    model: str
    template: str | None
    prompt: str
    negative_prompt: str
    parameters: Parameters
    media: Mapping[MediaRole, Given]


def form_of(take: Take) -> Form:
    """What the take asks for. A picture that is still to be cut is named by the take that lends it."""
    request = take.request
    given = {one.role: Given(digest=one.medium.digest, name=_name(one.medium)) for one in request.media}
    return Form(
        model=request.model,
        template=request.template,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        parameters=request.parameters,
        media=given | {role: Given(digest=cut.end, name=f"render of {cut.take_id}") for role, cut in take.cuts},
    )


def _name(medium: Medium) -> str:
    """A URL without its query, which may hold a signature."""
    return medium.path if isinstance(medium, LocalMedium) else medium.url.partition("?")[0]


def between(before: Form, after: Form) -> tuple[Difference, ...]:
    """The fields whose values differ; none when both ask for the same clip."""
    return (*_settings(before, after), *_prompts(before, after), *_media(before, after))


def _settings(before: Form, after: Form) -> Iterator[Difference]:
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
        yield Difference(field="seed", before=_seed(old.seed), after=_seed(new.seed))


def _spelt(value: str | int | bool | None) -> str:
    """The value as a manifest spells it."""
    match value:
        case None:
            return NONE
        case bool():
            return str(value).lower()
        case _:
            return visible(str(value))


def _seed(seed: int | None) -> str:
    return "random" if seed is None else str(seed)


def _prompts(before: Form, after: Form) -> Iterator[Difference]:
    for field, was, now in (
        ("prompt", before.prompt, after.prompt),
        ("negative_prompt", before.negative_prompt, after.negative_prompt),
    ):
        if was != now:
            old, new = excerpts(was, now)
            yield Difference(field=field, before=old, after=new)


def _media(before: Form, after: Form) -> Iterator[Difference]:
    """By digest, as the fingerprint has it: a file with another name and the same bytes is no difference."""
    for role in MediaRole:
        was, now = before.media.get(role), after.media.get(role)
        if (was and was.digest) != (now and now.digest):
            yield Difference(field=role, before=was.text if was else NONE, after=now.text if now else NONE)
