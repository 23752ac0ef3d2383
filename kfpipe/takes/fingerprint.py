"""Everything that decides the pixels -> one digest.

Two requests have one fingerprint exactly when the service would be asked for the same clip. Media count by their
bytes (remote ones by their address without its signature), never by their path, so that renaming a still renders
nothing again; prompts count by their text, however it is encoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import Final

from kfpipe.domain import CutFrom, MediaInput, MediaRole, RenderRequest
from kfpipe.files.text import normalised

VERSION: Final = 2
"""Goes into every fingerprint; a change of the canonical form below needs a new number, and renders all again."""

Cuts = Iterable[tuple[MediaRole, CutFrom]]
_Media = Sequence[MediaInput]
_Pending = Mapping[MediaRole, str]


def of(request: RenderRequest, cuts: Cuts = (), spelled: Spelling | None = None) -> str:
    """SHA-256 of the canonical request, in hex; provisional while there are pictures to be cut."""
    return hashlib.sha256(canonical(request, cuts, spelled)).hexdigest()


def canonical(request: RenderRequest, cuts: Cuts = (), spelled: Spelling | None = None) -> bytes:
    """The request in its one spelling, with the version of it; pictures that are still to be cut are references.

    JSON without spaces, in ASCII, without floats, its keys in the order of the alphabet; a seed of null says that each
    render draws its own. `spelled` are the request's own pieces, where they are at hand.
    """
    pending = {role: f"render:{cut.take_id}:{cut.part}" for role, cut in cuts}
    return (spelled or spelling(request)).canonical(request.media, pending, request.parameters.seed)


@dataclass(frozen=True, slots=True)
class Spelling:
    """A request but for its media and its seed: what stands between these, in the canonical spelling.

    Joining pieces takes a third of the time of a tree and an encoder.
    """

    settings: str
    rest: str

    def canonical(self, media: _Media, pending: _Pending, seed: int | None) -> bytes:
        """The whole of it, with the version. `pending` says what stands for the pictures that are still to be cut."""
        spelled_seed = "null" if seed is None else seed
        return (
            f'{{"media":{_media(media, pending)},{self.settings}"seed":{spelled_seed},{self.rest}"version":{VERSION}}}'
        ).encode("ascii")

    def without_seed(self, media: _Media, pending: _Pending, variables: Mapping[str, str]) -> bytes:
        """The same but for the seed, with variables in place of the version."""
        named = _object(variables.items()) if variables else "{}"
        return f'{{"media":{_media(media, pending)},{self.settings}{self.rest}"variables":{named}}}'.encode("ascii")


def spelling(request: RenderRequest) -> Spelling:
    """The pieces. What not all requests have (an effect, a choice of sound, a variant) is listed for those only."""
    asked = request.parameters
    audio = "" if asked.audio is None else f'"audio":{_truth(asked.audio)},'
    extend = "" if asked.prompt_extend is None else f'"prompt_extend":{_truth(asked.prompt_extend)},'
    # A seed stands before it, with a comma.
    watermark = '"watermark":null' if asked.watermark is None else f'"watermark":{_truth(asked.watermark)}'
    template = "" if request.template is None else f'"template":{_text(request.template)},'
    variant = "" if request.variant is None else f'"variant":{_object(request.variant)},'
    return Spelling(
        f'"model":{_text(request.model)},"negative_prompt":{_text(normalised(request.negative_prompt))},'
        f'"parameters":{{{audio}"duration":{asked.duration_s},{extend}"resolution":{_text(asked.resolution)},',
        f'{watermark}}},"prompt":{_text(normalised(request.prompt))},{template}{variant}',
    )


def _media(media: _Media, pending: _Pending) -> str:
    digests = [(given.role.value, given.medium.digest) for given in media]
    return _object([*digests, *((role.value, what) for role, what in pending.items())] if pending else digests)


def _object(entries: Iterable[tuple[str, str]]) -> str:
    return f"{{{','.join([f'{_text(name)}:{_text(value)}' for name, value in sorted(entries)])}}}"


def _truth(value: bool) -> str:
    return "true" if value else "false"


_text: Final = encode_basestring_ascii
