"""What wins: the fields of a shot between what applies to many shots, and the profile that was chosen.

From the bottom: the defaults of the outermost manifest, those of the file that the shot is in, what is set for its
model, its own entry, the profile. A field that is `null` takes away what lies below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import field
from decimal import Decimal
from functools import cached_property
from typing import Any

from kfpipe.catalogue import Catalogue
from kfpipe.errors import Severity
from kfpipe.files.text import DataPath, normalised_values
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.scalars import Scalar
from kfpipe.manifest.model import Matrix, Variables
from kfpipe.values import dataclass, remembered
from kfpipe.wording import did_you_mean, echoed, listed, some_of

FieldsAt = tuple[DataPath, Mapping[str, Any]]
"""Fields, and where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Fields laid over one another; one that was taken away is None, and `places` says where that was done.

    The texts of `variables` are in the one form in which prompts have them.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    variables: Variables = field(default_factory=dict)
    places: Mapping[str, DataPath] = field(default_factory=dict)


def laid(layers: Iterable[FieldsAt]) -> Layers:
    """The layers as one, the last on top; variables are laid over one another each for itself."""
    fields: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    places: dict[str, DataPath] = {}
    for path, layer in layers:
        for name, value in layer.items():
            if name == "vars":
                variables = {} if value is None else variables | normalised_values(value)
            elif name != "matrix":
                fields[name], places[name] = value, (*path, name)
    return Layers(fields=fields, variables=variables, places=places)


class Inheritance:
    """What applies to the shots of one file besides what they say themselves. `model_name` follows aliases."""

    def __init__(
        self, document: Document, number: int, profile: str | None, model_name: Callable[[str], str] = str
    ) -> None:
        self._chain = tuple((path, said) for path, said in document.said_for(number))
        self._profile = profile
        self._model_name = model_name
        self._below = remembered(self._laid_below)
        self._known_places: dict[tuple[str | None, ...], Mapping[str, DataPath]] = {}
        self._known_variables: dict[str | None, Variables] = {}

    def settled(self, own: Mapping[str, Any], places: Mapping[str, DataPath], *, model: str | None = None) -> Layers:
        """All that a shot is given, by itself or not; `places` locates own fields, `model` is one that a matrix gives.

        Equal places and variables are one object: thousands of shots inherit the same fields.
        """
        model = model or self._model_of(own)
        below, profile = self._below(None if model is None else self._model_name(model)), self.profile
        key = (model, *own)
        inherited = self._known_places.get(key)
        if inherited is None:
            kept = {name: place for name, place in below.places.items() if name not in own}
            inherited = {**kept, **profile.places}
            self._known_places[key] = inherited
        if "vars" in own:
            under = {} if own["vars"] is None else {**below.variables, **normalised_values(own["vars"])}
            variables = _kept({**under, **profile.variables})
        elif model in self._known_variables:
            variables = self._known_variables[model]
        else:
            variables = self._known_variables[model] = _kept({**below.variables, **profile.variables})
        return Layers(
            fields=_kept({**below.fields, **own, **profile.fields}),
            variables=variables,
            places={**places, **inherited} if places else inherited,
        )

    def _model_of(self, own: Mapping[str, Any]) -> str | None:
        for fields in (self.profile.fields, own, self._below(None).fields):
            if "model" in fields:
                name: str | None = fields["model"]
                return name
        return None

    def _laid_below(self, model: str | None) -> Layers:
        layers: list[FieldsAt] = []
        for path, said in self._chain:
            layers += [(path, {"vars": said.get("vars", {})}), ((*path, "defaults"), said.get("defaults", {}))]
        for path, said in self._chain:
            of_models = said.get("models", {}).items()
            layers += [((*path, "models", name), of) for name, of in of_models if self._model_name(name) == model]
        return laid(layers)

    # -- the profile ------------------------------------------------------------------------------------------------

    @property
    def sets_models(self) -> bool:
        """Whether anything is set for one model."""
        return any(said.get("models") for _, said in self._chain)

    @cached_property
    def profile(self) -> Layers:
        """The fields that win over those of the shots; the profile of the shots' own file is on top."""
        return laid(self._profiles)

    @cached_property
    def _profiles(self) -> tuple[FieldsAt, ...]:
        name = self._profile
        if name is None:
            return ()  # then what the manifest says of profiles may be broken
        found = ((path, said.get("profiles", {}).get(name)) for path, said in self._chain)
        return tuple(((*path, "profiles", name), chosen) for path, chosen in found if chosen is not None)

    @cached_property
    def axes(self) -> Mapping[str, DataPath]:
        """The profile's axes, and where they are: they take the place of a shot's own of the same names."""
        return {name: (*path, "matrix", name) for path, chosen in self._profiles for name in chosen.get("matrix", {})}

    @cached_property
    def _axis_values(self) -> Mapping[str, tuple[Scalar, ...]]:
        blocks = [chosen.get("matrix", {}) for _, chosen in self._profiles]
        return {name: tuple(values) for block in blocks for name, values in block.items()}

    def matrix(self, data: Mapping[str, Any], path: DataPath) -> Matrix:
        """A shot's own matrix with the profile's axes in it, and with what the profile's fields make of the others.

        What `include` and `exclude` say about an axis of the profile is about values that no longer apply.
        """
        own = {name: tuple(values) for name, values in data.items() if name not in ("include", "exclude")}
        taken = {name: values for name, values in self._axis_values.items() if name in own}
        won = {name: (self.profile.places[name], value) for name, value in self.profile.fields.items()}
        for at, chosen in self._profiles:
            won |= {name: ((*at, "vars", name), value) for name, value in (chosen.get("vars") or {}).items()}
        return Matrix(
            path=path,
            axes=own | taken,
            include=_without(taken.keys(), data.get("include", ())),
            exclude=_without(taken.keys(), data.get("exclude", ())),
            places={name: self.axes[name] for name in taken},
            overridden={name: found for name, found in won.items() if name not in taken},
        )


