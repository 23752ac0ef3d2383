"""What a second of video costs, per region, model, tier and sound.

The region `emulator` charges imaginary dollars, so that a rehearsal has a bill with a total.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

_CNY_PER_PLAY_DOLLAR = 6
_PLAY_STEP = Decimal("0.001")

Prices = Mapping[str, tuple[Decimal, Decimal]]
"""By tier: without sound, and with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    currency: str
    per_second: Mapping[str, Prices]  # by model

    def unit_price(self, model: str, tier: str, *, has_sound: bool = False) -> Decimal | None:
        """Price of one second, in `currency`; None where no price is known."""
        prices = self.per_second.get(model, {}).get(tier)
        return None if prices is None else prices[has_sound]


def currency(region: str) -> str:
    return "USD" if region in ("emulator", "singapore") else "CNY"


def play_money(published: Mapping[str, Prices]) -> Prices:
    """The prices of the region `emulator`: those given for it, Singapore's, or what is made of Beijing's."""
    made = {
        tier: (_in_play_dollars(silent), _in_play_dollars(sound))
        for region, prices in published.items()
        if currency(region) == "CNY"
        for tier, (silent, sound) in prices.items()
    }
    return {**made, **published.get("singapore", {}), **published.get("emulator", {})}


def _in_play_dollars(cny: Decimal) -> Decimal:
    return (cny / _CNY_PER_PLAY_DOLLAR).quantize(_PLAY_STEP, ROUND_CEILING)
