"""Document -> Manifest: typed values with the defaults laid under, and the rules that a schema cannot state.

The structure was checked before: what `kfpipe.schema` found broken is left out here, so that it hides nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from kfpipe import references
from kfpipe.catalogue import EMULATOR_REGION, Catalogue, Region
from kfpipe.document import Document, Path
from kfpipe.errors import Problem
from kfpipe.findings import Finding, did_you_mean
from kfpipe.frames import Frame
from kfpipe.schema import StructureCheck
from kfpipe.wording import echoed, listed

DEFAULT_REGION = "singapore"
DEFAULT_OUTPUT_DIR = "renders"
_RESERVED_NAMES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10))]
)

Scalar = str | int | bool | Decimal | None
Variables = Mapping[str, Any]


class ProviderName(StrEnum):
    DASHSCOPE = "dashscope"
    EMULATOR = "emulator"


class SeedChoice(Enum):
    """What stands in for a number: a seed derived from the take's id, or one drawn anew for each render."""

    DERIVED = "derived"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    name: ProviderName = ProviderName.DASHSCOPE
    region: Region
    base_url: str | None = None
    workspace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The account's own limits; None where the manifest leaves it to the catalogue."""

    submissions_per_second: int | None = None
    concurrent_tasks: int | None = None
    queries_per_second: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`max_cost` is None where the manifest only names a currency."""

    max_cost: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """What one second of video costs by the manifest; `path` is where it says so, () when the command line does."""

    model: str
    resolution: str
    amount: Decimal
    path: Path = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """A prompt that stands in a file of its own; `path` is relative to the manifest's folder."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an axis of a matrix may vary, under the manifest's own names; `duration` is in seconds.

    `model` is None where the manifest names none.
    """

    model: str | None = None
    resolution: str = "720P"
    duration: int = 5
    prompt_extend: bool = False
    watermark: bool = False
    seed: int | SeedChoice = SeedChoice.DERIVED
    negative_prompt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The axes in the order declared, each with its values; combinations to add and to leave out."""

    path: Path
    axes: Mapping[str, tuple[Scalar, ...]]
    include: tuple[Mapping[str, Scalar], ...] = ()
    exclude: tuple[Mapping[str, Scalar], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One entry of the shot list. `inherited` names the fields that come from `defaults`.

    A frame or prompt is None when it is absent or was refused; `refused` names the refused ones.
    """

    id: str
    path: Path
    inherited: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    first_frame: Frame | None = None
    last_frame: Frame | None = None
    prompt: str | PromptFile | None = None
    variables: Variables = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    attempts: int = 3
    priority: int = 0
    matrix: Matrix | None = None

    @property
    def where(self) -> str:
        return f"shot '{self.id}'"

    def path_of(self, name: str) -> Path:
        """Where the field stands: in the shot itself, or in the defaults it was inherited from."""
        return ("defaults", name) if name in self.inherited else (*self.path, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    file: str
    title: str
    provider: ProviderSettings
    limits: Limits
    budget: Budget | None
    output_dir: str
    prices: tuple[PriceLine, ...]
    variables: Variables
    shots: tuple[Shot, ...]


def parse(
    document: Document,
    check: StructureCheck,
    *,
    catalogue: Catalogue,
    region: str | None = None,
    levels_up: int = 0,
) -> tuple[Manifest, tuple[Problem, ...]]:
    """The manifest as far as it is usable, and what is wrong with it.

    `region` overrides the manifest's; `levels_up` is the number of folders between the manifest and the project's
    root. An unknown region is reported and read as the default one, so that everything else can be checked.
    """
    reader = _Reader(document=document, check=check, catalogue=catalogue, region=region, levels_up=levels_up)
    return reader.manifest(), tuple(reader.problems)


class _Reader:
    """One pass over one document; collects problems on the way."""

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
        self._inherited: dict[frozenset[str], frozenset[str]] = {}

    def manifest(self) -> Manifest:
        provider, certain = self._provider()
        return Manifest(
            file=self._document.file,
            title=self._part("title", ""),
            provider=provider,
            limits=Limits(**self._part("limits", {})),
            budget=self._budget(provider.region if certain else None),
            output_dir=self._output_dir(),
            prices=tuple(self._prices()),
            variables=self._part("vars", {}),
            shots=tuple(self._shots()),
        )

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
            base_url=base_url,
            workspace=data.get("workspace"),
        )
        return settings, region is not None and ("provider",) not in self._broken

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

    def _budget(self, region: Region | None) -> Budget | None:
        data = self._part("budget", None)
        if data is None:
            return None
        max_cost = Decimal(data["max_cost"]) if "max_cost" in data else None
        budget = Budget(max_cost=max_cost, currency=data["currency"])
        play_money = region is None or region.name == EMULATOR_REGION
        if region is not None and not play_money and budget.currency != region.currency:
            finding = Finding(
                path=("budget", "currency"),
                what=f"the budget is in {budget.currency}, but the region {region.name} bills in {region.currency}",
                expected=region.currency,
                fix=f"give `max_cost` in {region.currency} and write `currency: {region.currency}`",
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

    def _prices(self) -> Iterator[PriceLine]:
        for model, by_resolution in self._part("prices", {}).items():
            for resolution, amount in by_resolution.items():
                path = ("prices", model, resolution)
                yield PriceLine(model=model, resolution=resolution, amount=Decimal(amount), path=path)

    # -- shots ------------------------------------------------------------------------------------------------------

    def _shots(self) -> Iterator[Shot]:
        """The usable shots; none at all when what every shot rests on is broken."""
        if self._broken & {(), ("defaults",), ("vars",), ("shots",)}:
            return
        defaults = self._part("defaults", {})
        first_with: dict[str, Shot] = {}
        for place, own in enumerate(self._data["shots"]):
            path: Path = ("shots", place)
            if path in self._broken:
                continue
            shot = self._shot(path, own, defaults)
            twin = first_with.setdefault(shot.id.casefold(), shot)
            if twin is not shot:
                self._report(self._same_name(shot, twin), shot.where)
            if shot.id.partition(".")[0].casefold() in _RESERVED_NAMES:
                self._report(_reserved_name(shot), shot.where)
            yield shot

    def _shot(self, path: Path, own: Mapping[str, Any], defaults: Mapping[str, Any]) -> Shot:
        fields = {**defaults, **own}
        inherited = self._shared(frozenset(defaults.keys() - own.keys()))
        frame_paths = {name: ("defaults", name) if name in inherited else (*path, name) for name in _REFERENCES}
        read = {name: self._reference(name, fields.get(name), frame_paths[name]) for name in _REFERENCES}
        findings = {name: value for name, value in read.items() if isinstance(value, Finding)}
        for finding in findings.values():
            self._report(finding, f"shot '{own['id']}'")
        usable: dict[str, Any] = {name: value for name, value in read.items() if name not in findings}
        return Shot(
            id=own["id"],
            path=path,
            inherited=inherited,
            refused=frozenset(findings),
            tags=tuple(fields.get("tags", ())),
            variables={**defaults.get("vars", {}), **own.get("vars", {})},
            settings=_settings(fields),
            attempts=fields.get("attempts", 3),
            priority=fields.get("priority", 0),
            matrix=_matrix(own["matrix"], (*path, "matrix")) if "matrix" in own else None,
            **usable,
        )

    def _same_name(self, shot: Shot, twin: Shot) -> Finding:
        line = self._document.position(twin.path).line
        other = "another shot" if twin.id == shot.id else f"'{twin.id}', which differs in capital letters only"
        return Finding(
            path=(*shot.path, "id"),
            what=f"the id '{shot.id}' is taken by {other} (line {line})",
            expected="an id that no other shot has: it becomes the name of the video file",
            fix="rename one of the two shots",
        )

    def _shared(self, names: frozenset[str]) -> frozenset[str]:
        """One object for equal sets: thousands of shots inherit the same fields."""
        return self._inherited.setdefault(names, names)

    def _reference(self, name: str, value: Any, path: Path) -> Frame | PromptFile | str | Finding | None:
        if value is None:
            return None
        if name != "prompt":
            return references.frame(value, path, levels_up=self._levels_up)
        if isinstance(value, str):
            return value
        file = references.inside_project(value["file"], (*path, "file"), levels_up=self._levels_up)
        return file if isinstance(file, Finding) else PromptFile(path=file)


_REFERENCES = ("first_frame", "last_frame", "prompt")
_SETTINGS = tuple(Settings.__dataclass_fields__)


def _settings(fields: Mapping[str, Any]) -> Settings:
    given = {name: fields[name] for name in _SETTINGS if name in fields}
    if given.get("seed") == SeedChoice.RANDOM.value:
        given["seed"] = SeedChoice.RANDOM
    return Settings(**given)


def _matrix(data: Mapping[str, Any], path: Path) -> Matrix:
    axes = {name: tuple(values) for name, values in data.items() if name not in ("include", "exclude")}
    return Matrix(path=path, axes=axes, include=_entries(data, "include"), exclude=_entries(data, "exclude"))


def _entries(data: Mapping[str, Any], name: str) -> tuple[Mapping[str, Scalar], ...]:
    entries: Sequence[Mapping[str, Scalar]] = data.get(name, ())
    return tuple(entries)


def _reserved_name(shot: Shot) -> Finding:
    return Finding(
        path=(*shot.path, "id"),
        what=f"the id '{shot.id}' cannot be the name of a file on Windows",
        expected=f"no id like {listed(['con', 'prn', 'aux', 'nul', 'com1', 'lpt1'])}, whatever follows a dot",
        fix=f"rename the shot, for instance to `shot_{shot.id}`",
    )