def _kept(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is not taken away by a null."""
    return {name: value for name, value in given.items() if value is not None} if None in given.values() else given


def _without(names: Set[str], entries: Iterable[Mapping[str, Scalar]]) -> dict[int, Mapping[str, Scalar]]:
    return {place: entry for place, entry in enumerate(entries) if names.isdisjoint(entry)}


def profile_values(document: Document) -> Mapping[str, tuple[Scalar, ...]]:
    """All that any profile sets a field or variable to, by its name; where the structure is broken, what is sound."""
    found: dict[str, list[Scalar]] = {}
    for _, said in document.said():
        profiles = said.get("profiles")
        for chosen in profiles.values() if isinstance(profiles, Mapping) else ():
            fields = laid([((), chosen)]) if isinstance(chosen, Mapping) else Layers()
            for name, value in (*fields.fields.items(), *fields.variables.items()):
                if value is None or isinstance(value, str | int | Decimal):
                    found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def unknown_profile(profiles: Iterable[str], profile: str) -> Finding:
    """A profile that was chosen and does not exist."""
    known = list(profiles)
    return Finding(
        path=(),
        what=f"there is no profile {echoed(profile)}",
        expected=listed(known) if known else None,
        fix=did_you_mean(profile, known, "choose one of these" if known else "add it under `profiles`"),
    )


def unknown_models(said: FieldsAt, catalogue: Catalogue) -> Iterator[Finding]:
    """Models that something is set for, and that do not exist."""
    path, parts = said
    offered = [*catalogue.models]
    models = parts.get("models")
    for name in models if isinstance(models, dict) else ():
        if catalogue.model(name) is None:
            yield Finding(
                path=(*path, "models", name),
                at_key=True,
                what=f"the model {echoed(name)} is not known",
                expected=some_of(offered),
                fix=did_you_mean(name, offered, "delete it, or choose one of these; `kfpipe models` lists them"),
            )


def idle_axes(axes: Mapping[DataPath, str], varied: Set[str]) -> Iterator[Finding]:
    """Axes of the profile that no shot has: most likely mistyped, and then more is rendered than was meant."""
    for path, name in axes.items():
        if name in varied:
            continue
        yield Finding(
            path=path,
            at_key=True,
            what=f"no shot's matrix varies `{name}`, and a profile cannot add an axis",
            expected=listed(sorted(varied)) if varied else None,
            fix=did_you_mean(name, varied, "delete the line; a field for all shots goes outside `matrix`"),
            severity=Severity.WARNING,
        )
