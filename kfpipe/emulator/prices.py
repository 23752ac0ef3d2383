"""What a second of video costs, per region, model and tier. Data as of November 2026.

The region `emulator` charges imaginary dollars, so that a rehearsal has a bill with a total.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    currency: str
    per_second: dict[tuple[str, str], Decimal]

    def unit_price(self, model: str, tier: str) -> Decimal | None:
        """Price of one second, in `currency`; None where no price is known."""
        return self.per_second.get((model, tier))


def _tariff(currency: str, prices: dict[str, dict[str, str]]) -> Tariff:
    per_second = {(model, tier): Decimal(price) for model, tiers in prices.items() for tier, price in tiers.items()}
    return Tariff(currency=currency, per_second=per_second)


_WAN_27_USD = {"720P": "0.10", "1080P": "0.15"}
_WAN_27_CNY = {"720P": "0.60", "1080P": "1.00"}

TARIFFS = {
    "emulator": _tariff(
        "USD",
        {
            "wan2.7-i2v": _WAN_27_USD,
            "wan2.7-i2v-2026-04-25": _WAN_27_USD,
            "wan2.2-kf2v-flash": {"480P": "0.015", "720P": "0.03", "1080P": "0.07"},
            "wan2.1-kf2v-plus": {"720P": "0.05"},
            "wanx2.1-kf2v-plus": {"720P": "0.05"},
        },
    ),
    # The snapshot's Singapore price is only known in another currency, hence not here.
    "singapore": _tariff("USD", {"wan2.7-i2v": _WAN_27_USD}),
    "beijing": _tariff(
        "CNY",
        {
            "wan2.7-i2v": _WAN_27_CNY,
            "wan2.7-i2v-2026-04-25": _WAN_27_CNY,
            "wan2.2-kf2v-flash": {"480P": "0.10", "720P": "0.20", "1080P": "0.48"},
        },
    ),
}
