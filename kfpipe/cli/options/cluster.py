"""`--cluster` and `--store`: the machines that carry a plan out, and the place that they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

from kfpipe.cli.options.common import Command
from kfpipe.cli.output import streams
from kfpipe.errors import ExitCode

if TYPE_CHECKING:
    from kfpipe.cluster.door import Cluster

CLUSTER: Final = "KFPIPE_CLUSTER"
STORE: Final = "KFPIPE_STORE"

cluster_option = click.option(
    "--cluster",
    "address",
    envvar=CLUSTER,
    metavar="ADDRESS",
    help=f"The cluster's PostgreSQL database, postgresql://...; or {CLUSTER}.",
)
store_option = click.option(
    "--store",
    envvar=STORE,
    metavar="PLACE",
    help=f"A folder, or an address of fsspec, that all machines share; or {STORE}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChoice:
    """The cluster that a person names; `address` is None without one. It may hold a password."""

    address: str | None = field(default=None, repr=False)
    store: str | None = None

    def reached(self) -> Cluster | None:
        """The cluster, ready for use; None where none is named. Raises Refused."""
        if not self.address:
            return None
        from kfpipe.cluster import door  # loads a good deal, and only who has a cluster needs it

        return door.cluster(self.address, self.store, streams.note)


def cluster_options(command: Command) -> Command:
    """Both options; the command gets them as one `cluster`."""

    @cluster_option
    @store_option
    @wraps(command)
    def wrapped(address: str | None, store: str | None, **own: Any) -> ExitCode:
        return command(cluster=ClusterChoice(address=address, store=store), **own)

    return wrapped
