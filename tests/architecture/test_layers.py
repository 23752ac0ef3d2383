"""The house: imports go to the left only and form no circle; the pure rooms touch nothing of the world."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from tests.architecture.house import (
    ENTRANCES,
    HOSTS,
    ORDER,
    WORLD,
    WORLDLY,
    imports,
    is_pure,
    own_imports,
    package_of,
    rooms,
)


def test_a_package_imports_only_from_those_before_it() -> None:
    rank = {package: place for place, package in enumerate(ORDER)}
    unknown = sorted({package_of(room) for room, _ in rooms()} - {*rank, *ENTRANCES, "emulator"})
    assert not unknown, f"packages without a place in ORDER: {unknown}"
    wrong = [
        f"{room} imports {other}"
        for room, path in rooms()
        if room not in ENTRANCES
        for other in own_imports(path)
        if not _is_allowed(package_of(room), package_of(other), rank)
    ]
    assert not wrong, "\n".join(wrong)


def _is_allowed(importer: str, imported: str, rank: dict[str, int]) -> bool:
    if importer == imported:
        return True
    if importer == "emulator":
        return False
    if imported == "emulator":
        return importer in HOSTS
    return rank.get(imported, len(rank)) < rank[importer]


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
    graph = {room: {other for other in own_imports(path) if other != room} for room, path in rooms()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(reversed(error.args[1]))) from None
