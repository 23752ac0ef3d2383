"""The reference of the Python interface, written from its signatures and docstrings; `docs.tables` puts it in place."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

import kfpipe
from kfpipe import errors, events
from kfpipe.lock.records import Record
from kfpipe.lock.states import STATES, Asked, Failure, Render, Result, Task
from kfpipe.plan.model import Plan, Step

FUNCTIONS: Final = (
    *("load", "select", "plan", "consent", "run", "arun", "running", "records", "pick"),
    *("review", "report", "export", "verify", "session"),
)
METHODS: Final = ("plan", "run", "run_async", "running")
WIDTH: Final = 100


FIELDS: Final[dict[type, dict[str, str]]] = {
    Plan: {
        "steps": "One for each take in film order, then one for each open request that no take asks for.",
        "currency": "The ISO code of all amounts.",
        "whose": "The account that requests go to.",
        "retired": "Steps of requests that are settled, and that no take asks for.",
        "debts": "Requests that are not settled: each may still be billed, or brings its clip.",
        "under_way": "What the debts may still add to the bill, as a cap counts it.",
        "on_record": "What was billed before.",
    },
    Step: {
        "take_id": "The take's id; without a take, the one that its request was first asked under.",
        "shot_id": "The shot's id.",
        "action": "What the run does, as a word: `keep`, `render`, `follow` and so on.",
        "reasons": "Why, in words.",
        "take": "The take as the manifest has it, with its request; None for a request that no take asks for.",
        "record": "What is on record for it; None where nothing is.",
        "output": "The clip's path, relative to the manifest's folder.",
        "twin": "The take that asks for the very same clip, and gets it first.",
        "is_at_hand": "Whether its clip may be had without paying.",
        "wish": "Whether a person asked to retry or render it again, and with another seed.",
    },
    Record: {
        "key": "The request's key in the lockfile.",
        "entry": "The request in its state: one of the classes below.",
        "others": "Older requests of the take, with their keys, oldest first.",
        "picked": "Whether the take is the one picked of its shot.",
        "picked_earlier": "Whether it was picked when it had an older clip.",
        "is_wanted": "Whether the request is just what the manifest asks for now.",
        "place": "Which other lockfile it is from; None for the manifest's own.",
    },
    Asked: {
        "fingerprint": "The digest of all that decides the pixels.",
        "model": "The model, as the catalogue names it.",
        "region": "The service's region.",
        "account": "The account that it was made with; None where that was not noted.",
        "prompt": "The prompt as it was sent.",
        "negative_prompt": "The negative prompt as it was sent.",
        "parameters": "Resolution, seconds, seed and the other settings, as they were sent.",
        "media": "The digest of each still, sound or clip that was sent, by its role.",
        "unit_price": "The price of a second; None when it was unknown.",
        "currency": "The ISO code of that price, and of what was billed.",
        "asked_at": "When, in UTC.",
        "template": "The effect that was asked for.",
        "variant": "What tells requests of a model without a seed apart: names of axes, and their values.",
        "reseeds": "The fingerprint of the request in whose place this one was made, with another seed.",
        "approval": "Who approved the plan that it comes from, and when.",
    },
    Task: {
        "task_id": "The service's id of the task.",
        "request_id": "The service's id of the request; None for a task that was found in the account's list.",
        "submitted_at": "When, in UTC.",
    },
    Result: {
        "finished_at": "When, in UTC.",
        "video_url": "The link to the clip, signed until it expires.",
        "url_expires_at": "When it does, in UTC.",
        "actual_prompt": "The prompt as the service has extended it.",
        "billed_seconds": "The seconds that were billed.",
        "cost": "What was billed; None only when the price is unknown.",
        "refused": "What the service delivered in place of a clip.",
    },
    Render: {
        "path": "The clip's path, relative to the manifest's folder.",
        "sha256": "Its digest.",
        "size_bytes": "Its size.",
        "width_px": "Measured width.",
        "height_px": "Measured height.",
        "fps": "Frames per second, with three decimals.",
        "duration_s": "Measured length.",
        "audio": "Whether it has sound.",
        "codec": "Its video codec.",
        "remarks": "What is not as it was asked for.",
        "moved": "How often its path has changed.",
        "fidelity": "How much its ends look like its stills; None until it was decoded to its end.",
    },
    Failure: {
        "code": "The service's code.",
        "message": "The service's sentence.",
        "request_id": "The service's id of the request.",
        "billed": "Whether it was billed; None when that can no longer be known.",
    },
}
"""What the fields of plans and records hold; their properties say so themselves."""


def field_rows(kind: type) -> Iterator[tuple[str, str, str]]:
    """Every public field and property, with its type and what it holds."""
    told = FIELDS[kind]
    for field in dataclasses.fields(kind):
        yield f"`{field.name}`", f"`{field.type}`".replace("|", "\\|"), told.get(field.name, "")
    for name, member in inspect.getmembers(kind):
        inner = getattr(member, "fget", None) or getattr(member, "func", None)
        if inner is not None and not name.startswith("_"):
            returned = inspect.signature(inner).return_annotation
            yield f"`{name}`", f"`{returned}`".replace("|", "\\|"), _first_paragraph(inner)


def state_rows() -> Iterator[tuple[str, str, str]]:
    """Every state of a request, with its fields."""
    for name, kind in STATES.items():
        yield (
            f"`{kind.__name__}`",
            ", ".join(f"`{field.name}`" for field in dataclasses.fields(kind)),
            (f"`{name}`: {_first_paragraph(kind)}"),
        )


def functions() -> str:
    """The functions of the package."""
    return "\n".join(_described("kfpipe", name, getattr(kfpipe, name)) for name in FUNCTIONS)


def methods() -> str:
    """What a session can do, as far as it is public."""
    return "\n".join(_described("session", name, getattr(kfpipe.Session, name)) for name in METHODS)


def event_rows() -> Iterator[tuple[str, str, str]]:
    """Every event, with its fields and what it tells."""
    for kind in get_args(events.Event):
        fields = ", ".join(f"`{field.name}`" for field in dataclasses.fields(kind))
        yield f"`{kind.__name__}`", fields, _first_paragraph(kind)


def error_rows() -> Iterator[tuple[str, str, str]]:
    """Every error, with its base and what it tells."""
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.KfpipeError):
            yield f"`{kind.__name__}`", f"`{kind.__bases__[0].__name__}`", _first_paragraph(kind)


def _described(owner: str, name: str, function: Callable[..., Any]) -> str:
    head = f"{_decorator(function)}{_signature(name, function)}"
    return f"### {owner}.{name}\n\n```python\n{head}\n```\n\n{inspect.getdoc(function)}\n"


def _decorator(function: Callable[..., Any]) -> str:
    """What makes a block of the function, for `with` or `async with`."""
    inner = inspect.unwrap(function)
    if inspect.isasyncgenfunction(inner):
        return "@asynccontextmanager\n"
    return "@contextmanager\n" if inner is not function and inspect.isgeneratorfunction(inner) else ""


def _signature(name: str, function: Callable[..., Any]) -> str:
    """The head of the function; on several lines where one is too short for it."""
    inner = inspect.unwrap(function)
    signature = inspect.signature(inner)
    keyword = "async def" if inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner) else "def"
    arguments = _arguments(signature)
    line = f"{keyword} {name}({', '.join(arguments)}) -> {signature.return_annotation}"
    if len(line) <= WIDTH:
        return line
    rows = "".join(f"    {argument},\n" for argument in arguments)
    return f"{keyword} {name}(\n{rows}) -> {signature.return_annotation}"


def _arguments(signature: inspect.Signature) -> list[str]:
    """Each with its type; a default that is a function says nothing to a reader."""
    told: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in told:
            told.append("*")
        stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
        told.append(f"{stars}{parameter.name}: {parameter.annotation}{default}")
    return told


def _default(value: Any) -> str:
    return "..." if callable(value) else repr(value)


def _first_paragraph(kind: Any) -> str:
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
