"""Beginnings of manifests that several tests build on."""

from __future__ import annotations

from typing import Final

PAID: Final = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
limits: {submissions_per_second: 50, concurrent_tasks: 4, queries_per_second: 50}
budget: {max_cost: 10, currency: USD}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: a.png, last_frame: b.png}
"""
"""The service, as one that charges; requests go where the environment says. The stills are for the test to make."""
