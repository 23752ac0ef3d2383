"""What runs a template: Jinja2's sandbox, with sizes, numbers and the work of loops bounded.

The sandbox itself keeps a template from the file system and from Python, but bounds neither time nor memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from jinja2 import StrictUndefined
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from kfpipe.errors import KfpipeError
from kfpipe.wording import echoed

OUTPUT_LIMIT_CHARS = 20_000
RANGE_LIMIT = 1_000
VALUES_LIMIT = 1_000
WORK_LIMIT = 100_000
NUMBER_LIMIT = 10**30

REPEATED: Final = "_repeated"
WEIGHED: Final = "_weighed"
"""The filters that the language puts in front of loops and other filters, so that what they walk through is counted."""

_METER: ContextVar[_Meter | None] = ContextVar("_METER", default=None)
"""Of the rendering under way; None while a template is compiled, which folds constants."""

_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "first", "float", "int", "items", "last", "length", "list"),
    *("lower", "max", "min", "reverse", "round", "sort", "string", "striptags", "title", "trim", "truncate"),
    *("unique", "upper", "wordcount"),
)


class PromptInvalid(KfpipeError):
    """A template that cannot be rendered. `line` counts from 1 inside the template."""

    def __init__(self, what: str, *, line: int = 1, fix: str) -> None:
        self.what = what
        self.line = line
        self.fix = fix
        super().__init__(f"{what} (line {line} of the prompt)")


@dataclass(slots=True)
class _Meter:
    """How much of the work that one rendering may do is done. A unit is a part of the template, run once."""

    done: int = 0


@contextmanager
def metered() -> Iterator[None]:
    """One rendering, whose work is counted."""
    begun = _METER.set(_Meter())
    try:
        yield
    finally:
        _METER.reset(begun)


def _count(units: int) -> None:
    meter = _METER.get()
    if meter is not None:
        meter.done += units
        if meter.done > WORK_LIMIT:
            raise PromptInvalid("the template does too much work", fix="make its loops shorter")


def check_variable(name: str, value: Any) -> None:
    """Raises PromptInvalid for a value with more parts or more text than a prompt may use."""
    chars = count = 0
    pending = [value]
    while pending and count <= VALUES_LIMIT and chars <= OUTPUT_LIMIT_CHARS:
        match pending.pop():
            case str(text):
                chars += len(text)
            case Mapping() as entries:
                pending += entries.values()
            case list() | tuple() as items:
                pending += items
        count += 1
    if pending or chars > OUTPUT_LIMIT_CHARS:
        most = f"{VALUES_LIMIT:,} values and {OUTPUT_LIMIT_CHARS:,} characters"
        raise PromptInvalid(f"the variable {echoed(name)} is too large for a prompt", fix=f"keep it to {most}")


def check_size(chars: int) -> None:
    """Raises PromptInvalid for a text that is too long for a prompt."""
    if chars > OUTPUT_LIMIT_CHARS:
        raise PromptInvalid(
            f"the text is longer than {OUTPUT_LIMIT_CHARS:,} characters", fix="shorten the template or its variables"
        )


def _repeated(items: Any, weight: int) -> Any:
    """What a loop runs over, counted in advance."""
    if isinstance(items, str | list | tuple | range | Mapping):
        _count(weight * len(items))
        return items
    listed_out = list(items)  # what a filter hands over piece by piece; an unknown name complains here
    return _repeated(listed_out, weight)


def _weighed(value: Any) -> Any:
    """What a filter is about to walk through."""
    if isinstance(value, str | list | tuple | range | Mapping):
        _count(1 + len(value) // 100)
    return value


def _bounded_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > RANGE_LIMIT:
        raise PromptInvalid(f"range() has more than {RANGE_LIMIT:,} steps", fix="make the range shorter")
    return numbers


def _text(value: Any) -> str:
    """How a value reads in a prompt: as YAML spells it. Lists and blocks have no reading."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float() | Decimal() | Undefined():
            return str(value)
        case None:
            raise PromptInvalid("a variable that the prompt uses is empty", fix="give it a value")
        case _:
            raise PromptInvalid(
                "the prompt uses a list or a block as if it were text",
                fix="name an entry, like {{ style.light }}, or join a list: {{ colours | join(', ') }}",
            )


def _bounded_join(values: Iterable[Any], separator: str = "") -> str:
    parts = [_text(value) for value in values]
    check_size(sum(map(len, parts)) + len(str(separator)) * (len(parts) - 1))
    return str(separator).join(parts)


def _bounded_replace(value: Any, old: str, new: str) -> str:
    text = _text(value)
    check_size(len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new)


class _Unknown(StrictUndefined):
    """A name without a value. Its message is the name alone, after a dot for an entry; `_unknown_name` explains it."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return f"{'' if self._undefined_obj is missing else '.'}{self._undefined_name}"


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(["*", "+", "%"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Numbers may be computed with; text and lists may only be added, within bounds.

        Raises `PromptInvalid`.
        """
        if operator == "+" and not isinstance(left, Undefined) and not isinstance(right, Undefined):
            check_size(sum(len(value) for value in (left, right) if isinstance(value, str | list | tuple)))
        elif operator != "+" and (isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple)):
            raise PromptInvalid(f"`{operator}` is for numbers only", fix="write repeated text in full")
        elif any(isinstance(value, int | float) and abs(value) > NUMBER_LIMIT for value in (left, right)):
            raise PromptInvalid("the numbers become too large", fix="use smaller ones")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`style.items` is the entry `items` of `style`, never a method of Python's."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, LoopContext | Undefined):
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, str | list | tuple) and isinstance(argument, int | slice):
            return super().getitem(obj, argument)
        return self.getattr(obj, argument)


def _environment() -> _Environment:
    """Jinja with the filters of a list, and bounds on all that can grow."""
    environment = _Environment(undefined=_Unknown, autoescape=False, keep_trailing_newline=True, finalize=_text)
    environment.globals = {"range": _bounded_range}
    bounded: dict[str, Callable[..., Any]] = {
        "join": _bounded_join,
        "replace": _bounded_replace,
        REPEATED: _repeated,
        WEIGHED: _weighed,
    }
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | bounded
    return environment


ENVIRONMENT: Final = _environment()
