"""Everything that decides the pixels -> one digest.

Two requests have one fingerprint exactly when the service would be asked for the same clip. Media count by their
bytes (remote ones by their address without its signature), never by their path, so that renaming a still renders
nothing again; prompts count by their text, however it is encoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Final

from kfpipe.domain import CutFrom, MediaInput, MediaRole, RenderRequest
from kfpipe.files.text import normalised

VERSION: Final = 2
"""Goes into every fingerprint; a change of the canonical form below needs a new number, and renders all again."""

Cuts = Iterable[tuple[MediaRole, CutFrom]]
Media = Sequence[MediaInput]
_Pending = Mapping[MediaRole, str]
_NONE_PENDING: Final[_Pending] = {}


def of(request: RenderRequest, cuts: Cuts = (), spelled: Spelling | None = None) -> str:
    """SHA-256 of the canonical request, in hex; provisional while there are pictures to be cut."""
    return hashlib.sha256(canonical(request, cuts, spelled)).hexdigest()


def canonical(request: RenderRequest, cuts: Cuts = (), spelled: Spelling | None = None) -> bytes:
    """The request in its one spelling, with the version of it; pictures that are still to be cut are references.

    JSON without spaces, in ASCII, without floats, its keys in the order of the alphabet; a seed of null says that each
    render draws its own. `spelled` are the request's own pieces, where they are at hand.
    """
    pending = {role: f"render:{cut.take_id}:{cut.part}" for role, cut in cuts}
    return (spelled or spelling(request)).canonical(pending, request.parameters.seed)


@dataclass(frozen=True, slots=True)
class Spelling:
    """A request but for its seed and the pictures still to be cut: what stands around these in the canonical spelling.

    Joining pieces takes a third of the time of a tree and an encoder. `given` spells the media that there are.
    """

    media: Media
    given: str
    settings: str
    rest: str

    def canonical(self, pending: _Pending, seed: int | None) -> bytes:
        """The whole of it, with the version. `pending` says what stands for the pictures that are still to be cut."""
        media = media_text(self.media, pending) if pending else self.given
        spelled_seed = "null" if seed is None else seed
        return (f'{{"media":{media},{self.settings}"seed":{spelled_seed},{self.rest}"version":{VERSION}}}').encode(
            "ascii"
        )

    def without_seed(self, pending: _Pending, variables: Mapping[str, str]) -> bytes:
        """The same but for the seed, with variables in place of the version."""
        media = media_text(self.media, pending) if pending else self.given
        named = _object(variables.items()) if variables else "{}"
        return f'{{"media":{media},{self.settings}{self.rest}"variables":{named}}}'.encode("ascii")


def spelling(request: RenderRequest, given: str | None = None) -> Spelling:
    """The pieces. `given` is the `media_text` of the request's media, where it is at hand."""
    asked = request.parameters
    head, middle, foot, end = _frame(
        request.model,
        asked.audio,
        asked.duration_s,
        asked.prompt_extend,
        asked.resolution,
        asked.watermark,
        request.template,
    )
    variant = "" if request.variant is None else f'"variant":{_object(request.variant)},'
    return Spelling(
        request.media,
        media_text(request.media) if given is None else given,
        f"{head}{_text(normalised(request.negative_prompt))}{middle}",
        f"{foot}{_text(normalised(request.prompt))}{end}{variant}",
    )


@lru_cache(maxsize=256)
def _frame(
    model: str,
    audio: bool | None,
    duration_s: int,
    prompt_extend: bool | None,
    resolution: str,
    watermark: bool | None,
    template: str | None,
) -> tuple[str, str, str, str]:
    """What stands around the negative prompt, the seed and the prompt: the same in nearly all requests of a manifest.

    What not all requests have (an effect, a choice of sound) is listed for those only.
    """
    sound = "" if audio is None else f'"audio":{_truth(audio)},'
    extend = "" if prompt_extend is None else f'"prompt_extend":{_truth(prompt_extend)},'
    marked = "null" if watermark is None else _truth(watermark)
    effect = "" if template is None else f'"template":{_text(template)},'
    return (
        f'"model":{_text(model)},"negative_prompt":',
        f',"parameters":{{{sound}"duration":{duration_s},{extend}"resolution":{_text(resolution)},',
        f'"watermark":{marked}}},"prompt":',
        f",{effect}",
    )


def media_text(media: Media, pending: _Pending = _NONE_PENDING) -> str:
    """The media as the canonical request names them; `pending` as in `Spelling.canonical`."""
    digests = [(given.role.value, given.medium.digest) for given in media]
    return _object([*digests, *((role.value, what) for role, what in pending.items())] if pending else digests)


def _object(entries: Iterable[tuple[str, str]]) -> str:
    return f"{{{','.join([f'{_text(name)}:{_text(value)}' for name, value in sorted(entries)])}}}"


def _truth(value: bool) -> str:
    return "true" if value else "false"


_text: Final = encode_basestring_ascii
