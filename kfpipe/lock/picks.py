"""Which take of a shot was chosen. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kfpipe.domain import Take, cell_of
from kfpipe.errors import Problem, Refused
from kfpipe.lock.records import Records, state_of
from kfpipe.lock.states import Rendered
from kfpipe.names import in_one_form
from kfpipe.wording import did_you_mean, echoed


def shot_named(name: str, takes: Sequence[Take]) -> list[Take]:
    """The takes of a shot. Raises Refused when there is no such shot."""
    wanted = in_one_form(name)
    found = [take for take in takes if take.shot_id == wanted]
    if not found:
        shots = dict.fromkeys(take.shot_id for take in takes)
        raise _refused("SHOT", f"there is no shot {echoed(name)}", did_you_mean(name, shots, "`kfpipe plan` lists all"))
    return found


def take_named(name: str, takes: Sequence[Take], records: Records) -> Take:
    """The take of a shot by its id, or by the part of it after the `@`. Raises Refused when it cannot be picked."""
    names = {take.id: take for take in takes} | {cell_of(take.id): take for take in takes}
    name = in_one_form(name)
    if name not in names:
        shot_id = takes[0].shot_id
        fix = did_you_mean(name, names, f"`kfpipe status` lists the takes of {shot_id}")
        raise _refused("TAKE", f"the shot {echoed(shot_id)} has no take {echoed(name)}", fix)
    take = names[name]
    record = records.get(take.id)
    if record is None or not isinstance(record.entry, Rendered):
        state = "not rendered" if record is None else state_of(record)
        raise _refused("TAKE", f"{take.id} has no clip: it is {state}", "`kfpipe run` renders it; then pick it")
    return take


def _refused(argument: str, what: str, fix: str) -> Refused:
    return Refused([Problem(file=argument, what=what, fix=fix)])
