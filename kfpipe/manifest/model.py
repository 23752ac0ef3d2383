"""The manifest, typed: the account it is for, and what each shot says by itself, by the defaults and by its matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from kfpipe.catalogue import Region
from kfpipe.domain import MIN_FIDELITY, FrameEnd, MediaRole, PictureSize, Trim
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.scalars import Scalar
from kfpipe.values import dataclass

TAKES_LIMIT = 10_000
"""Takes that all matrices of a manifest may make together: more than that is more likely a mistake."""


Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file of the project; `path` is relative to the manifest's folder, normalised, with forward slashes."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file that the service fetches by itself."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOf:
    """The picture that another shot begins or ends with."""

    shot_id: str
    end: FrameEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOf:
    """A picture of another shot's finished render, or the whole of it where `end` is None.

    `take` says which one, where the shot has several.
    """

    shot_id: str
    end: FrameEnd | None
    take: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSlice:
    """The part of a sound of the project that begins at `start_s` and is as long as the clip.

    `runs_on`: it was given for a whole sequence, and begins in each of its shots where the one before it ended.
    """

    path: str
    start_s: Decimal
    runs_on: bool = False


File = LocalFile | RemoteFile
MediaSource = File | SoundSlice | StillOf | RenderOf
"""Where a picture, a sound or a clip of a shot comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """A prompt in a file of its own; `path` is relative to the manifest's folder."""

    path: str


class SeedChoice(Enum):
    """In place of a number: a seed derived from all else that the take asks for, or a new one for each render."""

    DERIVED = "derived"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotSettings:
    """What an axis of a matrix may vary besides media, under the manifest's own names; `duration` is in seconds.

    `model` is None where the manifest names none, `template` where no effect is asked for, `audio` where it is left to
    what sound costs.
    """

    model: str | None = None
    resolution: str = "720P"
    duration: int = 5
    prompt_extend: bool = False
    watermark: bool = False
    audio: bool | None = None
    seed: int | SeedChoice = SeedChoice.DERIVED
    prompt: str | PromptFile = ""
    negative_prompt: str = ""
    template: str | None = None
    attempts: int = 3
    priority: int = 0


class Verb(StrEnum):
    """What may be done to a still before it is sent."""

    UPRIGHT = "upright"
    FLATTEN = "flatten"
    RESIZE = "resize"
    CONVERT = "convert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What is done to the stills of a shot, where they need it; `background` is what `flatten` lays under them."""

    verbs: frozenset[Verb] = frozenset({Verb.UPRIGHT})
    background: str = "#ffffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The axes in the order declared, each with its values; combinations to add and to leave out, by their places.

    `places` locates axes that are not directly under `path`: a profile's. `files` are the values of axes
    over media, by field and text; those that were refused are missing. `overridden` is what wins over the values of
    a name, and where it is; None where the name is to vary no more.
    """

    path: DataPath
    axes: Mapping[str, tuple[Scalar, ...]]
    include: Mapping[int, Mapping[str, Scalar]] = field(default_factory=dict)
    exclude: Mapping[int, Mapping[str, Scalar]] = field(default_factory=dict)
    places: Mapping[str, DataPath] = field(default_factory=dict)
    files: Mapping[tuple[MediaRole, str], File] = field(default_factory=dict)
    overridden: Mapping[str, tuple[DataPath, Scalar]] = field(default_factory=dict)

    def varies(self, name: str) -> bool:
        """Whether the takes may differ in this field or variable."""
        return name in self.axes or any(name in entry for entry in self.include.values())

    def axis_path(self, name: str) -> DataPath:
        """Where the values of an axis are."""
        return self.places.get(name, (*self.path, name))

    def place_of(self, name: str, value: Scalar) -> DataPath:
        """Where a value of a field or variable is."""
        if value in self.axes.get(name, ()):
            return (*self.axis_path(name), self.axes[name].index(value))
        at = next(at for at, entry in self.include.items() if entry.get(name) == value)
        return (*self.path, "include", at, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which shot of a sequence this is: `index` counts from 1 to `count`."""

    index: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForModel:
    """What a shot is where its matrix chooses a model that something is set for."""

    settings: ShotSettings
    variables: Variables
    places: Mapping[str, DataPath]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One shot, whether it has an entry of its own or is one of a sequence.

    `places` locates fields that are not in the shot's own entry; the texts of `variables` are in the one form that
    prompts have. `refused` names the media and the prompt that cannot be used. `in_film` is whether `film.order` has a
    place for it.
    """

    id: str
    path: DataPath
    places: Mapping[str, DataPath] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    media: Mapping[MediaRole, MediaSource] = field(default_factory=dict)
    variables: Variables = field(default_factory=dict)
    settings: ShotSettings = field(default_factory=ShotSettings)
    preparation: Preparation = field(default_factory=Preparation)
    in_sequence: Place | None = None
    matrix: Matrix | None = None
    by_model: Mapping[str, ForModel] = field(default_factory=dict)
    in_film: bool = True
    trim: Trim | None = None
    notes: str = ""

    @property
    def sequence(self) -> str | None:
        """The id of the sequence that it is one of; None where it has an entry of its own."""
        return None if self.in_sequence is None else self.id.rpartition(".")[0]

    @property
    def where(self) -> str:
        """The shot as messages name it."""
        return f"shot '{self.id}'"

    def path_of(self, name: str) -> DataPath:
        """Where the field is: in the shot's entry, or in what it was inherited from."""
        return self.places.get(name) or (*self.path, name)

    def inherits(self, name: str) -> bool:
        """Whether the field comes from elsewhere: the defaults, what is set for the model, a profile."""
        return name in self.places and self.places[name][: len(self.path)] != self.path

    def for_model(self, name: object) -> Shot:
        """The same shot where its matrix chooses this model; prompts and media are those of all models."""
        found = self.by_model.get(name) if isinstance(name, str) else None
        if found is None:
            return self
        settings = replace(found.settings, prompt=self.settings.prompt)
        return replace(self, settings=settings, variables=found.variables, places=found.places)


