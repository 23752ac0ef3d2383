"""`kfpipe logout`"""

from __future__ import annotations

import click

from kfpipe import keychain
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams
from kfpipe.errors import ExitCode


@click.command("logout", cls=WithExamples, epilog=examples("kfpipe logout", "kfpipe logout acme"))
@click.argument("account", required=False)
@json_option
def command(account: str | None, as_json: bool) -> ExitCode:
    """Remove an account's key from the system's keyring.

    The key stays valid at the service: to end it, delete it in the console. Needs the extra `kfpipe[keyring]`.
    """
    removed = keychain.forget(account)
    if as_json:
        streams.result_json({"account": account, "removed": removed, "exit_code": int(ExitCode.OK)})
    elif removed:
        streams.result(f"the key of {keychain.account_text(account)} is no longer in the keyring")
    else:
        streams.result(f"the keyring has no key of {keychain.account_text(account)}")
    return ExitCode.OK
