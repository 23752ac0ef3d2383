"""The tables of docs/reliability.md as Markdown: what is played, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.promises.faults.matrix import ROWS, Row
from tests.promises.faults.soak import Soaked
from tests.promises.faults.unclear import Count, Loss, Setting

MATRIX_HEAD = ("phase", "fault", "what happens")
UNCLEAR_HEAD = ("situation", "answer lost by", "takes", "found again", "paid twice", "lost", "foreign", "to decide")
SOAK_HEAD = ("takes", "runs", "found again", "failed tasks", "bill", "on record", "seconds", "peak MB")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines]


def matrix_cells(row: Row) -> tuple[str, str, str]:
    return row.phase, row.fault, row.outcome


def matrix() -> list[str]:
    return table(MATRIX_HEAD, map(matrix_cells, ROWS))


def unclear_cells(setting: Setting, loss: Loss, count: Count) -> tuple[object, ...]:
    return (
        setting.name,
        loss.name,
        count.takes,
        count.adopted,
        count.paid_twice,
        count.lost,
        count.taken_from_others,
        count.undecided,
    )


def soak_cells(soaked: Soaked) -> tuple[object, ...]:
    return (
        soaked.takes,
        soaked.runs,
        soaked.adopted,
        soaked.failed_tasks,
        f"USD {soaked.bill}",
        f"USD {soaked.on_record}",
        f"{soaked.took_s:.0f}",
        f"{soaked.peak_mb:.0f}",
    )
