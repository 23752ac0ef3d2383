"""What each model and region offers, costs and allows: typed access to dated data, the TOML files of this folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from kfpipe.catalogue.model import (
    Certainty,
    Dialect,
    FrameRules,
    Handover,
    LimitGroup,
    LinkRules,
    Model,
    Offer,
    Rate,
    RecordingRules,
    Scope,
    Setting,
    SizeRule,
    Sizing,
    Tier,
)
from kfpipe.catalogue.parse import Entries
from kfpipe.errors import Refused
from kfpipe.values import dataclass
from kfpipe.wording import Fix, did_you_mean, echoed, listed

__all__ = [
    "Catalogue",
    "Certainty",
    "Dialect",
    "FrameRules",
    "Handover",
    "LimitGroup",
    "LinkRules",
    "Model",
    "Offer",
    "Rate",
    "RecordingRules",
    "Region",
    "Scope",
    "Setting",
    "SizeRule",
    "Sizing",
    "Tier",
    "parse",
    "shipped",
    "texts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where an account lives. `id` is the cloud's own name for it; `currency` is an ISO code.

    `host` serves all accounts; None where each workspace has its own. `queries_per_second` is how often an account may
    ask for its tasks, whatever their models.
    """

    name: str
    id: str
    aliases: tuple[str, ...]
    host: str | None
    currency: str
    queries_per_second: int

    def base_url(self, workspace: str | None) -> str | None:
        """The usual address of the API; None where only a workspace has one, and none is given."""
        if self.host is not None:
            return f"https://{self.host}/api/v1"
        return None if workspace is None else self.workspace_url(workspace)

    def workspace_url(self, workspace: str) -> str:
        """The address of a workspace's own host. Source: API reference, 2.1."""
        return f"https://{workspace}.{self.id}.maas.aliyuncs.com/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All that is known, by name. `as_of` is the day on which prices and limits were read.

    The names of regions and models are those of manifests; tiers are named like `720P`.
    """

    as_of: date
    regions: Mapping[str, Region]
    models: Mapping[str, Model]
    tiers: Mapping[str, Tier]

    def model(self, name: str) -> Model | None:
        """The model of this name or alias."""
        return self.models.get(name) or next((m for m in self.models.values() if name in m.aliases), None)

    def region(self, name: str) -> Region | None:
        """The region of this name or alias."""
        return self.regions.get(name) or next((r for r in self.regions.values() if name in r.aliases), None)

    def region_named(self, name: str, option: str, *, otherwise: Fix) -> Region:
        """The region of this name or alias, given as `option`. Raises Refused when there is none.

        `otherwise` is the fix where no known name is close to it.
        """
        region = self.region(name)
        if region is None:
            fix = did_you_mean(name, self.regions, otherwise)
            what = f"the region {echoed(name)} is not known"
            raise Refused.because(option, what, expected=listed(self.regions), fix=fix)
        return region


@cache
def shipped() -> Catalogue:
    """The catalogue that came with this version of kfpipe."""
    return parse(*texts())


def shows_prompt(name: str) -> bool:
    """Whether finished tasks of the model show what they were made from, as far as it is known."""
    model = shipped().model(name)
    return model is None or model.shows_prompt


def texts() -> tuple[str, ...]:
    """The files of the shipped catalogue: the service's own, and one for each family of models that it names."""
    folder = files("kfpipe.catalogue")
    head = folder.joinpath("service.toml").read_text("utf-8")
    families = tomllib.loads(head)["families"]
    return (head, *(folder.joinpath(f"{family}.toml").read_text("utf-8") for family in families))


def parse(*parts: str) -> Catalogue:
    """The catalogue in these texts, taken together: KeyError and ValueError mean that they are damaged."""
    data: dict[str, Any] = {}
    for text in parts:
        for name, value in tomllib.loads(text).items():
            data[name] = {**data.get(name, {}), **value} if isinstance(value, dict) else value
    entries = Entries(data)
    return Catalogue(
        as_of=data["as_of"],
        regions={name: _region(name, fields) for name, fields in data["regions"].items()},
        models={model.name: model for model in entries.models()},
        tiers=entries.tiers,
    )


def _region(name: str, fields: dict[str, Any]) -> Region:
    return Region(
        name=name,
        id=fields["id"],
        aliases=tuple(fields["aliases"]),
        host=fields.get("host"),
        currency=fields["currency"],
        queries_per_second=fields["queries_per_second"],
    )
