"""kfpipe renders video shot lists that live in git: each clip paid for once, none lost.

    project = kfpipe.load("shots.yaml")
    kfpipe.run(project, max_cost=Decimal("5.00"))

The names below are the public ones. Events are in `kfpipe.events`, further errors in `kfpipe.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kfpipe.version import __version__

if TYPE_CHECKING:
    from kfpipe.api import Options, Project, Session, load, plan, records, run, running, session, verify
    from kfpipe.errors import AccountRefused, KfpipeError, OverBudget, Refused

__all__ = [
    "AccountRefused",
    "KfpipeError",
    "Options",
    "OverBudget",
    "Project",
    "Refused",
    "Session",
    "__version__",
    "load",
    "plan",
    "records",
    "run",
    "running",
    "session",
    "verify",
]


def __getattr__(name: str) -> Any:
    """The public names, loaded when one of them is asked for: `kfpipe --help` does without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kfpipe import api, errors

    return getattr(errors if hasattr(errors, name) else api, name)


def __dir__() -> list[str]:
    return __all__
