"""What can come at the cursor: manifests, takes, tags and other names, for a shell that completes a line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from kfpipe import catalogue
from kfpipe.domain import cell_of
from kfpipe.errors import Refused
from kfpipe.lock.states import ABSENT, STATES
from kfpipe.names import in_one_form
from kfpipe.plan.selection import CHANGED, DRIFT, KINDS, PICKED

if TYPE_CHECKING:
    from kfpipe.cli.completion.names import Names

OPEN: Final = "open"
"""The type of an offer that is only the beginning of a word: no space follows it."""

Completion = CompletionItem
Completions = Callable[["Typed", str], Iterable[Completion]]

_MANIFESTS: Final = (".yaml", ".yml")


class Typed:
    """The complete words already on the line."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    @cached_property
    def names(self) -> Names:
        """Those of the manifest among the words, else of the one that the folder has."""
        from kfpipe.cli.completion import names  # what reads a manifest takes a while to load, and most words need none
        from kfpipe.cli.options import default_manifest

        path = next((word for word in self.words if word.endswith(_MANIFESTS)), None)
        try:
            return names.of(default_manifest.found() if path is None else Path(path))
        except Refused:
            return names.NONE


def manifests(_: Typed, incomplete: str) -> Iterator[Completion]:
    return _paths(incomplete, _MANIFESTS)


def files(_: Typed, incomplete: str) -> Iterator[Completion]:
    return _paths(incomplete, ("",))


def _paths(incomplete: str, endings: tuple[str, ...]) -> Iterator[Completion]:
    """Files with one of the extensions, and folders that may hold more."""
    folder, _, beginning = incomplete.rpartition("/")
    shown = f"{folder}/" if "/" in incomplete else ""
    try:
        found = sorted(os.scandir(Path(shown or ".").expanduser()), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if not entry.name.startswith(beginning) or (entry.name.startswith(".") and not beginning):
            continue
        if entry.is_dir():
            yield Completion(f"{shown}{entry.name}/", type=OPEN)
        elif entry.name.endswith(endings):
            yield Completion(f"{shown}{entry.name}")


def selectors(typed: Typed, incomplete: str) -> Iterator[Completion]:
    """Shots, the takes of a shot once its `@` is typed, and the words before and after a colon."""
    unless = "!" if incomplete.startswith("!") else ""
    kind, colon, _ = incomplete.removeprefix(unless).partition(":")
    if colon:
        return (Completion(f"{unless}{kind}:{value}") for value in _values(kind, typed.names))
    return (Completion(f"{unless}{offer.value}", type=offer.type) for offer in _plain(incomplete, typed.names))


def _plain(incomplete: str, known: Names) -> Iterator[Completion]:
    if "@" in incomplete:
        yield from map(Completion, _takes(known))
        return
    yield from map(Completion, known.takes)
    yield Completion(CHANGED, help="changed in the manifest")
    yield Completion(PICKED, help="picked of its shot")
    yield Completion(DRIFT, help="begins or ends on another picture than asked")
    yield from (Completion(f"{kind}:", type=OPEN) for kind in KINDS if kind != "take")


def _values(kind: str, known: Names) -> Iterable[str]:
    match kind:
        case "tag":
            return known.tags
        case "state":
            return (*STATES, ABSENT)
        case "model":
            return known.models
        case "take":
            return (*known.takes, *_takes(known))
        case _:
            return ()


def _takes(known: Names) -> list[str]:
    return [take_id for made in known.takes.values() for take_id in made]


def shots(typed: Typed, incomplete: str) -> Iterator[Completion]:
    """The shots; where one is typed in the manifest's place, its takes."""
    return cells(typed, incomplete) if _own(typed) else map(Completion, typed.names.takes)


def cells(typed: Typed, _: str) -> Iterator[Completion]:
    """The takes of the shot among the words, by the part after the `@`."""
    return (Completion(cell_of(take_id)) for take_id in _own(typed))


def _own(typed: Typed) -> tuple[str, ...]:
    known = typed.names.takes
    return next((known[word] for word in map(in_one_form, typed.words) if word in known), ())


def takes(typed: Typed, _: str) -> Iterator[Completion]:
    return map(Completion, _takes(typed.names))


def profiles(typed: Typed, _: str) -> Iterator[Completion]:
    return map(Completion, typed.names.profiles)


def regions(_: Typed, __: str) -> Iterator[Completion]:
    return map(Completion, catalogue.shipped().regions)


BY_NAME: Final[dict[str, Completions]] = {
    "manifest": manifests,
    "manifests": manifests,
    "shot": shots,
    "take": cells,
    "--select": selectors,
    "--retry": selectors,
    "--rerender": selectors,
    "--lost": takes,
    "--profile": profiles,
    "--region": regions,
}
"""By the name of an argument, or the long name of an option."""


@dataclass(frozen=True, slots=True)
class Offering:
    """Offers in the form that click asks for: those that continue what is typed."""

    offers: Completions

    def __call__(self, context: click.Context, _: click.Parameter, incomplete: str) -> list[Completion]:
        typed = context.find_object(Typed) or Typed(())
        continued = (_continued(offer, incomplete) for offer in self.offers(typed, incomplete))
        return [offer for offer in continued if offer is not None and offer.value.isprintable()]


def _continued(offer: Completion, incomplete: str) -> Completion | None:
    """The offer where it begins with what is typed; a name's letters stay composed as they are typed."""
    if offer.value.startswith(incomplete):
        return offer
    composed = in_one_form(incomplete)
    if composed == incomplete or not offer.value.startswith(composed):
        return None
    return Completion(incomplete + offer.value[len(composed) :], type=offer.type, help=offer.help)
