"""How a run goes about it, whatever it renders."""

from __future__ import annotations

from dataclasses import dataclass, field

from kfpipe.cli.commands.run_notice import Notice
from kfpipe.cli.options.cluster import ClusterChoice
from kfpipe.cli.options.reporting import Reporting


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """`detach`: nothing is waited for at the service; `wait`: another run here is. `notice` is sent at the end,
    `cluster` carries the plan out, where one is named."""

    detach: bool
    wait: bool
    reporting: Reporting
    notice: Notice
    as_json: bool
    cluster: ClusterChoice = field(default_factory=ClusterChoice)
