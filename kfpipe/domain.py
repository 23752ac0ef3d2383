"""The vocabulary: what a shot list, a take and a request are made of. Values only, all of them frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from graphlib import TopologicalSorter
from typing import Final

MIN_FIDELITY: Final = Decimal("0.80")
"""How much a clip's first and last picture have to look like its stills, where the manifest says nothing else."""

CANCELED: Final = "kfpipe.Canceled"
ABANDONED: Final = "kfpipe.Abandoned"
NEVER_CREATED: Final = "kfpipe.NeverCreated"
TASK_LOST: Final = "kfpipe.TaskUnknown"
NO_REASON: Final = "kfpipe.NoReason"
NO_LINK: Final = "kfpipe.NoLink"
"""Failure codes of kfpipe's own: cancelled by the user; declared lost; never a task; forgotten by the service, so that
it is unknown whether it was billed; failed without a code; succeeded, and so billed, without a link to the clip."""

EMULATOR_REGION = "emulator"
"""Where play money is spent: the region of all requests that the built-in emulator answers."""

SEED_MAX = 2_147_483_647
"""Largest seed that the service takes. Source: API reference, wan2.7-i2v and kf2v parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose money it is. `key` is twelve hex digits of a SHA-256 of the API key, `name` the manifest's word for it.

    `host` is where requests go, with the port unless it is the usual one, or `emulator`. A `key` of None is not known.
    """

    host: str
    workspace: str | None = None
    key: str | None = None
    name: str | None = None

    def is_like(self, other: Account) -> bool:
        """Whether both are one account as far as can be told without asking the service; a name tells nothing."""
        if (self.host, self.workspace) != (other.host, other.workspace):
            return False
        return self.key == other.key or None in (self.key, other.key)

    @property
    def text(self) -> str:
        """`acme (dashscope-intl.aliyuncs.com, key 1c9b52aa04f1)`."""
        facts = [self.host]
        facts += [f"workspace {self.workspace}"] if self.workspace else []
        facts += [f"key {self.key}"] if self.key else []
        told = ", ".join(facts)
        return f"{self.name} ({told})" if self.name else told


class MediaRole(StrEnum):
    """What a medium is for; the values are the service's own words."""

    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"
    DRIVING_AUDIO = "driving_audio"
    FIRST_CLIP = "first_clip"


class FrameEnd(StrEnum):
    """Which end of a clip a picture is taken from."""

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The file of the project that a prepared picture is made from, and the recipe that makes it."""

    path: str
    sha256: str
    recipe: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMedium:
    """A file of the project. `path` is relative to the manifest's folder, with forward slashes. A sound has no sides.

    `pixels` is the digest of the picture itself, where the file's bytes depend on the machine that wrote it. So do
    those of a prepared picture, which is known by its `original`.
    """

    path: str
    sha256: str
    size_bytes: int
    mime_type: str
    width_px: int | None = None
    height_px: int | None = None
    pixels: str | None = None
    original: Original | None = None

    @property
    def name(self) -> str:
        """The path of the file that a person knows it by."""
        return self.path if self.original is None else self.original.path

    @property
    def digest(self) -> str:
        """What the fingerprint and the record know it by: `sha256:` or `pixels:`, 64 hex digits, and its recipe."""
        if self.original is not None:
            return "+".join([f"sha256:{self.original.sha256}", *self.original.recipe])
        return f"sha256:{self.sha256}" if self.pixels is None else f"pixels:{self.pixels}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteMedium:
    """A file that only the service fetches; kfpipe never reads it.

    `url` is as the manifest has it, `digest` that of the URL without its signature.
    """

    url: str
    digest: str


Medium = LocalMedium | RemoteMedium


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInput:
    """A medium and the part it plays in a request; each role occurs once."""

    role: MediaRole
    medium: Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The settings as sent; what the model does not have is None.

    `seed` is also None when the take asked for a random one: it is drawn at submission.
    """

    resolution: str
    duration_s: int
    prompt_extend: bool | None
    watermark: bool | None
    seed: int | None
    audio: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """Everything that decides the pixels. `model` is the catalogue's name for it, `template` the effect asked for.

    `variant` are the names and values that tell a take from others of its kind where the model has no seed; None where
    it has one.
    """

    model: str
    prompt: str
    negative_prompt: str
    media: tuple[MediaInput, ...]
    parameters: Parameters
    template: str | None = None
    variant: Variant | None = None

    @property
    def draws_seed(self) -> bool:
        """Whether a seed is drawn for each request, so that no two of them ask for the same clip."""
        return self.parameters.seed is None and self.variant is None


