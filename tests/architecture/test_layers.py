"""The house: imports go to the left only and form no circle; the pure rooms touch nothing of the world."""

from __future__ import annotations

from tests.architecture.house import (
    ENTRANCES,
    ORDER,
    WORLD,
    WORLDLY,
    against_the_order,
    circle,
    imports,
    is_pure,
    package_of,
    rooms,
)


def test_a_package_imports_only_from_those_before_it() -> None:
    unknown = sorted({package_of(room) for room, _ in rooms()} - {*ORDER, *ENTRANCES, "emulator"})
    assert not unknown, f"packages without a place in ORDER: {unknown}"
    assert not (wrong := against_the_order()), "\n".join(wrong)


def test_pure_rooms_do_without_the_world() -> None:
    used = {room: {name.partition(".")[0] for name in imports(path)} & WORLD for room, path in rooms()}
    wrong = [f"{room} imports {', '.join(sorted(names))}" for room, names in used.items() if is_pure(room) and names]
    idle = [
        f"{room} is called worldly, and touches nothing"
        for room in sorted(WORLDLY)
        if room != "emulator" and not used[room]
    ]
    assert not wrong + idle, "\n".join(wrong + idle)


def test_imports_form_no_circle() -> None:
    assert not (rooms_in_circle := circle()), " -> ".join(rooms_in_circle)
