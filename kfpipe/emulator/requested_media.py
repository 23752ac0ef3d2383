"""The files of a request, by their roles: where each kind of model wants them named, and which go together."""

from collections.abc import Collection, Mapping
from typing import Any

from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.models import Dialect, Model

_IMAGES = ("first_frame", "last_frame")  # what the first and the second of two pictures without a role are


def urls_by_role(model: Model, given: Mapping[str, Any]) -> dict[str, str]:
    """The addresses in a request's `input`. Raises `TaskRefused`."""
    match model.dialect:
        case Dialect.FRAME_URLS:
            # An effect needs the first frame alone.
            roles = ("first_frame",) if given.get("template") else ("first_frame", "last_frame")
            return _from_fields(given, {role: f"{role}_url" for role in roles})
        case Dialect.IMG_URL:
            fields = {"first_frame": "img_url", "driving_audio": "audio_url"}
            return _from_fields(given, {role: fields[role] for role in fields if _takes(model, role)})
        case Dialect.IMAGES:
            return _by_order(given)
        case Dialect.ROLES:
            return _by_role(model, given)


def _takes(model: Model, role: str) -> bool:
    return any(role in roles for roles in model.role_sets)


def _from_fields(given: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, str]:
    urls: dict[str, str] = {}
    for role, name in fields.items():
        url = given.get(name)
        if isinstance(url, str) and url:
            urls[role] = url
        elif url is not None:
            raise TaskRefused("InvalidParameter", f"input.{name} must be a non-empty string")
    if "first_frame" not in urls:
        raise TaskRefused("InvalidParameter", f"Field required: input.{fields['first_frame']}")
    return urls


def _by_order(given: Mapping[str, Any]) -> dict[str, str]:
    items = _items(given)
    if [item["type"] for item in items] != ["image", "image"]:
        raise TaskRefused("InvalidParameter", "input.media must hold exactly two items of type image")
    return {role: item["url"] for role, item in zip(_IMAGES, items, strict=True)}


def _by_role(model: Model, given: Mapping[str, Any]) -> dict[str, str]:
    urls: dict[str, str] = {}
    for item in _items(given):
        if item["type"] in urls:
            raise TaskRefused("InvalidParameter", f"input.media: {item['type']} is given more than once")
        urls[item["type"]] = item["url"]
    _check_together(model, urls)
    return urls


def _items(given: Mapping[str, Any]) -> list[Mapping[str, str]]:
    media = given.get("media")
    if media is None:
        raise TaskRefused("InvalidParameter", "Field required: input.media")
    if not isinstance(media, list) or not media:
        raise TaskRefused("InvalidParameter", "input.media must be a non-empty array")
    for index, item in enumerate(media):
        for field in ("type", "url"):
            if not isinstance(item, dict) or not isinstance(item.get(field), str):
                raise TaskRefused("InvalidParameter", f"Field required: input.media.{index}.{field}")
    return media


def _check_together(model: Model, roles: Collection[str]) -> None:
    foreign = model.foreign_roles.intersection(roles)
    if foreign:
        if len(foreign) < len(roles):
            message = "First/last frames and references cannot be combined. The two modes are mutually exclusive."
        else:
            message = "references are not emulated; give a first_frame, and a last_frame"
        raise TaskRefused("InvalidParameter", f"input.media: {message}")
    if frozenset(roles) not in model.role_sets:
        raise TaskRefused("InvalidParameter", f"input.media: {' + '.join(roles)} is not a supported combination")
