"""`kfpipe worker`"""

from __future__ import annotations

import click

from kfpipe import environment
from kfpipe.cli.options.cluster import CLUSTER, cluster_option, store_option
from kfpipe.cli.options.common import json_problems_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import logs, streams
from kfpipe.errors import ExitCode, Refused


@click.command(
    "worker",
    cls=WithExamples,
    epilog=examples(
        "kfpipe worker --cluster postgresql://kfpipe@db.studio.example/kfpipe",
        "kfpipe worker --cluster postgresql://kfpipe@db.studio.example/kfpipe --store /mnt/clips",
    ),
)
@cluster_option
@store_option
@json_problems_option
def command(address: str | None, store: str | None) -> ExitCode:
    """Offer this machine to a cluster.

    It carries out what `kfpipe run --cluster` hands over, for each account whose key is in its own environment
    (DASHSCOPE_API_KEY, or DASHSCOPE_API_KEY_NAME). All workers together keep the limits of each account.

    Stop it with Ctrl-C: what it has under way continues at the service, and another worker goes on with it.
    """
    if not address:
        raise Refused.because("--cluster", "no cluster is named", fix=f"give --cluster ADDRESS, or set {CLUSTER}")
    from kfpipe.cluster import door, worker  # load a good deal

    settings = environment.read()
    database, place = door.reached(address, store, streams.note)
    machine = worker.Worker(database, settings, place, streams.note, logs.receiver("info", as_json=False))
    worker.serve(machine)
    return ExitCode.OK
