"""What is checked before anything is made: the key, the async header, the body, the model, the account. In that order.

Everything else about a request is accepted here and fails inside its task.
"""

import hashlib
import json
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from kfpipe.emulator.errors import Denied, TaskRefused
from kfpipe.emulator.models import MEGABYTE, Model
from kfpipe.emulator.settings import MAIN, Standing, Switch

# The service names no number. This one leaves room for three files in data URIs, each as large as it may be.
_LARGEST_BODY_BYTES = 32 * MEGABYTE

BURN_IN_HEADER = "x-kfpipe-burn-in"
_LONGEST_LABEL = 200

_STANDINGS = {
    Standing.FREE_TIER_ONLY: (
        403,
        "AllocationQuota.FreeTierOnly",
        "The free tier of the model has been exhausted, and pay-as-you-go is off.",
    ),
    Standing.ARREARS: (400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    Standing.NOT_ACTIVATED: (403, "AccessDenied.Unpurchased", "Access to the service is denied: it is not activated."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sends a request: the account that a key belongs to, and the id which that knows the key by."""

    account: str
    key_id: str


def caller(headers: Mapping[str, str], accepted: Collection[str] | None, accounts: Mapping[str, str]) -> Caller:
    """Who the request's API key stands for; the key itself goes no further. Raises `Denied`."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Denied(401, "InvalidApiKey", "No API-key provided.")
    if not _is_key(key) or (accepted is not None and key not in accepted):
        raise Denied(401, "InvalidApiKey", "Invalid API-key provided.")
    key_id = str(150_000 + zlib.crc32(hashlib.sha256(key.encode()).digest()) % 100_000)
    return Caller(account=accounts.get(key, MAIN), key_id=key_id)


def _is_key(key: str) -> bool:
    """Of the service's own kinds: lasting, or for some minutes. Keys of a token plan belong to other hosts."""
    return key.startswith(("sk-", "st-")) and not key.startswith("sk-sp-")


def label(headers: Mapping[str, str]) -> str | None:
    """What the caller wants the clip to be called in the picture; None without a wish, empty for nothing at all.

    It is the emulator's own header, percent-encoded UTF-8: the service knows no names of takes.
    """
    value = headers.get(BURN_IN_HEADER)
    return None if value is None else unquote(value, errors="replace")[:_LONGEST_LABEL]


def check_async(headers: Mapping[str, str]) -> None:
    if headers.get("x-dashscope-async") != "enable":
        raise Denied(403, "AccessDenied", "current user api does not support synchronous calls.")


def body(text: bytes) -> Mapping[str, Any]:
    """A submission's JSON object. Raises `Denied`."""
    if len(text) > _LARGEST_BODY_BYTES:
        raise Denied(400, "BadRequest.TooLarge", "The request body is too large.")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Denied(400, "BadRequest.IllegalInput", "The request body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise Denied(400, "BadRequest.IllegalInput", "The request body is not a JSON object.")
    return value


def model(body: Mapping[str, Any], route: str, offered: Mapping[str, Model]) -> Model:
    """The model a submission names, if its path fits. Raises `Denied`."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise Denied(400, "BadRequest.EmptyModel", 'The "model" is required.')
    found = known(name, offered)
    if found.route != route:
        raise Denied(400, "InvalidParameter", "url error, please check url!")
    return found


def known(name: str, offered: Mapping[str, Model]) -> Model:
    """The model of this name. Raises `Denied`."""
    if name not in offered:
        raise _not_found(name)
    return offered[name]


def check_opened(model: Model, switches: Collection[Switch]) -> None:
    """Some partners' models have to be switched on in the console before."""
    if model.opened_as is not None and Switch.NOT_SWITCHED_ON in switches:
        raise _not_found(model.name)


def _not_found(name: str) -> Denied:
    return Denied(404, "ModelNotFound", f"The model `{name}` does not exist or you do not have access to it.")


def check_handed_over(model: Model, scheme: str, switches: Collection[Switch]) -> None:
    """A file in a way that the model does not take fails the task. Uploads are promised for all models elsewhere."""
    ways = model.frames.handed_over
    if Switch.HTTP_ONLY not in switches:
        ways |= {"oss"}
    if Switch.DATA_URIS in switches:
        ways |= {"data"}
    if scheme in ("oss", "data") and scheme not in ways:
        raise TaskRefused("InvalidURL", f"{model.name} does not take files as {scheme}: URLs.")


def check_standing(standing: Standing) -> None:
    if standing in _STANDINGS:
        raise Denied(*_STANDINGS[standing])


def check_resolve_header(body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """An uploaded file is only looked up on request; without the header its URL is just not a URL."""
    if headers.get("x-dashscope-ossresourceresolve") != "enable" and _names_upload(body.get("input")):
        raise Denied(400, "invalid_parameter_error", "The provided URL does not appear to be valid.")


def _names_upload(value: Any) -> bool:
    if isinstance(value, str):
        return value.startswith("oss://")
    if isinstance(value, dict):
        return any(map(_names_upload, value.values()))
    return isinstance(value, list) and any(map(_names_upload, value))
