"""What a second of video costs: the catalogue's prices, and over them those of the manifest and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from kfpipe.catalogue import Catalogue, Model, Region
from kfpipe.errors import Severity
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import PriceLine
from kfpipe.values import dataclass
from kfpipe.wording import did_you_mean, echoed, listed, some_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices by the catalogue's model name, resolution, and sound: those of the region `priced_in`.

    It is another than the `region` that requests go to, when a manifest of the service is tried on the emulator.
    `given` are those of the command line, `written` those of the manifest, which may come from a stranger. `tiers` are
    all resolutions that there are.
    """

    region: Region
    priced_in: Region
    given: Mapping[tuple[str, str, bool], Decimal]
    written: Mapping[tuple[str, str, bool], Decimal]
    tiers: tuple[str, ...] = ()

    def per_second(self, model: Model, resolution: str, *, sound: bool = False) -> Decimal | None:
        """What one second costs; None when that is unknown. The command line wins, then the manifest."""
        key = (model.name, resolution, sound)
        return self.given.get(key, self.written.get(key, self._published(model, resolution, sound=sound)))

    def per_second_for_cap(self, model: Model, resolution: str, *, sound: bool = False) -> Decimal | None:
        """What one second counts for a cap: no price in a manifest makes it count less than the catalogue says."""
        key, known = (model.name, resolution, sound), self._published(model, resolution, sound=sound)
        price = self.per_second(model, resolution, sound=sound)
        return price if key in self.given or known is None or price is None else max(price, known)

    def extended(self, model: Model) -> Model:
        """The model with the resolutions that it is not known to offer, but that somebody gave a price for."""
        priced = {resolution for name, resolution, _ in (*self.given, *self.written) if name == model.name}
        more = tuple(resolution for resolution in self.tiers if resolution in priced.difference(model.resolutions))
        return replace(model, resolutions=(*model.resolutions, *more)) if more else model

    def _published(self, model: Model, resolution: str, *, sound: bool) -> Decimal | None:
        offer = model.offers.get(self.priced_in.name)
        return None if offer is None else offer.price(resolution, sound=sound)


def price_list(
    lines: Iterable[PriceLine], catalogue: Catalogue, region: Region, priced_in: Region | None = None
) -> tuple[PriceList, tuple[Finding, ...]]:
    """The prices in force, later lines over earlier ones, and what is wrong with the lines."""
    given: dict[tuple[str, str, bool], Decimal] = {}
    written: dict[tuple[str, str, bool], Decimal] = {}
    findings: list[Finding] = []
    for line in lines:
        model = catalogue.model(line.model)
        wrong = list(_line_findings(line, model, catalogue))
        offer = None if model is None else model.offers.get((priced_in or region).name)
        if offer is not None and line.sound is None and offer.charges_for_sound(line.resolution):
            wrong.append(_of_either(line))
        findings += wrong
        if model is not None and all(finding.severity is Severity.WARNING for finding in wrong):
            for sound in (False, True) if line.sound is None else (line.sound,):
                (written if line.path else given)[model.name, line.resolution, sound] = line.amount
    made = PriceList(
        region=region, priced_in=priced_in or region, given=given, written=written, tiers=tuple(catalogue.tiers)
    )
    return made, tuple(findings)


def _of_either(line: PriceLine) -> Finding:
    """One price where the service has two."""
    expected = f"`{line.resolution}: {{silent: AMOUNT, sound: AMOUNT}}`"
    if not line.path:
        expected = f"{line.model}:{line.resolution}+silent=AMOUNT and {line.model}:{line.resolution}+sound=AMOUNT"
    return Finding(
        path=line.path,
        what=f"the price of {line.model} at {line.resolution} depends on sound: this one counts for both",
        expected=expected,
        fix="give both prices, unless your contract has one for all clips",
        severity=Severity.WARNING,
    )


def _line_findings(line: PriceLine, model: Model | None, catalogue: Catalogue) -> Iterator[Finding]:
    """A price that no take can have is a typo."""
    if model is None:
        yield Finding(
            path=line.path[:2],
            at_key=True,
            what=f"there is a price for {echoed(line.model)}, which is not a known model",
            expected=some_of(catalogue.models),
            fix=did_you_mean(line.model, catalogue.models, "delete the price"),
        )
    elif line.resolution not in catalogue.tiers:
        yield Finding(
            path=line.path,
            at_key=True,
            what=f"there is a price for {echoed(line.resolution)}, which {model.name} does not offer",
            expected=listed(model.resolutions),
            fix=did_you_mean(line.resolution, catalogue.tiers, "delete the price"),
        )
    elif line.resolution not in model.resolutions:
        yield Finding(
            path=line.path,
            at_key=True,
            what=f"{model.name} is not known to offer {line.resolution}; with this price it can be used all the same",
            expected=listed(model.resolutions),
            fix="delete the price, unless your account offers it; a refused task is not billed",
            severity=Severity.WARNING,
        )