Variant = tuple[tuple[str, str], ...]
"""Names and values, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutFrom:
    """A picture that is cut from another take's finished render, or the whole of it where `end` is None.

    `is_picked`: the manifest leaves several takes of the shot, and of them this one is picked. `is_open`: none of them
    is picked yet; `take_id` is the shot's id then.
    """

    take_id: str
    end: FrameEnd | None
    is_picked: bool = False
    is_open: bool = False

    @property
    def text(self) -> str:
        """The take, and whether it is meant because it is the pick: `kitten@seed=2 (picked)`."""
        if self.is_open:
            return f"{self.take_id} (none picked)"
        return f"{self.take_id} (picked)" if self.is_picked else self.take_id

    @property
    def part(self) -> str:
        """What of the render is meant, in a word."""
        return self.end or "clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSize:
    """The sides of a clip's picture."""

    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """The part of a clip that the film takes, in seconds from its beginning; an `end_s` of None is the clip's own."""

    start_s: Decimal = Decimal(0)
    end_s: Decimal | None = None

    @property
    def text(self) -> str:
        """`0.5 to 4 s`."""
        return f"{self.start_s.normalize():f} to {'end' if self.end_s is None else f'{self.end_s.normalize():f} s'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One concrete render of a shot: one task, one bill, one entry of the lockfile.

    `size` is what the service should deliver, None while the first frame is out of reach; of one that `has_rough_size`
    only the shape can be relied on. `unit_price` is per second
    of video, None when it is unknown; `cap_price` is what a second counts for a cap, where that is more. `output` is
    the render's path, relative to the manifest's folder. `attempts` bounds how often a failure that may pass is tried;
    a higher `priority` goes first. `cuts` are the pictures still to be cut from other takes: until then the request
    lacks these media, and the fingerprint, being made of references, is provisional. `continues` are the same pictures,
    whether they are cut yet or not. `seed_is_derived` says that the
    manifest gives none: the seed follows from all else, and its change is none of its own. `reseeds` is the fingerprint
    that it has with that seed, where another one was asked for in its place. `in_film` is whether the film has a place
    for its shot, `trim` what it takes of the clip; `notes` are for people.
    """

    id: str
    shot_id: str
    tags: tuple[str, ...]
    request: RenderRequest
    fingerprint: str
    size: PictureSize | None
    unit_price: Decimal | None
    currency: str
    output: str
    cap_price: Decimal | None = None
    attempts: int = 3
    priority: int = 0
    cuts: tuple[tuple[MediaRole, CutFrom], ...] = ()
    continues: tuple[tuple[MediaRole, CutFrom], ...] = ()
    seed_is_derived: bool = False
    reseeds: str | None = None
    in_film: bool = True
    trim: Trim | None = None
    notes: str = ""
    has_rough_size: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The takes whose clips this one waits for, each once."""
        return tuple(dict.fromkeys(cut.take_id for _, cut in self.cuts if not cut.is_open))

    @property
    def origins(self) -> tuple[str, ...]:
        """The takes that this one continues from, whether it still waits for them or not."""
        return tuple(dict.fromkeys(cut.take_id for _, cut in (*self.continues, *self.cuts) if not cut.is_open))

    @property
    def unpicked(self) -> tuple[str, ...]:
        """The shots that this one continues from, of which a person has yet to pick a take."""
        return tuple(dict.fromkeys(cut.take_id for _, cut in self.cuts if cut.is_open))

    @property
    def cost(self) -> Decimal | None:
        """What the take should cost: billed seconds are the seconds asked for."""
        return None if self.unit_price is None else self.unit_price * self.request.parameters.duration_s

    @property
    def cap_cost(self) -> Decimal | None:
        """What the take counts for a cap, as far as that is known before it is rendered."""
        return self.cap_cost_of(Decimal(self.request.parameters.duration_s))

    def cap_cost_of(self, seconds: Decimal) -> Decimal | None:
        """What so many billed seconds count for a cap; None when nobody knows the price."""
        if self.unit_price is None:
            return None
        return max(self.unit_price, self.cap_price or self.unit_price) * seconds


def in_order(takes: Sequence[Take]) -> Sequence[Take]:
    """The takes, each after those whose clips it waits for; sources that are not among `takes` are left out."""
    if not any(take.cuts for take in takes):
        return takes
    by_id = {take.id: take for take in takes}
    order = TopologicalSorter({take.id: take.sources for take in takes}).static_order()
    return [by_id[take_id] for take_id in order if take_id in by_id]


def shot_of(take_id: str) -> str:
    """The shot that a take id names, whether it is in the manifest still or not."""
    return take_id.partition("@")[0]


def cell_of(take_id: str) -> str:
    """The part of the id that names a take within its shot, `seed=2`; the whole id where the shot has one take."""
    return take_id.partition("@")[2] or take_id


class TaskStatus(StrEnum):
    """The service's own words. UNKNOWN: no such task, another account's, or older than 24 h."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is to be expected of the task."""
        return self not in (TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.SUSPENDED)
