"""Document -> Manifest: typed values, and the rules that a schema cannot state.

The structure was checked before: what `manifest.schema` found broken is left out here, so that it hides nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from kfpipe.catalogue import Catalogue, Region
from kfpipe.domain import EMULATOR_REGION, MIN_FIDELITY, PictureSize
from kfpipe.errors import Problem
from kfpipe.files.text import DataPath
from kfpipe.manifest import dependencies, film, references
from kfpipe.manifest import shots as entries
from kfpipe.manifest.defaults import profile_values, unknown_models
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import (
    AccountLimits,
    BudgetSettings,
    FilmSettings,
    Manifest,
    PriceLine,
    ProviderName,
    ProviderSettings,
    Shot,
    Transition,
    Variables,
)
from kfpipe.manifest.schema import StructureCheck
from kfpipe.manifest.schema.validation import usable_id
from kfpipe.names import in_one_form
from kfpipe.wording import did_you_mean, echoed, listed

DEFAULT_REGION = "singapore"
DEFAULT_OUTPUT_DIR = "renders"
_NO_VARIABLES: Variables = {}
_HOLD_SHOTS: frozenset[DataPath] = frozenset([(), ("shots",), ("sequences",), ("include",), ("shot_lists",)])


def parse_manifest(
    document: Document,
    check: StructureCheck,
    *,
    catalogue: Catalogue,
    region: str | None = None,
    profile: str | None = None,
    variables: Variables = _NO_VARIABLES,
    levels_up: int = 0,
) -> tuple[Manifest, tuple[Problem, ...]]:
    """The manifest as far as it is usable, and what is wrong with it.

    `region` overrides the manifest's, `profile` names the one to lay over its shots, `variables` are those of the
    command line; `levels_up` is the number of folders between the manifest and the project's root. An unknown region is
    reported and read as the default one, so that everything else can be checked.
    """
    reader = _Reader(document=document, check=check, catalogue=catalogue, region=region, levels_up=levels_up)
    overlay = entries.Overlay(profile=profile, variables=variables, catalogue=catalogue)
    shots, shot_problems = entries.read(document, check.broken, levels_up=levels_up, overlay=overlay)
    may_exist = _hidden_shots(document, check)
    shots, refusals = dependencies.followed(shots, may_exist=may_exist)
    parsed = reader.manifest(shots, variables)
    reader.check_models()
    in_order, disorder = film.ordered(shots, parsed.film.order, may_exist=may_exist)
    told = [finding.problem(document, shot.where) for shot, finding in refusals]
    told += [finding.problem(document, "film") for finding in disorder]
    return replace(parsed, shots=in_order), (*reader.problems, *shot_problems, *told)


def _hidden_shots(document: Document, check: StructureCheck) -> Callable[[str], bool]:
    """Whether a shot that is not among the usable ones may be there all the same, in a part that is broken.

    It is asked for by its id, its sequence's, or a pattern.
    """
    broken = [path for path in check.broken if path[:1] in _HOLD_SHOTS]
    entries_of = {path: document.data[path[0]][path[1]] for path in broken if len(path) > 1}
    names = {usable_id(entry) for entry in entries_of.values()}
    if len(entries_of) < len(broken) or None in names:
        return lambda asked: True
    hidden = [in_one_form(name) for name in names if name is not None]

    def may_exist(asked: str) -> bool:
        of_sequence = asked.rpartition(".")[0]  # its shots end in a number
        return any(name in (asked, of_sequence) or fnmatchcase(name, asked) for name in hidden)

    return may_exist


class _Reader:
    """One pass over what applies to the manifest as a whole; collects problems on the way."""

    def __init__(
        self, *, document: Document, check: StructureCheck, catalogue: Catalogue, region: str | None, levels_up: int
    ) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._broken = check.broken
        self._data: Mapping[str, Any] = {} if () in check.broken else document.data
        self._catalogue = catalogue
        self._region = region
        self._levels_up = levels_up

    def manifest(self, shots: tuple[Shot, ...], variables: Variables) -> Manifest:
        provider, certain = self._provider()
        return Manifest(
            file=self._document.file,
            title=self._part("title", ""),
            provider=provider,
            limits=AccountLimits(**self._part("limits", {})),
            budget=self._budget(provider.region if certain else None),
            output_dir=self._output_dir(),
            prices=tuple(self._prices()),
            variables=variables,
            shots=shots,
            by_profile=profile_values(self._document) if self._data else {},
            film=self._film(),
            min_fidelity=Decimal(self._part("checks", {}).get("min_fidelity", MIN_FIDELITY)),
        )

    def check_models(self) -> None:
        """Report what is set for models that do not exist."""
        for said in self._document.said() if self._data else ():
            for finding in unknown_models(said, self._catalogue):
                self._report(finding, "models")

    def _part(self, name: str, absent: Any) -> Any:
        """A top-level part, or `absent` when it is missing or its structure is broken."""
        return absent if (name,) in self._broken else self._data.get(name, absent)

    def _report(self, finding: Finding, where: str) -> None:
        self.problems.append(finding.problem(self._document, where))

    # -- provider, money, output ------------------------------------------------------------------------------------

    def _provider(self) -> tuple[ProviderSettings, bool]:
        """The settings, and whether the region is really the one that was asked for."""
        data = self._part("provider", {})
        name = ProviderName(data.get("name", ProviderName.DASHSCOPE))
        region = self._catalogue.regions[EMULATOR_REGION] if EMULATOR_REGION in (name, self._region) else None
        region = region or self._known_region(self._region or data.get("region", DEFAULT_REGION))
        base_url = data.get("base_url")
        if base_url is not None:
            checked = references.base_url(base_url, ("provider", "base_url"))
            base_url = None if isinstance(checked, Finding) else checked
            if isinstance(checked, Finding):
                self._report(checked, "provider")
        settings = ProviderSettings(
            name=ProviderName.EMULATOR if region and region.name == EMULATOR_REGION else name,
            region=region or self._catalogue.regions[DEFAULT_REGION],
            priced_in=self._priced_in(name, data.get("region", DEFAULT_REGION)),
            base_url=base_url,
            workspace=data.get("workspace"),
            account=data.get("account"),
            burn_in=data.get("burn_in", True),
        )
        return settings, region is not None and ("provider",) not in self._broken

    def _priced_in(self, name: ProviderName, region: str) -> Region | None:
        """The manifest's own region, where the emulator stands in for it; None where prices are those of the region."""
        if name is ProviderName.EMULATOR or self._region != EMULATOR_REGION:
            return None
        return self._catalogue.region(region)

    def _known_region(self, name: str) -> Region | None:
        region = self._catalogue.region(name)
        if region is not None and region.name != EMULATOR_REGION:
            return region
        known = [name for name in self._catalogue.regions if name != EMULATOR_REGION]
        finding = Finding(
            path=("provider", "region") if self._region is None else (),
            what=f"the region {echoed(name)} is not known",
            expected=listed(known),
            fix=did_you_mean(name, known, f"change `region`, or delete the line to use {DEFAULT_REGION}"),
        )
        self._report(finding, "provider" if self._region is None else "--region")
        return None

    def _budget(self, region: Region | None) -> BudgetSettings | None:
        data = self._part("budget", None)
        if data is None:
            return None
        amounts = {name: Decimal(data[name]) for name in ("max_cost", "max_total") if name in data}
        budget = BudgetSettings(
            max_cost=amounts.get("max_cost"), max_total=amounts.get("max_total"), currency=data["currency"]
        )
        play_money = region is None or region.name == EMULATOR_REGION
        if region is not None and not play_money and budget.currency != region.currency:
            given = listed([f"`{name}`" for name in amounts] or ["`max_cost`"], "and")
            finding = Finding(
                path=("budget", "currency"),
                what=f"the budget is in {budget.currency}, but the region {region.name} bills in {region.currency}",
                expected=region.currency,
                fix=f"give {given} in {region.currency} and write `currency: {region.currency}`",
            )
            self._report(finding, "budget")
        return budget

    def _output_dir(self) -> str:
        text = self._part("output", {}).get("dir", DEFAULT_OUTPUT_DIR)
        folder = references.inside_project(text, ("output", "dir"), levels_up=self._levels_up)
        if isinstance(folder, Finding):
            self._report(folder, "output")
            return DEFAULT_OUTPUT_DIR
        return folder

    def _film(self) -> FilmSettings:
        data, usual = self._part("film", {}), FilmSettings()
        music = data.get("music")
        if music is not None:
            music = references.inside_project(music, ("film", "music"), levels_up=self._levels_up)
            if isinstance(music, Finding):
                self._report(music, "film")
                music = None
        size = data.get("size")
        return FilmSettings(
            order=tuple(map(in_one_form, data.get("order", ()))),
            transition=Transition(data.get("transition", usual.transition)),
            transition_s=Decimal(data.get("transition_s", usual.transition_s)),
            music=music,
            size=size and _size(size),
        )

    def _prices(self) -> Iterator[PriceLine]:
        for model, by_resolution in self._part("prices", {}).items():
            for resolution, amount in by_resolution.items():
                path = ("prices", model, resolution)
                by_sound = amount if isinstance(amount, Mapping) else {None: amount}
                for name, one in by_sound.items():
                    yield PriceLine(
                        model=model,
                        resolution=resolution,
                        amount=Decimal(one),
                        path=path if name is None else (*path, name),
                        sound=None if name is None else name == "sound",
                    )


def _size(text: str) -> PictureSize:
    """`1280x720`, as the schema has it."""
    width, _, height = text.partition("x")
    return PictureSize(width_px=int(width), height_px=int(height))
