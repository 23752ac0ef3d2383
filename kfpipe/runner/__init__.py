"""Carrying out a plan against the service: the anyio scheduler.

run         the whole: lanes, follower, fetchers, the end
lane        one model's takes, a worker for each task in progress
submitter   a take becomes a task, at most once
adopter     whose task is that, when an answer was lost
follower    tasks to their end, within the query budget
fetcher     clips to checked files
signals     Ctrl-C and SIGTERM to a run
crossing, shields, patience   the rules they share: who may post, what must not be torn, what may be repeated
"""

from kfpipe.runner.outcome import finished
from kfpipe.runner.run import Run
from kfpipe.runner.settings import Pace, RunLimits, RunSettings

__all__ = ["Limits", "Pace", "Run", "Settings", "finished"]
