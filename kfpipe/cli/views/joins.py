"""Where the shots of the film meet, for a person and for a program. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from kfpipe.files.scalars import decimal_text
from kfpipe.review.timeline import Join


def as_json(joins: Sequence[Join], least: Decimal) -> list[dict[str, Any]]:
    """What `status --json` prints as `cuts`; `least` is the fidelity below which a join has drifted."""
    return [
        {
            "from": join.take_ids[0],
            "from_shot": join.before.shot_id,
            "to": join.take_ids[1],
            "to_shot": join.after.shot_id,
            "fidelity": decimal_text(join.fidelity),
            "shares_still": join.shares_still,
            "drifts": join.has_drifted(least),
        }
        for join in joins
    ]
