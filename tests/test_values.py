"""Dataclasses of kfpipe's own make: to everyone who uses one it is one of the standard library's."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace

import pytest

from kfpipe.values import dataclass, remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    id: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot(Base):
    places: dict[str, int] = field(default_factory=dict)
    seconds: int = 5


@dataclass(frozen=True, slots=True)
class Pair:
    first: str
    last: str = "b.png"


SHOT = Shot(id="kitten", places={"seed": 3})


def test_a_value_has_its_fields_given_by_name_or_else_their_defaults() -> None:
    assert (SHOT.id, SHOT.tags, SHOT.places, SHOT.seconds) == ("kitten", (), {"seed": 3}, 5)
    assert Shot(id="a").places is not Shot(id="b").places
    assert Pair("a.png") == Pair("a.png", "b.png") == Pair(first="a.png")
    for wrong in ({}, {"id": "a", "colour": "red"}):
        with pytest.raises(TypeError):
            Shot(**wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Shot("kitten")  # type: ignore[misc]


def test_a_value_is_equal_to_another_of_its_class_with_the_same_fields() -> None:
    assert Shot(id="kitten", places={"seed": 3}) == SHOT != Shot(id="kitten")
    assert Base(id="kitten") != Shot(id="kitten")
    assert len({Pair("a"), Pair("a"), Pair("b"), Base(id="a"), Base(id="a")}) == 3


def test_a_value_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        SHOT.seconds = 6  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del SHOT.seconds
    with pytest.raises(AttributeError):
        SHOT.colour = "red"  # type: ignore[attr-defined]


def test_a_value_is_shown_copied_and_sent_to_another_process_as_it_is() -> None:
    assert repr(SHOT) == "Shot(id='kitten', tags=(), places={'seed': 3}, seconds=5)"
    assert pickle.loads(pickle.dumps(SHOT)) == copy.deepcopy(SHOT) == SHOT
    assert type(pickle.loads(pickle.dumps(SHOT))) is Shot


def test_the_standard_library_takes_it_for_one_of_its_own() -> None:
    assert is_dataclass(SHOT)
    assert [one.name for one in fields(SHOT)] == ["id", "tags", "places", "seconds"]
    assert asdict(replace(SHOT, seconds=6)) == {"id": "kitten", "tags": (), "places": {"seed": 3}, "seconds": 6}
    assert [*inspect.signature(Shot).parameters] == ["id", "tags", "places", "seconds"]
    match Pair("a.png"):
        case Pair(first, last):
            assert (first, last) == ("a.png", "b.png")


class Asked:
    def __init__(self) -> None:
        self.times = 0
        self.length = remembered(self._length)

    def _length(self, text: str) -> int:
        self.times += 1
        return len(text)


def test_what_a_method_has_found_is_not_found_again() -> None:
    asked = Asked()
    assert [asked.length("kitten"), asked.length("kitten"), asked.length("owl")] == [6, 6, 3]
    assert asked.times == 2


def test_who_remembers_what_it_has_found_goes_when_it_is_done_with() -> None:
    asked = Asked()
    asked.length("kitten")
    seen = weakref.ref(asked)
    gc.disable()
    try:
        del asked
        assert seen() is None
    finally:
        gc.enable()
