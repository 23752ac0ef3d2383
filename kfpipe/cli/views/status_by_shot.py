"""What is on record for many takes, on a screen: a row for each shot. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kfpipe.cli.output import costs
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.output.tone import most_urgent
from kfpipe.cli.views import groups
from kfpipe.cli.views import status as status_view
from kfpipe.cli.views.groups import Group
from kfpipe.cli.views.status import state_text, tone_of, when_text
from kfpipe.cli.views.words import picked_name
from kfpipe.domain import shot_of
from kfpipe.lock.states import spent
from kfpipe.plan.selection import KnownTake


def table(shown: Sequence[KnownTake]) -> Table:
    """A row for each shot where the takes are many, else one for each take."""
    if len(shown) <= groups.MOST_ROWS:
        return status_view.table(shown)
    found = groups.grouped(shown, name=_name, shot=_shot, alike=state_text)
    return Table(
        columns=(
            Column(title="shot", least=24),
            Column(title="takes", is_number=True, rank=1),
            Column(title="state", least=20, wraps=True, is_toned=True),
            Column(title="picked", rank=2, least=12, is_toned=True),
            Column(title="cost", is_number=True, rank=3),
            Column(title="last change", rank=4),
        ),
        rows=tuple(_group_row(group) for group in found),
        tones=tuple(most_urgent(set(map(tone_of, group.members))) for group in found),
    )


def _name(one: KnownTake) -> str:
    return one.take_id


def _shot(one: KnownTake) -> str:
    return shot_of(one.take_id)


def _group_row(group: Group[KnownTake]) -> tuple[str, ...]:
    records = [one.record for one in group.members if one.record is not None]
    return (
        group.title,
        f"{len(group.members):,}",
        groups.counts(map(state_text, group.members)),
        groups.common((picked_name(one.take_id, one.record) for one in group.members), "picked"),
        " and ".join(costs.sums(spent(record.entry for record in records))),
        max((when_text(record.entry) for record in records), default=""),
    )


def all_takes(shown: Sequence[KnownTake], command: Callable[..., str]) -> list[str]:
    """How to see each take where the table shows them by shot."""
    if len(shown) <= groups.MOST_ROWS:
        return []
    return [f"to see each take: {command('status', '--takes')}, or -s SHOT"]
