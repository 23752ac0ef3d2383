"""Values that are made fast and let go at once. A start declares a hundred kinds, a large shot list makes a million.

The standard library compiles six functions for each class, and its constructors go round its guard for each field.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from weakref import WeakMethod

_T = TypeVar("_T")
_Asked = ParamSpec("_Asked")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type[_T]], type[_T]]:
        """As the standard library's, for classes with frozen fields in slots and without methods of its own kind."""
        if not (frozen and slots):
            raise TypeError("only for frozen classes with slots")
        return lambda declared: _made(declared, kw_only=kw_only)


def remembered(method: Callable[_Asked, _T]) -> Callable[_Asked, _T]:
    """What an object's own method returns, found out once for the same arguments.

    As `functools.cache`, but it does not hold the object: one that held itself would outlive its work, with a whole
    shot list in its hands.
    """
    held = WeakMethod(method)

    @cache
    def found(*asked: Any, **more: Any) -> _T:
        alive = held()
        assert alive is not None, "an object alone asks for what it remembers"
        return alive(*asked, **more)

    return cast("Callable[_Asked, _T]", found)


def _made(declared: type, *, kw_only: bool) -> Any:
    """The class with its fields in slots. A new value is of an open twin of it until its fields are set."""
    declared.__doc__ = declared.__doc__ or declared.__name__  # else its signature is made out, which takes long
    has_base = any(map(dataclasses.is_dataclass, declared.__bases__))
    dataclasses.dataclass(init=False, repr=False, eq=False, frozen=has_base, kw_only=kw_only)(declared)
    fields = dataclasses.fields(declared)
    names = [one.name for one in fields]
    inherited = {name for base in declared.__mro__[1:] for name in getattr(base, "__slots__", ())}
    slots = tuple(name for name in names if name not in inherited)
    members = {name: held for name, held in vars(declared).items() if name not in ("__dict__", "__weakref__", *names)}
    members |= _methods(tuple(names)) | {"__slots__": slots}
    made: Any = type(declared.__name__, declared.__bases__, members)
    twin = type(declared.__name__, declared.__bases__, {"__slots__": slots, "__setattr__": object.__setattr__})
    made.__init__ = _constructor(made, twin, fields)
    made.__qualname__ = declared.__qualname__
    made.__dataclass_params__.frozen = True
    return made


def _constructor(made: type, twin: type, fields: tuple[Field[Any], ...]) -> Callable[..., None]:
    scope: dict[str, Any] = {
        "become": object.__dict__["__class__"].__set__,
        "Twin": twin,
        "Made": made,
        "MISSING": MISSING,
        **{f"default_{one.name}": one.default for one in fields},
        **{f"make_{one.name}": one.default_factory for one in fields},
    }
    by_place = [_parameter(one) for one in fields if not one.kw_only]
    by_name = [_parameter(one) for one in fields if one.kw_only]
    head = ", ".join(["self", *by_place, *(["*", *by_name] if by_name else [])])
    body = ["become(self, Twin)", *(f"self.{one.name} = {_value(one)}" for one in fields), "self.__class__ = Made"]
    exec(f"def __init__({head}):\n " + "\n ".join(body), scope)  # noqa: S102  as the standard library makes its own
    constructor: Callable[..., None] = scope["__init__"]
    constructor.__annotations__ = {one.name: one.type for one in fields}
    constructor.__qualname__ = f"{made.__qualname__}.__init__"
    return constructor


def _parameter(one: Field[Any]) -> str:
    """The field as a parameter; one that a function makes has a default that stands for that."""
    if one.default_factory is not MISSING:
        return f"{one.name}=MISSING"
    return one.name if one.default is MISSING else f"{one.name}=default_{one.name}"


def _value(one: Field[Any]) -> str:
    if one.default_factory is MISSING:
        return one.name
    return f"make_{one.name}() if {one.name} is MISSING else {one.name}"


def _methods(names: tuple[str, ...]) -> dict[str, Any]:
    """What the fields decide: when two values are equal, how one is shown, copied and kept from changes."""
    held = _getter(names)

    def equal(self: Any, other: Any) -> bool:
        return held(self) == held(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(held(self))

    def shown(self: Any) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in zip(names, held(self), strict=True))
        return f"{self.__class__.__qualname__}({told})"

    def restored(self: Any, state: tuple[Any, ...]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {
        "__eq__": equal,
        "__hash__": hashed,
        "__repr__": shown,
        "__getstate__": held,
        "__setstate__": restored,
        "__setattr__": _refuse_change,
        "__delattr__": _refuse_loss,
    }


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        several = attrgetter(*names)
        return lambda value: several(value)
    return lambda value: tuple(getattr(value, name) for name in names)


def _refuse_change(_: Any, name: str, __: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_loss(_: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
