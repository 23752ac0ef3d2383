"""Prices and limits, written down once more from the official pages: what the catalogue says is compared with them.

Prices per second: https://help.aliyun.com/zh/model-studio/model-pricing and
https://www.alibabacloud.com/help/en/model-studio/model-pricing; limits:
https://help.aliyun.com/zh/model-studio/rate-limit; all as of 2026-10-10.
"""

from __future__ import annotations

from collections.abc import Mapping

Prices = dict[str, str | None]

_TIERS = ("360P", "480P", "540P", "720P", "768P", "1080P", "2K", "4K")


def _prices(table: str) -> dict[tuple[str, str], tuple[str, Prices]]:
    """A line for each sale: model, region, currency, then tier and price in turn; `?`: sold, and no price is named."""
    found = {}
    for line in table.strip().splitlines():
        model, region, currency, *rest = line.split()
        prices = zip(rest[::2], rest[1::2], strict=True)
        found[model, region] = (currency, {tier: None if price == "?" else price for tier, price in prices})
    assert all(tier in _TIERS for _, prices in found.values() for tier in prices)
    return found


PRICES = _prices("""
wan2.7-i2v                        singapore USD 720P 0.10 1080P 0.15
wan2.7-i2v                        beijing   CNY 720P 0.60 1080P 1.00
wan2.7-i2v-2026-04-25             singapore USD 720P 0.10 1080P 0.15
wan2.7-i2v-2026-04-25             beijing   CNY 720P 0.60 1080P 1.00
wan2.2-kf2v-flash                 singapore USD 480P ? 720P ? 1080P ?
wan2.2-kf2v-flash                 beijing   CNY 480P 0.10 720P 0.20 1080P 0.48
wan2.1-kf2v-plus                  singapore USD 720P 0.10
wan2.1-kf2v-plus                  beijing   CNY 720P 0.70
wan3.0-video                      singapore USD 480P 0.05 720P 0.10 1080P 0.20
wan3.0-video                      beijing   CNY 480P 0.30 720P 0.60 1080P 1.20
wan3.0-video                      virginia  CNY 480P 0.30 720P 0.60 1080P 1.20
wan3.0-video                      frankfurt CNY 480P 0.30 720P 0.60 1080P 1.20
wan3.0-video                      tokyo     CNY 480P 0.30 720P 0.60 1080P 1.20
wan3.0-video                      hongkong  CNY 480P ? 720P ? 1080P ?
wan3.0-video-prime                singapore USD 480P 0.068 720P 0.14 1080P 0.28
wan3.0-video-prime                beijing   CNY 480P 0.45 720P 0.90 1080P 1.80
wan3.0-video-prime                virginia  CNY 480P 0.45 720P 0.90 1080P 1.80
wan3.0-video-prime                frankfurt CNY 480P 0.45 720P 0.90 1080P 1.80
wan3.0-video-prime                tokyo     CNY 480P 0.45 720P 0.90 1080P 1.80
wan3.0-video-prime                hongkong  CNY 480P ? 720P ? 1080P ?
wan2.6-i2v                        singapore USD 720P 0.10 1080P 0.15
wan2.6-i2v                        beijing   CNY 720P 0.60 1080P 1.00
wan2.6-i2v                        virginia  CNY 720P 0.60 1080P 1.00
wan2.6-i2v                        frankfurt CNY 720P 0.60 1080P 1.00
wan2.6-i2v-us                     virginia  CNY 720P 0.733924 1080P 1.100886
wan2.6-i2v-flash                  singapore USD 720P 0.025 1080P 0.0375
wan2.6-i2v-flash                  beijing   CNY 720P 0.15 1080P 0.25
wan2.5-i2v-preview                singapore USD 480P 0.05 720P 0.10 1080P 0.15
wan2.5-i2v-preview                beijing   CNY 480P 0.30 720P 0.60 1080P 1.00
wan2.2-i2v-flash                  singapore USD 480P 0.015 720P 0.036 1080P ?
wan2.2-i2v-flash                  beijing   CNY 480P 0.10 720P 0.20 1080P 0.48
wan2.2-i2v-plus                   singapore USD 480P 0.02 1080P 0.10
wan2.2-i2v-plus                   beijing   CNY 480P 0.14 1080P 0.70
wan2.1-i2v-turbo                  singapore USD 480P 0.036 720P 0.036
wan2.1-i2v-turbo                  beijing   CNY 480P 0.24 720P 0.24
wan2.1-i2v-plus                   singapore USD 720P 0.10
wan2.1-i2v-plus                   beijing   CNY 720P 0.70
kling/kling-v3-video-generation   beijing   CNY 720P 0.60 1080P 0.80 4K 3.00
kling/kling-v3-omni-video-generation  beijing CNY 720P 0.60 1080P 0.80 4K 3.00
kling/kling-v3-turbo-video-generation beijing CNY 720P 0.80 1080P 1.00
MiniMax/MiniMax-H3                beijing   CNY 768P 0.50 2K 0.80
happyhorse-1.1-i2v                singapore USD 480P 0.07 720P 0.14 1080P 0.18
happyhorse-1.1-i2v                beijing   CNY 480P 0.45 720P 0.90 1080P 1.20
happyhorse-1.1-i2v                virginia  CNY 480P 0.45 720P 0.90 1080P 1.20
happyhorse-1.1-i2v                frankfurt CNY 480P 0.45 720P 0.90 1080P 1.20
happyhorse-1.1-i2v                tokyo     CNY 480P 0.45 720P 0.90 1080P 1.20
happyhorse-1.0-i2v                singapore USD 720P 0.14 1080P 0.24
happyhorse-1.0-i2v                beijing   CNY 720P 0.90 1080P 1.60
happyhorse-1.0-i2v                virginia  CNY 720P 0.90 1080P 1.60
happyhorse-1.0-i2v                frankfurt CNY 720P 0.90 1080P 1.60
pixverse/pixverse-c1-kf2v         beijing   CNY 360P 0.18 540P 0.24 720P 0.30 1080P 0.56
pixverse/pixverse-v6-kf2v         beijing   CNY 360P 0.15 540P 0.21 720P 0.27 1080P 0.53
pixverse/pixverse-v5.6-kf2v       beijing   CNY 360P 0.21 540P 0.21 720P 0.27 1080P 0.44
vidu/viduq3-pro_start-end2video   beijing   CNY 540P 0.3125 720P 0.78125 1080P 0.9375
vidu/viduq3-turbo_start-end2video beijing   CNY 540P 0.25 720P 0.375 1080P 0.4375
vidu/viduq2-pro_start-end2video   beijing   CNY 540P 0.15625 720P 0.34375 1080P 0.71875
vidu/viduq2-turbo_start-end2video beijing   CNY 540P 0.0875 720P 0.25 1080P 0.46875
""")
"""Where sound has a price of its own, these are for a silent clip."""

