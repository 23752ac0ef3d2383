"""The reference of the Python interface, written from its signatures and docstrings; `docs.tables` puts it in place."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

import kfpipe
from kfpipe import errors, events

FUNCTIONS: Final = ("load", "select", "plan", "consent", "run", "running", "records", "pick", "verify", "session")
METHODS: Final = ("plan", "run", "run_async", "running")
WIDTH: Final = 100


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


def _first_paragraph(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
