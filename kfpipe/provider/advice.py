"""What a person can do about a refusal of the service that concerns one take: which input it means, and the way on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kfpipe.domain import LocalMedium, MediaInput, MediaRole

_INSPECTED: Final = ("datainspectionfailed", "ipinfringementsuspect", "customroleblocked")
_UNREAD: Final = ("url error", "download", "url is not valid", "valid url", "fetch", "unreachable url")
_UNREAD_CODES: Final = ("InvalidURL", "InvalidParameter.DataInspection", "BadRequest.InputDownloadFailed")
_STILLS: Final = (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
_FIELDS: Final = {"img_url": MediaRole.FIRST_FRAME, "audio_url": MediaRole.DRIVING_AUDIO}
"""The service's other words for a role. Source: API reference, section 3."""


def advice(
    code: str, message: str, take_id: str, media: Sequence[MediaInput], *, by_address: bool = False
) -> str | None:
    """What a refusal means, and what helps; None where the service's own sentence has to do.

    `by_address`: the pages of the model name no way but an address.
    """
    if code.replace("_", "").casefold().rpartition(".")[2] in _INSPECTED:
        way = f"`kfpipe run --retry {take_id} --new-seed` or another wording may pass"
        return f"its inspection rejected {_inspected(message, media)}; nothing was billed; {way}"
    return _unread(message, take_id, media, by_address=by_address) if is_unread(code, message) else None


def is_unread(code: str, message: str) -> bool:
    """Whether the service could not read a file that it was given."""
    words = message.casefold()
    return code.startswith(_UNREAD_CODES) or (
        code.startswith(("Invalid", "invalid")) and any(word in words for word in _UNREAD)
    )


def _inspected(message: str, media: Sequence[MediaInput]) -> str:
    """What was rejected, as far as the service says so."""
    words = message.casefold()
    if "output" in words or "generated" in words:
        return "the finished clip"
    if named := _named(message, media):
        return "the " + ", ".join(map(_shown, named))
    if "text" in words or "prompt" in words:
        return "the prompt"
    if any(word in words for word in ("image", "picture", "frame")):
        return "a still: " + ", ".join(_shown(one) for one in media if one.role in _STILLS)
    if "audio" in words or "video" in words:
        return "the sound or clip it was given"
    return "the prompt or a still" if "input" in words else "the prompt, a still or the finished clip"


def _unread(message: str, take_id: str, media: Sequence[MediaInput], *, by_address: bool) -> str:
    """Which medium the service could not read, and where it reads from."""
    remote = [one for one in media if not isinstance(one.medium, LocalMedium)]
    suspects = _named(message, media) or remote
    if any(one in remote for one in suspects):
        reads = "it reads public http(s) addresses without login, and oss:// uploads"
        way = "put the file into the project, and kfpipe uploads it"
        return f"it could not read the {', '.join(map(_shown, suspects))}: {reads}; {way}"
    what = ", ".join(map(_shown, suspects or media)) or "a file"
    way = f"`kfpipe run --retry {take_id}` may pass later; else the model may not be sold in this region"
    if by_address:
        way = f"its pages name http(s) addresses alone: give one, or `kfpipe run --retry {take_id}` tries another way"
    return f"it could not read what kfpipe uploaded for the {what}; {way}"


def _named(message: str, media: Sequence[MediaInput]) -> list[MediaInput]:
    """The inputs that a message names: by address, by field, or by place in the list."""
    words = message.casefold()
    roles = {role for field, role in _FIELDS.items() if field in words}
    roles |= {role for role in MediaRole if role in words or role.replace("_", " ") in words}
    places = {place for place in range(len(media)) if f"media.{place}" in words or f"media[{place}]" in words}
    return [
        one
        for place, one in enumerate(sorted(media, key=lambda one: [*MediaRole].index(one.role)))
        if one.role in roles or place in places or (not isinstance(one.medium, LocalMedium) and _bare(one) in message)
    ]


def _shown(one: MediaInput) -> str:
    return f"{one.role.replace('_', ' ')} {_bare(one)}"


def _bare(one: MediaInput) -> str:
    """The file's path, or its address without the signature."""
    return one.medium.path if isinstance(one.medium, LocalMedium) else one.medium.url.partition("?")[0]