PRICES_WITH_SOUND = _prices("""
wan2.6-i2v-flash                     singapore USD 720P 0.05 1080P 0.075
wan2.6-i2v-flash                     beijing   CNY 720P 0.30 1080P 0.50
kling/kling-v3-video-generation      beijing   CNY 720P 0.90 1080P 1.20 4K 3.00
kling/kling-v3-omni-video-generation beijing   CNY 720P 0.90 1080P 1.20 4K 3.00
pixverse/pixverse-c1-kf2v            beijing   CNY 360P 0.24 540P 0.30 720P 0.39 1080P 0.71
pixverse/pixverse-v6-kf2v            beijing   CNY 360P 0.21 540P 0.27 720P 0.36 1080P 0.68
pixverse/pixverse-v5.6-kf2v          beijing   CNY 360P 0.47 540P 0.47 720P 0.53 1080P 0.70
""")

Limits = tuple[float, int, int | None]
"""Submissions a second, tasks at once, tasks waiting (None: not documented)."""

LIMITS: Mapping[str, Limits] = {
    "wan2.7-i2v": (5, 5, 500),
    "wan2.7-i2v-2026-04-25": (5, 5, 500),
    "wan2.2-kf2v-flash": (2, 2, 500),
    "wan2.1-kf2v-plus": (2, 2, 500),
    "wan3.0-video": (0.83, 5, 200),
    "wan3.0-video-prime": (0.83, 5, 200),
    "wan2.6-i2v": (5, 5, 500),
    "wan2.6-i2v-us": (5, 5, 500),
    "wan2.6-i2v-flash": (5, 5, 500),
    "wan2.5-i2v-preview": (5, 5, 500),
    "wan2.2-i2v-flash": (2, 2, 500),
    "wan2.2-i2v-plus": (2, 2, 500),
    "wan2.1-i2v-turbo": (2, 2, 500),
    "wan2.1-i2v-plus": (2, 2, 500),
    "kling/kling-v3-video-generation": (5, 10, 500),
    "kling/kling-v3-omni-video-generation": (5, 10, 500),
    "kling/kling-v3-turbo-video-generation": (5, 10, 500),
    "MiniMax/MiniMax-H3": (5, 5, None),
    "happyhorse-1.1-i2v": (5, 5, 500),
    "happyhorse-1.0-i2v": (5, 5, 500),
    "pixverse/pixverse-c1-kf2v": (5, 5, 500),
    "pixverse/pixverse-v6-kf2v": (5, 5, 500),
    "pixverse/pixverse-v5.6-kf2v": (5, 5, 500),
    "vidu/viduq3-pro_start-end2video": (5, 5, 500),
    "vidu/viduq3-turbo_start-end2video": (5, 5, 500),
    "vidu/viduq2-pro_start-end2video": (5, 5, 500),
    "vidu/viduq2-turbo_start-end2video": (5, 5, 500),
}
SLOWER = {("wan2.1-kf2v-plus", "singapore"): 1}

FREE_SECONDS = {
    "wan2.7-i2v": 50,
    "wan2.2-kf2v-flash": 50,
    "wan2.1-kf2v-plus": 200,
    "wan3.0-video": 30,
    "wan3.0-video-prime": 30,
    "wan2.6-i2v": 50,
    "wan2.6-i2v-flash": 50,
    "wan2.5-i2v-preview": 50,
    "wan2.2-i2v-flash": 50,
    "wan2.2-i2v-plus": 50,
    "wan2.1-i2v-turbo": 200,
    "wan2.1-i2v-plus": 200,
    "happyhorse-1.1-i2v": 10,
    "happyhorse-1.0-i2v": 10,
}
"""Of a new account in Beijing."""
