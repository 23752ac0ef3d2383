"""What a shot inherits from the rest of the manifest: the defaults, and over them the profile that was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from kfpipe.errors import Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.scalars import Scalar
from kfpipe.manifest.model import Matrix, Variables
from kfpipe.wording import did_you_mean, echoed, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Inheritance:
    """What applies to every shot that does not set it itself; `places` says where each field is.

    `axes` are the profile's, at `axes_path`: they take the place of a shot's own axes of the same names.
    """

    fields: Mapping[str, Any]
    variables: Variables
    places: Mapping[str, DataPath]
    axes: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    axes_path: DataPath = ()

    def matrix(self, data: Mapping[str, Any], path: DataPath) -> Matrix:
        """A shot's own matrix with the profile's axes in it.

        What `include` and `exclude` say about such an axis is about values that no longer apply, and is dropped.
        """
        own = {name: tuple(values) for name, values in data.items() if name not in ("include", "exclude")}
        taken = {name: values for name, values in self.axes.items() if name in own}
        return Matrix(
            path=path,
            axes=own | taken,
            include=_without(taken.keys(), data.get("include", ())),
            exclude=_without(taken.keys(), data.get("exclude", ())),
            places={name: (*self.axes_path, name) for name in taken},
        )


def _without(names: Set[str], entries: Iterable[Mapping[str, Scalar]]) -> dict[int, Mapping[str, Scalar]]:
    return {place: entry for place, entry in enumerate(entries) if names.isdisjoint(entry)}


def inheritance(data: Mapping[str, Any], profile: str | None) -> Inheritance:
    """What the shots of a manifest inherit; a profile that is not there adds nothing."""
    defaults = data.get("defaults", {})
    chosen = {} if profile is None else data.get("profiles", {}).get(profile, {})
    laid_over = {name: value for name, value in chosen.items() if name != "matrix"}
    places: dict[str, DataPath] = {name: ("defaults", name) for name in defaults}
    places |= {name: ("profiles", str(profile), name) for name in laid_over}
    return Inheritance(
        fields={**defaults, **laid_over},
        variables={**defaults.get("vars", {}), **chosen.get("vars", {})},
        places=places,
        axes={name: tuple(values) for name, values in chosen.get("matrix", {}).items()},
        axes_path=("profiles", str(profile), "matrix"),
    )


def unknown_profile(profiles: Mapping[str, Any], profile: str) -> Finding:
    """A profile that was chosen and does not exist."""
    return Finding(
        path=(),
        what=f"there is no profile {echoed(profile)}",
        expected=listed(profiles) if profiles else None,
        fix=did_you_mean(profile, profiles, "choose one of these" if profiles else "add it under `profiles`"),
    )


def idle_axes(inherited: Inheritance, varied: Set[str]) -> Iterator[Finding]:
    """Axes of the profile that no shot has: most likely mistyped, and then more is rendered than was meant."""
    for name in inherited.axes.keys() - varied:
        yield Finding(
            path=(*inherited.axes_path, name),
            at_key=True,
            what=f"no shot's matrix varies `{name}`, and a profile cannot add an axis",
            expected=listed(sorted(varied)) if varied else None,
            fix=did_you_mean(name, varied, "delete the line; a field for all shots goes outside `matrix`"),
            severity=Severity.WARNING,
        )
