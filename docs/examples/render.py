"""Render a shot list within a budget, and say how it goes: `python render.py shots.yaml 5.00`."""

from __future__ import annotations

import sys
from decimal import Decimal

import anyio

import kfpipe
from kfpipe.events import RunFinished, TakeFailed, TakePostponed, TakeRendered


async def render(manifest: str, max_cost: Decimal) -> int:
    """Make every clip that is missing; the exit code is that of `kfpipe run`."""
    project = kfpipe.load(manifest)
    async with kfpipe.running(project, max_cost=max_cost) as events:
        async for event in events:
            match event:
                case TakeRendered():
                    print(f"{event.take_id}: {event.path}")
                case TakeFailed() | TakePostponed():
                    print(f"{event.take_id}: no clip in this run", file=sys.stderr)
                case RunFinished():
                    print(f"{event.rendered} rendered, {event.spent} {event.currency} spent")
                    return event.exit_code
    raise AssertionError("the last event of a run is its end")


if __name__ == "__main__":
    try:
        sys.exit(anyio.run(render, sys.argv[1], Decimal(sys.argv[2])))
    except kfpipe.KfpipeError as error:
        sys.exit(str(error))
