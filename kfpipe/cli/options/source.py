"""MANIFEST and the options that override it, shared by several commands."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from kfpipe import project as projects
from kfpipe.cli.options import default_manifest
from kfpipe.cli.options.common import Command
from kfpipe.cli.output.amounts import parse_amount
from kfpipe.errors import ExitCode, Refused
from kfpipe.manifest.model import PriceLine
from kfpipe.names import in_one_form, is_variable
from kfpipe.project import Options, Project
from kfpipe.wording import echoed


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The manifest as given on the command line, and the options that override it."""

    path: Path
    options: Options

    def load(self) -> Project:
        """The project. Raises Refused with all problems."""
        return projects.load(self.path, self.options)

    @property
    def words(self) -> tuple[str, ...]:
        """The options as they are typed."""
        given = self.options
        return (
            *(("--region", given.region) if given.region is not None else ()),
            *(("--profile", given.profile) if given.profile is not None else ()),
            *(("--emulator",) if given.emulator else ()),
            *(word for line in given.prices for word in ("--price", price_text(line))),
            *(word for name, value in given.variables.items() for word in ("--var", f"{name}={value}")),
        )

    def command(self, verb: str, *more: str) -> str:
        """Another command for the same manifest, ready to be pasted into a shell."""
        return shlex.join(["kfpipe", verb, str(self.path), *self.words, *more])


def manifest_arguments(command: Command) -> Command:
    """MANIFEST and the options that override it; the command gets them as one `source`."""

    @manifest_argument()
    @overlay_options
    @wraps(command)
    def wrapped(manifest: Path | None, options: Options, **own: Any) -> ExitCode:
        return command(source=Source(path=manifest or default_manifest.found(), options=options), **own)

    return wrapped


def manifest_argument() -> Callable[[Command], Command]:
    """MANIFEST alone; the command gets it as `manifest`, None where it is left out."""
    return click.argument("manifest", type=click.Path(path_type=Path), required=False)


def overlay_options(command: Command) -> Command:
    """The options that override a manifest; the command gets them as one `options`."""

    @click.option("--region", metavar="NAME", help="Use this region instead of the manifest's.")
    @click.option("--profile", metavar="NAME", help="Apply a profile of the manifest.")
    @click.option("--emulator", is_flag=True, help="Use the emulator: free, and kept apart from paid results.")
    @click.option(
        "--price",
        "prices",
        multiple=True,
        metavar="MODEL:RESOLUTION=AMOUNT",
        help="Price per second of video, where none is published. Repeatable.",
    )
    @click.option(
        "--var", "variables", multiple=True, metavar="NAME=VALUE", help="Set a variable of the prompts. Repeatable."
    )
    @wraps(command)
    def wrapped(
        region: str | None,
        profile: str | None,
        emulator: bool,
        prices: Sequence[str],
        variables: Sequence[str],
        **own: Any,
    ) -> ExitCode:
        options = Options(
            region=region,
            profile=profile and in_one_form(profile),
            emulator=emulator,
            prices=tuple(parse_price(text) for text in prices),
            variables=dict(parse_variable(text) for text in variables),
        )
        return command(options=options, **own)

    return wrapped


def price_text(line: PriceLine) -> str:
    """The value of `--price` that says the same."""
    sound = {None: "", True: "+sound", False: "+silent"}[line.sound]
    return f"{line.model}:{line.resolution}{sound}={line.amount:f}"


def parse_price(text: str) -> PriceLine:
    """The value of `--price`. Raises Refused."""
    name, equals, amount = text.rpartition("=")
    model, colon, tier = name.rpartition(":")
    resolution, plus, sound = tier.partition("+")
    if not (equals and colon and model and resolution and sound in (_SOUNDS if plus else [""])):
        raise Refused.because(
            "--price",
            f"{echoed(text)} is not a price",
            expected="MODEL:RESOLUTION=AMOUNT, such as wan2.2-kf2v-flash:720P=0.03; "
            "where sound has a price of its own, MODEL:RESOLUTION+sound=AMOUNT or +silent",
        )
    given = parse_amount(amount, "--price")
    return PriceLine(model=model, resolution=resolution, amount=given, sound=_SOUNDS.get(sound))


_SOUNDS: Final = {"sound": True, "silent": False}


def parse_variable(text: str) -> tuple[str, str]:
    """The value of `--var`. Raises Refused."""
    name, equals, value = text.partition("=")
    name = in_one_form(name)
    if not equals or not is_variable(name):
        raise Refused.because(
            "--var", f"{echoed(text)} does not set a variable", expected="NAME=VALUE, such as sky=evening"
        )
    return name, value
