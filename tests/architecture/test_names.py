"""The house: one word, one meaning."""

from __future__ import annotations

from typing import Final

from tests.architecture.house import homonyms

ALLOWED: Final = {
    "billed_otherwise": "the words for one clip in `amounts`, the lines for a whole run in its view",
    "outcome": "how an event ended for one take in `progress`, what a prune did in its view",
}
"""Names that keep two meanings, six at most, each with the reason."""


def test_a_public_name_has_one_meaning() -> None:
    """`house.homonyms` has the rule: types by name alone, functions unless they are always said with their room."""
    found = homonyms()
    wrong = [f"{name}: {', '.join(homes)}" for name, homes in found.items() if name not in ALLOWED]
    idle = [f"{name} is allowed two meanings, and has one" for name in ALLOWED if name not in found]
    assert not wrong + idle, "\n".join(wrong + idle)
    assert len(ALLOWED) <= 6
