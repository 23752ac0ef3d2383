"""Everything that can be set about an emulator, in one place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kfpipe.emulator.model_file import Shelf, shelf
from kfpipe.emulator.models import REGION_IDS, Model
from kfpipe.emulator.prices import Tariff

LIMITS = ("submissions_per_second", "concurrent_tasks", "queued_tasks", "queries_per_second", "policies_per_second")

MAIN = "main"
"""The account of every key that `accounts` does not name."""

FILMS = "KFPIPE_EMULATOR_FILMS"
"""The variable that names the folder of clips for all emulators that are not given one."""

MODELS = "KFPIPE_EMULATOR_MODELS"
"""The variable that names a file of more models for all emulators that are not given one."""

Span = float | tuple[float, float]


class OverLimit(StrEnum):
    """What happens to a submission while the model's places are all taken: the service documents neither."""

    QUEUE = "queue"
    REFUSE = "refuse"


class Standing(StrEnum):
    """The state of the account, as far as it affects submissions."""

    GOOD = "good"
    FREE_TIER_ONLY = "free_tier_only"
    ARREARS = "arrears"
    NOT_ACTIVATED = "not_activated"


class Switch(StrEnum):
    """The other possibility where the service's pages are silent or contradict each other; off by default."""

    NOT_SWITCHED_ON = "not-switched-on"
    HTTP_ONLY = "http-only"
    DATA_URIS = "data-uris"
    PROMPT_REFUSED = "prompt-refused"
    PROMPT_CUT = "prompt-cut"
    UNEQUAL_STILLS = "unequal-stills"
    FAILURE_WITHOUT_OUTPUT = "failure-without-output"
    ODD_SR = "odd-sr"

    @property
    def effect(self) -> str:
        """What it makes the emulator do."""
        return _EFFECTS[self]


_EFFECTS = {
    Switch.NOT_SWITCHED_ON: "Models that have to be switched on in the console have not been: 404 `ModelNotFound`.",
    Switch.HTTP_ONLY: "Files are taken only in the ways that the model's page names: for most partners http(s).",
    Switch.DATA_URIS: "Files are taken as data URIs by all models, also where no page names them.",
    Switch.PROMPT_REFUSED: "Every model refuses a prompt that is too long, in its task.",
    Switch.PROMPT_CUT: "Every model cuts a prompt that is too long, without a word.",
    Switch.UNEQUAL_STILLS: "Vidu takes two stills of unlike pixel totals.",
    Switch.FAILURE_WITHOUT_OUTPUT: "The answer of a failed task has `code` and `message` at its top, and no `output`.",
    Switch.ODD_SR: "`usage.SR` is empty where it is text.",
}


class FilmStyle(StrEnum):
    MOVING = "moving"
    TINY = "tiny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The account, its region and its clock. Times are virtual seconds; a pair is the span they are drawn from.
    Without `run_s` each model takes as long as its pages show.

    `limits` may hold `submissions_per_second`, `concurrent_tasks`, `queued_tasks` (all per model), `queries_per_second`
    and `policies_per_second`; what it leaves out is the model's own. `enforces_rates` false lets every rate pass.
    `priced_in` is the region whose price list the bill uses, where it is not `region`: that of a manifest which is
    rehearsed. `api_keys` None accepts every key that starts with `sk-` or `st-`. `accounts` says whose a key is, by the
    name of an account; keys that it leaves out are those of the account `main`, and so are all keys by default. The
    limits are those of each account. `burn_in` lets clips show take, seed and timecode. `strict` fails tasks with
    remote media, which the emulator never fetches, the way the service does for an address it cannot reach. `films` is
    a folder in which clips are kept for other emulators: an equal scene is not filmed again. `models` is a file of more
    models, of the form of the emulator's own. Raises ValueError, and `ModelsInvalid` for that file.
    """

    region: str = "emulator"
    priced_in: str | None = None
    factor: float = 1.0
    seed: int = 0
    queue_s: Span = (0.0, 155.0)
    run_s: Span | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    enforces_rates: bool = True
    over_limit: OverLimit = OverLimit.QUEUE
    standing: Standing = Standing.GOOD
    api_keys: frozenset[str] | None = field(default=None, repr=False)
    accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    strict: bool = False
    truncates_orig_prompt: bool = False
    film: FilmStyle = FilmStyle.MOVING
    burn_in: bool = True
    workers: int = 2
    films: Path | None = field(default_factory=lambda: _path(os.environ.get(FILMS, "")))
    models: Path | None = field(default_factory=lambda: _path(os.environ.get(MODELS, "")))
    switches: frozenset[Switch] = frozenset()

    def __post_init__(self) -> None:
        for name, kind in (("over_limit", OverLimit), ("standing", Standing), ("film", FilmStyle)):
            object.__setattr__(self, name, kind(getattr(self, name)))  # plain text is accepted, typos are not
        object.__setattr__(self, "switches", frozenset(map(Switch, self.switches)))
        unknown = self.limits.keys() - LIMITS
        if unknown:
            raise ValueError(f"no such limit: {', '.join(sorted(unknown))}; the limits are {', '.join(LIMITS)}")
        for region in (self.region, self.tariff_region):
            if region not in REGION_IDS:
                raise ValueError(f"no such region: {region}; the regions are {', '.join(REGION_IDS)}")
        self._shelf()

    @property
    def tariff_region(self) -> str:
        """The region whose prices hold."""
        return self.priced_in or self.region

    @property
    def offered(self) -> Mapping[str, Model]:
        """The region's models, by name."""
        return self._shelf().models[self.region]

    @property
    def tariff(self) -> Tariff:
        """The prices that hold."""
        return self._shelf().tariffs[self.tariff_region]

    def _shelf(self) -> Shelf:
        return shelf(self.models)


def _path(name: str) -> Path | None:
    return Path(name) if name else None
