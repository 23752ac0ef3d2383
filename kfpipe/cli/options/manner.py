"""How a run goes about it, whatever it renders."""

from __future__ import annotations

from dataclasses import dataclass

from kfpipe.cli.commands.run_notice import Notice
from kfpipe.cli.options.reporting import Reporting


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """`detach`: nothing is waited for at the service; `wait`: another run here is. `notice` is sent at the end."""

    detach: bool
    wait: bool
    reporting: Reporting
    notice: Notice
    as_json: bool
