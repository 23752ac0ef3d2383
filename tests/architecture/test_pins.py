"""The pinned development environment and pyproject.toml do not drift apart."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from itertools import chain

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.docs.pages import README
from tests.pins import PINS, pyproject

CLASSIFIERS = pyproject()["project"]["classifiers"]
PYTHONS = [
    found[1] for line in CLASSIFIERS if (found := re.fullmatch(r"Programming Language :: Python :: ([\d.]+)", line))
]


def applies(marker: Marker | None, python: str, extra: str = "") -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": extra}
    return marker is None or marker.evaluate(environment)


def pinned(python: str) -> dict[str, Version]:
    """What the file says on this system for one Python."""
    found: dict[str, Version] = {}
    for line in PINS.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        pin = Requirement(line)
        if applies(pin.marker, python):
            (specifier,) = pin.specifier
            assert specifier.operator == "=="
            assert pin.name not in found
            found[pin.name] = Version(specifier.version)
    return found


def named() -> Iterator[Requirement]:
    """All that pyproject.toml names, but for the extras of kfpipe itself."""
    project = pyproject()
    extras = project["project"]["optional-dependencies"].values()
    for line in chain(project["build-system"]["requires"], project["project"]["dependencies"], *extras):
        requirement = Requirement(line)
        if requirement.name != "kfpipe":
            yield requirement


def brought(python: str) -> set[str]:
    """What the extra `dev` has brought into this environment, and what that has brought."""
    found: set[str] = set()
    waiting = [Requirement("kfpipe[dev]")]
    while waiting:
        requirement = waiting.pop()
        try:
            lines = requires(requirement.name) or []
        except PackageNotFoundError:
            continue
        for line in lines:
            needed = Requirement(line)
            if any(applies(needed.marker, python, extra) for extra in ("", *requirement.extras)):
                name = canonicalize_name(needed.name)
                if name not in found or needed.extras:
                    waiting.append(needed)
                found.add(name)
    return found - {"kfpipe"}


@pytest.mark.parametrize("python", PYTHONS)
def test_everything_that_the_project_names_is_pinned_within_its_range(python: str) -> None:
    pins = pinned(python)
    for requirement in named():
        if applies(requirement.marker, python):
            version = pins.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement.name} is not pinned for Python {python}"
            assert version in requirement.specifier, f"{requirement} is pinned to {version}"


def test_everything_that_they_bring_is_pinned_too() -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert brought(python) <= pinned(python).keys()


def test_the_pins_name_no_address_and_no_folder() -> None:
    assert not set("/\\@") & set(PINS.read_text("utf-8"))


def test_the_command_of_the_readme_keeps_to_the_pins() -> None:
    (command,) = (line for line in README.read_text("utf-8").splitlines() if "-m pytest" in line)
    assert f" PIP_CONSTRAINT={PINS.name} PIP_BUILD_CONSTRAINT={PINS.name} " in command