class ProviderName(StrEnum):
    """Who renders: the service, or the emulator on this machine."""

    DASHSCOPE = "dashscope"
    EMULATOR = "emulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """Where requests go, and who pays. `base_url` is None where the region's own address does.

    `workspace` is None where the key belongs to one, `account` where the account has no name. `priced_in` is the region
    whose prices hold, where the emulator stands in for it. `burn_in` is whether the emulator's clips show their takes.
    """

    name: ProviderName = ProviderName.DASHSCOPE
    region: Region
    priced_in: Region | None = None
    base_url: str | None = None
    workspace: str | None = None
    account: str | None = None
    burn_in: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """The account's own limits, None where the manifest leaves it to the catalogue; `matrix_takes` bounds
    what all matrices make together."""

    submissions_per_second: int | None = None
    concurrent_tasks: int | None = None
    queries_per_second: int | None = None
    matrix_takes: int = TAKES_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings:
    """What one run may cost, and what all that is on record may; None where the manifest does not say."""

    max_cost: Decimal | None
    max_total: Decimal | None = None
    currency: str


class Transition(StrEnum):
    """How one shot of the film gives way to the next."""

    CUT = "cut"
    DISSOLVE = "dissolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmSettings:
    """The film that the picked takes make. `order` names shots as the manifest does; empty: as they are written.

    `music` is a file of the project; `size` is None where the clips decide it.
    """

    order: tuple[str, ...] = ()
    transition: Transition = Transition.CUT
    transition_s: Decimal = Decimal("0.5")
    music: str | None = None
    size: PictureSize | None = None

    @property
    def overlap_s(self) -> Decimal:
        """By how much each shot begins before the one before it ends: not at all at cuts."""
        return self.transition_s if self.transition is Transition.DISSOLVE else Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """What one second of video costs by the manifest; `path` is where it says so, () when the command line does.

    `sound` is whether the clip has it; None: the price is that of either.
    """

    model: str
    resolution: str
    amount: Decimal
    path: DataPath = ()
    sound: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A whole shot list, includes and defaults applied, its shots in the order of the film.

    `file` is its name in messages; `output_dir` is relative to its folder, with forward slashes. `variables` are those
    of the command line, which win over those of the shots. `by_profile` are the values that its profiles, chosen or
    not, have for fields and variables: in a draft they stand where another take has a value of its matrix. A clip that
    is less like its stills than `min_fidelity` has drifted.
    """

    file: str
    title: str
    provider: ProviderSettings
    limits: AccountLimits
    budget: BudgetSettings | None
    output_dir: str
    prices: tuple[PriceLine, ...]
    variables: Variables
    shots: tuple[Shot, ...]
    by_profile: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    film: FilmSettings = field(default_factory=FilmSettings)
    min_fidelity: Decimal = MIN_FIDELITY

    @property
    def max_cost(self) -> Decimal | None:
        """What one run may cost without asking; None where there is no budget."""
        return None if self.budget is None else self.budget.max_cost

    @property
    def max_total(self) -> Decimal | None:
        """What all that is on record may cost; None where there is no such budget."""
        return None if self.budget is None else self.budget.max_total
