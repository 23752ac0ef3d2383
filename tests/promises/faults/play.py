"""Plays a row of the matrix: the run that meets the fault, the one after it, and the check of bill and disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kfpipe.errors import ExitCode
from tests.promises.faults.matrix import Outcome, Row
from tests.promises.faults.stage import Stage, stage

TAKES: Final = 3
_SHOTS: Final = """\
- {id: kitten, prompt: A kitten looks up., matrix: {seed: [1, 2]}}
- {id: street, prompt: Lamps come on.}
"""
_FIRST_ENDING: Final = {
    Outcome.OVERCOME: ExitCode.OK,
    Outcome.LATER: ExitCode.INCOMPLETE,
    Outcome.DECIDE: ExitCode.INCOMPLETE,
    Outcome.AWAY: ExitCode.INCOMPLETE,
    Outcome.STOPPED: ExitCode.ACCOUNT,
}


async def play(row: Row, folder: Path) -> None:
    """Raises AssertionError when the row's promise is not kept."""
    with stage(folder, *row.script) as account:
        account.write(_SHOTS)
        ending = await account.run()
        assert ending is _FIRST_ENDING[row.outcome], f"the run ended with {ending!r}: {account.events[-3:]}"
        assert (account.finished() is None) == (row.outcome in (Outcome.STOPPED, Outcome.AWAY))
        assert bool(account.undecided()) == (row.outcome is Outcome.DECIDE)
        account.emulator.forgive()
        await _go_on(account, row.outcome)
        account.check()


async def _go_on(account: Stage, outcome: Outcome) -> None:
    """What a user does next: run it again, deciding where that is asked for; then once more, which does nothing."""
    if outcome is Outcome.DECIDE:
        chosen = account.undecided()
        assert await account.run(retry=lambda take_id: take_id in chosen) is ExitCode.OK
    elif outcome is not Outcome.OVERCOME:
        assert await account.run() is ExitCode.OK
    requests = len(account.emulator.requests())
    assert await account.run() is ExitCode.OK
    assert len(account.emulator.requests()) == requests, "a run with nothing to do asks nobody"
