"""kfpipe renders video shot lists that live in git: each clip paid for once, none lost.

    project = kfpipe.load("shots.yaml")
    kfpipe.run(project, max_cost=Decimal("5.00"))

The names below are the public ones. Events are in `kfpipe.events`, more errors in `kfpipe.errors`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from kfpipe.version import __version__

if TYPE_CHECKING:
    from kfpipe.api import (
        Granted,
        Options,
        Project,
        Session,
        Withheld,
        arun,
        consent,
        load,
        pick,
        plan,
        records,
        run,
        running,
        select,
        session,
        verify,
    )
    from kfpipe.errors import AccountRefused, KfpipeError, OverBudget, Refused
    from kfpipe.handover import export, report, review

__all__ = [
    "AccountRefused",
    "Granted",
    "KfpipeError",
    "Options",
    "OverBudget",
    "Project",
    "Refused",
    "Session",
    "Withheld",
    "__version__",
    "arun",
    "consent",
    "export",
    "load",
    "pick",
    "plan",
    "records",
    "report",
    "review",
    "run",
    "running",
    "select",
    "session",
    "verify",
]

_MODULES_TOO: Final = frozenset({"plan", "review", "session"})
"""Public functions that share their name with a module: `kfpipe.plan` is the function."""


_HANDOVER: Final = frozenset({"export", "report", "review"})
"""What loads the command line, jinja and a server with it."""


class _Package(ModuleType):
    """The package. Its public names are loaded on first use: `kfpipe --help` needs none of them."""

    def __getattr__(self, name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from kfpipe import api, errors

        if name in _HANDOVER:
            from kfpipe import handover

            return getattr(handover, name)
        return getattr(errors if hasattr(errors, name) else api, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULES_TOO and isinstance(value, ModuleType)):  # as the import of a module would set it
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return __all__


sys.modules[__name__].__class__ = _Package
