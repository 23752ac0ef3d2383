"""`kfpipe cluster`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kfpipe.cli.options.cluster import CLUSTER, cluster_option, store_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams
from kfpipe.cli.output.amounts import counted
from kfpipe.cli.views import cluster as view
from kfpipe.errors import ExitCode, Refused

if TYPE_CHECKING:
    from kfpipe.cluster.database import Postgres
    from kfpipe.cluster.store import Store


class _Cluster(WithExamples, click.Group):
    """The subcommands."""


@click.group(
    "cluster",
    cls=_Cluster,
    epilog=examples("kfpipe cluster status", "kfpipe cluster limits set --concurrent-tasks 5"),
)
def command() -> None:
    """Show a cluster, set its limits, drain and tidy it.

    The cluster is named by --cluster, or by KFPIPE_CLUSTER. All subcommands accept --json.
    """


def _reached(address: str | None, store: str | None = None) -> tuple[Postgres, Store | None]:
    if not address:
        raise Refused.because("--cluster", "no cluster is named", fix=f"give --cluster ADDRESS, or set {CLUSTER}")
    from kfpipe.cluster import door  # loads a good deal, and only who has a cluster needs it

    return door.reached(address, store, streams.note)


@command.command("status", cls=WithExamples, epilog=examples("kfpipe cluster status --json"))
@cluster_option
@json_option
def status(address: str | None, as_json: bool) -> ExitCode:
    """Show who is at work, what has become of requests, and the limits of each account."""
    from kfpipe.cluster import status as facts

    database, _ = _reached(address)
    with database.reaching():
        found = database.do_now(facts.status)
    _show(found, view.status(found), as_json=as_json)
    return ExitCode.OK


def _show(data: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    if as_json:
        streams.result_json({**data, "exit_code": int(ExitCode.OK)})
    else:
        streams.result(*lines)


@command.command(
    "limits",
    cls=WithExamples,
    epilog=examples("kfpipe cluster limits", "kfpipe cluster limits set acme --submissions-per-second 5"),
)
@click.argument("verb", type=click.Choice(["show", "set", "clear"]), default="show", metavar="[show|set|clear]")
@click.argument("account", required=False)
@click.option("--submissions-per-second", type=click.FloatRange(0, min_open=True), help="New tasks in any second.")
@click.option("--concurrent-tasks", type=click.IntRange(1), help="Tasks in progress.")
@click.option("--queries-per-second", type=click.FloatRange(0, min_open=True), help="Questions in any second.")
@cluster_option
@json_option
def limits(verb: str, account: str | None, address: str | None, as_json: bool, **given: float | None) -> ExitCode:
    """Show, set or clear what an account may do at once, over all machines.

    What is set here wins over the manifests, the lowest of which counts, and they win over the catalogue. `set` leaves
    the limits that are not given as they are; `clear` removes them all. ACCOUNT is its name, or its id in `kfpipe
    cluster status`; it may be left out where there is one.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    if (verb == "set") != bool(chosen):
        what = "no limit is given" if verb == "set" else f"`{verb}` takes no limit"
        raise Refused.because("kfpipe cluster limits", what, fix="kfpipe cluster limits set --concurrent-tasks 5")
    from kfpipe.cluster import upkeep

    database, _ = _reached(address)
    with database.reaching():
        if verb != "show":
            database.do_now(lambda link: upkeep.set_limits(link, account, chosen if verb == "set" else None))
        accounts = database.do_now(lambda link: upkeep.accounts_named(link, account))
    _show({"accounts": accounts}, view.limits(accounts), as_json=as_json)
    return ExitCode.OK


@command.command("drain", cls=WithExamples, epilog=examples("kfpipe cluster drain render-3", "kfpipe cluster drain"))
@click.argument("worker", required=False)
@cluster_option
@json_option
def drain(worker: str | None, address: str | None, as_json: bool) -> ExitCode:
    """Let workers finish what they have at the service, and end.

    WORKER is a host, or a worker's name in `kfpipe cluster status`; without one all of them end. What they leave is
    carried out by others, or by those that are started next.
    """
    from kfpipe.cluster import upkeep

    database, _ = _reached(address)
    with database.reaching():
        drained = database.do_now(lambda link: upkeep.drain(link, worker))
    _show({"drained": drained}, [f"draining: {name}" for name in drained] or ["no worker is at work"], as_json=as_json)
    return ExitCode.OK


@command.command("prune", cls=WithExamples, epilog=examples("kfpipe cluster prune --days 30 --store /mnt/clips"))
@click.option("--days", type=click.IntRange(0), default=30, show_default=True, help="Keep what is younger.")
@cluster_option
@store_option
@json_option
def prune(days: int, address: str | None, store: str | None, as_json: bool) -> ExitCode:
    """Forget what is over, and remove clips from the store that have come home.

    Requests stay on record: by them nothing is paid twice. A clip that nobody has fetched stays in the store.
    """
    from kfpipe.cluster import upkeep

    database, place = _reached(address, store)
    with database.reaching():
        done = upkeep.prune(database, place, days)
    told = f"{counted(done.jobs, 'job')} forgotten, {counted(done.clips, 'clip')} removed from the store"
    _show({"jobs": done.jobs, "clips": done.clips}, [told], as_json=as_json)
    return ExitCode.OK
