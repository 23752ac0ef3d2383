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


_USD = {
    "wan2.7-i2v": {"720P": "0.10", "1080P": "0.15"},
    "wan2.7-i2v-2026-04-25": {"720P": "0.10", "1080P": "0.15"},
    "wan2.1-kf2v-plus": {"720P": "0.10"},
    "wan3.0-video": {"480P": "0.05", "720P": "0.10", "1080P": "0.20"},
    "wan3.0-video-prime": {"480P": "0.068", "720P": "0.14", "1080P": "0.28"},
}
_CNY = {
    "wan2.7-i2v": {"720P": "0.60", "1080P": "1.00"},
    "wan2.7-i2v-2026-04-25": {"720P": "0.60", "1080P": "1.00"},
    "wan2.2-kf2v-flash": {"480P": "0.10", "720P": "0.20", "1080P": "0.48"},
    "wanx2.1-kf2v-plus": {"720P": "0.70"},
    "wan3.0-video": {"480P": "0.30", "720P": "0.60", "1080P": "1.20"},
    "wan3.0-video-prime": {"480P": "0.45", "720P": "0.90", "1080P": "1.80"},
}
_ABROAD = _tariff("CNY", {"wan3.0-video": _CNY["wan3.0-video"]})  # the prime variant's prices are not published there

# An invented price for what has none in USD. One model has another name in Beijing.
_INVENTED = {"wan2.2-kf2v-flash": {"480P": "0.015", "720P": "0.03", "1080P": "0.07"}}
_RENAMED = {"wanx2.1-kf2v-plus": _USD["wan2.1-kf2v-plus"]}

TARIFFS = {
    "emulator": _tariff("USD", {**_USD, **_INVENTED, **_RENAMED}),
    "singapore": _tariff("USD", _USD),
    "beijing": _tariff("CNY", _CNY),
    "virginia": _ABROAD,
    "frankfurt": _ABROAD,
    "tokyo": _ABROAD,
    "hongkong": _tariff("CNY", {}),
}
