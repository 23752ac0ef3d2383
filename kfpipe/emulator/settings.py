"""Everything that can be set about an emulator, in one place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kfpipe.emulator.models import REGIONS

LIMITS = ("submissions_per_second", "concurrent_tasks", "queued_tasks", "queries_per_second", "policies_per_second")

MAIN = "main"
"""The account of every key that `accounts` does not name."""

FILMS = "KFPIPE_EMULATOR_FILMS"
"""The variable that names the folder of clips for all emulators that are not given one."""

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


class FilmStyle(StrEnum):
    MOVING = "moving"
    TINY = "tiny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The account, its region and its clock. Times are virtual seconds; a pair is the span they are drawn from.

    `limits` may hold `submissions_per_second`, `concurrent_tasks`, `queued_tasks` (all per model), `queries_per_second`
    and `policies_per_second`; what it leaves out is the model's own. `enforces_rates` false lets every rate pass.
    `priced_in` is the region whose price list the bill uses, where it is not `region`: that of a manifest which is
    rehearsed. `api_keys` None accepts every key that starts with `sk-` or `st-`. `accounts` says whose a key is, by the
    name of an account; keys that it leaves out are those of the account `main`, and so are all keys by default. The
    limits are those of each account. `burn_in` lets clips show take, seed and timecode. `strict` fails tasks with
    remote media, which the emulator never fetches, the way the service does for an address it cannot reach. `films` is
    a folder in which clips are kept for other emulators: an equal scene is not filmed again.
    """

    region: str = "emulator"
    priced_in: str | None = None
    factor: float = 1.0
    seed: int = 0
    queue_s: Span = (0.0, 155.0)
    run_s: Span = (40.0, 500.0)
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
    films: Path | None = field(default_factory=lambda: _folder(os.environ.get(FILMS, "")))

    def __post_init__(self) -> None:
        for name, kind in (("over_limit", OverLimit), ("standing", Standing), ("film", FilmStyle)):
            object.__setattr__(self, name, kind(getattr(self, name)))  # plain text is accepted, typos are not
        unknown = self.limits.keys() - LIMITS
        if unknown:
            raise ValueError(f"no such limit: {', '.join(sorted(unknown))}; the limits are {', '.join(LIMITS)}")
        for region in (self.region, self.tariff_region):
            if region not in REGIONS:
                raise ValueError(f"no such region: {region}; the regions are {', '.join(REGIONS)}")

    @property
    def tariff_region(self) -> str:
        """The region whose prices hold."""
        return self.priced_in or self.region


def _folder(name: str) -> Path | None:
    return Path(name) if name else None
