"""Where the requests of a run would go, and whether they cost anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kfpipe import api, environment
from kfpipe.domain import EMULATOR_REGION
from kfpipe.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """`base_url` is None for an emulator that the run starts for itself."""

    provider: str
    region: str
    base_url: str | None
    prices_as_of: date

    @property
    def is_charged(self) -> bool:
        return self.region != EMULATOR_REGION

    @property
    def text(self) -> str:
        if self.is_charged:
            return f"{self.base_url} (region {self.region}), prices as of {self.prices_as_of}"
        where = "the emulator" if self.base_url is None else f"the emulator at {self.base_url}"
        return f"{where}: nothing is charged"


def of(project: Project) -> Destination:
    """The project's destination, the environment's word included."""
    return Destination(
        provider=project.manifest.provider.name,
        region=project.region.name,
        base_url=api.base_url(project, environment.read()),
        prices_as_of=project.catalogue.as_of,
    )
