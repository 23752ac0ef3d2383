"""`kfpipe login`"""

from __future__ import annotations

import sys

import click

from kfpipe import environment, keychain
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams
from kfpipe.errors import ExitCode, Refused


@click.command("login", cls=WithExamples, epilog=examples("kfpipe login", "kfpipe login acme"))
@click.argument("account", required=False)
@json_option
def command(account: str | None, as_json: bool) -> ExitCode:
    """Store an account's key in the system's keyring.

    Asks for the key without showing it, or reads it from standard input. ACCOUNT is the manifest's `provider.account`;
    without it the key is that of the account that has no name. The environment and .env go before the keyring. Needs
    the extra `kfpipe[keyring]`.
    """
    keychain.refuse_unusable(account)
    keyring = keychain.keep(account, _asked_for(account))
    if as_json:
        streams.result_json({"account": account, "keyring": keyring, "exit_code": int(ExitCode.OK)})
        return ExitCode.OK
    streams.result(f"the key of {keychain.account_text(account)} is in the keyring ({keyring})")
    name = environment.key_name(account)
    if environment.read().keys.get(name):
        streams.note(f"warning: {name} is set in the environment or in .env, and goes before it")
    return ExitCode.OK


def _asked_for(account: str | None) -> str:
    """The key as it is typed or piped in. Raises Refused for what cannot be one, without repeating it."""
    if sys.stdin.isatty():
        typed = click.prompt(f"API key of {keychain.account_text(account)}", hide_input=True, err=True, type=str)
    else:
        typed = sys.stdin.readline()
    secret = str(typed).strip()
    if not secret.isascii() or not secret.isprintable() or len(secret.split()) != 1:
        raise Refused.because("key", "this is not a key", expected="one word on one line, such as sk-...")
    return secret
