"""The drawing of the exceptions at the head of `kfpipe.errors`, held against the classes there are."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Final

import kfpipe
from kfpipe import errors
from kfpipe.cli.output.messages import exit_code
from kfpipe.errors import KfpipeError

_LINE: Final = re.compile(r"    (?P<branches>[│├└─ ]*)(?P<name>[\w.]+) +(?P<code>\d|-|exit code)(?: |$)")
_BRANCH_WIDTH: Final = len("├── ")


def test_every_exception_is_drawn_under_its_base_and_with_its_home() -> None:
    imported = {"KfpipeError": None} | {name_of(kind): name_of(kind.__base__) for kind in subclasses(KfpipeError)}
    assert {name: base for name, base, _ in drawn()} == imported


def test_no_exception_is_drawn_twice() -> None:
    names = [name for name, _, _ in drawn()]
    assert len(names) == len(set(names))


def test_the_exit_codes_in_the_drawing_are_those_of_the_commands() -> None:
    kinds = {name_of(kind): kind for kind in subclasses(KfpipeError)}
    codes = {name: int(code) for name, _, code in drawn() if code.isdigit()}
    assert codes == {name: exit_code(kinds[name].__new__(kinds[name])) for name in codes}
    assert len(codes) >= 5


def drawn() -> list[tuple[str, str | None, str]]:
    """Each line of the drawing: the exception, its base (None for the root), its exit code."""
    lines, above = [], list[str]()
    for line in (errors.__doc__ or "").splitlines():
        if found := _LINE.match(line):
            depth = len(found["branches"]) // _BRANCH_WIDTH
            above[depth:] = [found["name"]]
            lines.append((found["name"], above[depth - 1] if depth else None, found["code"]))
    return lines


def subclasses(base: type) -> Iterator[type]:
    """All of them in all modules of kfpipe, at any depth."""
    for module in pkgutil.walk_packages(kfpipe.__path__, "kfpipe."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    yield from _below(base)


def _below(base: type) -> Iterator[type]:
    for kind in base.__subclasses__():
        if kind.__module__.startswith("kfpipe."):
            yield kind
            yield from _below(kind)


def name_of(kind: type | None) -> str:
    """As drawn: by its name alone in `kfpipe.errors`, else with its module below kfpipe."""
    assert kind is not None
    home = kind.__module__.removeprefix("kfpipe.")
    return kind.__name__ if home == "errors" else f"{home}.{kind.__name__}"
