"""What is handed over: one clip that somebody wants, with all that a worker needs to ask for it. Pure.

Whoever wants the same clip of the same account hands over the same job. It is kept as plain data; of the key of the
account it knows no more than a digest, as the lockfile does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from kfpipe.domain import (
    Account,
    LocalMedium,
    MediaInput,
    MediaRole,
    Medium,
    Original,
    PictureSize,
    RemoteMedium,
    RenderRequest,
    Take,
    shot_of,
)
from kfpipe.files.scalars import decimal_text, parse_decimal
from kfpipe.lock.codec import entry_from_json, entry_to_json
from kfpipe.lock.states import Asked, Submitting

_ID_DIGITS: Final = 32
_ACCOUNT_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """An account as the cluster knows it: whose money, in which region, and where its requests go."""

    account: Account
    region: str
    base_url: str

    @property
    def id(self) -> str:
        """What its rows are found by. An emulator is known by its address: it has no key."""
        own = self.account
        facts = (own.host, own.workspace or "", own.key or self.base_url, self.region)
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:_ACCOUNT_DIGITS]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        own = self.account
        account = {"host": own.host, "workspace": own.workspace, "key": own.key, "name": own.name}
        return {"account": account, "region": self.region, "base_url": self.base_url}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Payer:
        """The inverse of `to_json`."""
        return cls(account=Account(**data["account"]), region=data["region"], base_url=data["base_url"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A clip that is wanted, and the request for it. `take` is None for a request on record that nobody wants any more.

    `key` is that of a request on record which is to be brought to its end, `past` are those that had ended without a
    clip when the job was handed over.
    """

    id: str
    take_id: str
    asked: Asked
    take: Take | None
    key: str | None = None
    past: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "take_id": self.take_id,
            "asked": entry_to_json(Submitting(asked=self.asked)),
            "key": self.key,
            "past": list(self.past),
            "take": None if self.take is None else _take_to_json(self.take),
        }


def from_json(job: str, data: Mapping[str, Any]) -> Job:
    """The inverse of `Job.to_json`."""
    asked = entry_from_json(data["asked"]).asked
    take = None if data["take"] is None else _take_from_json(data["take_id"], asked, data["take"])
    return Job(id=job, take_id=data["take_id"], asked=asked, take=take, key=data["key"], past=tuple(data["past"]))


def job_id(payer: str, take: Take, *, made: int, project: str) -> str:
    """What a job is known by: the account and the request, however often (`made`) that has been made before.

    A request with a seed drawn at random is nobody else's: it is known by its take, too.
    """
    facts = [payer, take.fingerprint, str(made)]
    if take.request.parameters.seed is None:
        facts += [project, take.id]
    return _digest(facts)


def job_of_request(payer: str, key: str) -> str:
    """The same for a request on record that was not handed over before."""
    return _digest([payer, "request", key])


def with_media(take: Take, urls: Mapping[MediaRole, str]) -> Take:
    """The take with its stills at addresses that the service can read; those without one are in the store."""
    media = tuple(
        MediaInput(role=one.role, medium=RemoteMedium(url=urls[one.role], digest=one.medium.digest))
        if one.role in urls
        else one
        for one in take.request.media
    )
    return replace(take, request=replace(take.request, media=media))


def _digest(facts: list[str]) -> str:
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:_ID_DIGITS]


def _take_to_json(take: Take) -> dict[str, Any]:
    return {
        "media": {str(one.role): _medium_to_json(one.medium) for one in take.request.media},
        "width_px": None if take.size is None else take.size.width_px,
        "height_px": None if take.size is None else take.size.height_px,
        "attempts": take.attempts,
        "cap_price": decimal_text(take.cap_price),
    }


def _take_from_json(take_id: str, asked: Asked, data: Mapping[str, Any]) -> Take:
    media = tuple(
        MediaInput(role=role, medium=_medium_from_json(data["media"][role]))
        for role in MediaRole
        if role in data["media"]
    )
    request = RenderRequest(
        model=asked.model,
        prompt=asked.prompt,
        negative_prompt=asked.negative_prompt,
        media=media,
        parameters=asked.parameters,
        template=asked.template,
    )
    size = None if data["width_px"] is None else PictureSize(width_px=data["width_px"], height_px=data["height_px"])
    cap_price: Decimal | None = parse_decimal(data["cap_price"])
    return Take(
        id=take_id,
        shot_id=shot_of(take_id),
        tags=(),
        request=request,
        fingerprint=asked.fingerprint,
        size=size,
        unit_price=asked.unit_price,
        currency=asked.currency,
        output=f"{asked.fingerprint}.mp4",
        cap_price=cap_price,
        attempts=data["attempts"],
        reseeds=asked.reseeds,
    )


def _medium_to_json(medium: Medium) -> dict[str, Any]:
    if isinstance(medium, RemoteMedium):
        return {"url": medium.url, "digest": medium.digest}
    original = medium.original
    return {
        "path": medium.path,
        "sha256": medium.sha256,
        "size_bytes": medium.size_bytes,
        "mime_type": medium.mime_type,
        "width_px": medium.width_px,
        "height_px": medium.height_px,
        "pixels": medium.pixels,
        "original": original and {"path": original.path, "sha256": original.sha256, "recipe": list(original.recipe)},
    }


def _medium_from_json(data: Mapping[str, Any]) -> Medium:
    if "url" in data:
        return RemoteMedium(url=data["url"], digest=data["digest"])
    given = data["original"]
    original = given and Original(path=given["path"], sha256=given["sha256"], recipe=tuple(given["recipe"]))
    return LocalMedium(**{**data, "original": original})
