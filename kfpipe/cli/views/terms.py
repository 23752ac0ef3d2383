"""What an account says of its models, beside the catalogue, for a person and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kfpipe.cli.output.amounts import counted
from kfpipe.cli.output.table import prose
from kfpipe.maintenance.terms import Agreement, ModelTerms


def lines(found: Sequence[ModelTerms]) -> Iterator[str]:
    """A line for each remark, under its verdict, and how to go on."""
    for one in found:
        if not one.remarks:
            yield from prose(f"{Agreement.SAME:8} ", f"{one.model}: prices and limits as in the catalogue")
        for remark in one.remarks:
            yield from prose(f"{remark.verdict:8} ", f"{one.model}: {remark.what}")
            if remark.fix is not None:
                yield from prose(f"{'':8} fix: ", remark.fix)


def summary(found: Sequence[ModelTerms]) -> str:
    """How many differ."""
    differing = sum(one.verdict is Agreement.DIFFERS for one in found)
    if not found:
        return "nothing was compared"
    if not differing:
        return f"{counted(len(found), 'model')} compared: nothing differs"
    return f"{differing} of {counted(len(found), 'model')} {'differs' if differing == 1 else 'differ'}"


def as_json(found: Sequence[ModelTerms]) -> list[dict[str, Any]]:
    """The same, as data."""
    return [
        {
            "model": one.model,
            "verdict": one.verdict,
            "remarks": [{"verdict": remark.verdict, "what": remark.what, "fix": remark.fix} for remark in one.remarks],
        }
        for one in found
    ]
