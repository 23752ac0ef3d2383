"""JSON text -> plain data, strictly, and where each value is; and plain data -> text, entry by entry.

What the standard reader accepts and kfpipe never writes is refused: repeated names, fractions, NaN, giant numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any, Final, Never

from kfpipe import gcpause
from kfpipe.errors import Problem, Refused
from kfpipe.files.text import DataPath, position_of
from kfpipe.wording import echoed

LONGEST_INTEGER: Final = 20

BROKEN_CHARACTERS: Final = "replace"
"""How text is encoded for writing: half a character in a service's message must not cost the record around it."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotJson(ValueError):
    """The text is not JSON as kfpipe writes it; `index` is the place of the first offence."""

    def __init__(self, what: str, index: int) -> None:
        self.what = what
        self.index = index
        super().__init__(what)


class _Unwanted(Exception):
    """The reader's hooks know what is wrong, not where it is."""


class _Literal(_Unwanted):
    pass


class _RepeatedName(_Unwanted):
    pass


def parse_json(text: str) -> Any:
    """The data: dict, list, str, int, bool, None. Raises `NotJson`."""
    try:
        with gcpause.paused():  # what is finalised at the bottom of a deep nest has no room left to run in
            data = json.loads(
                text, object_pairs_hook=_object, parse_int=_integer, parse_float=_refuse, parse_constant=_refuse
            )
    except json.JSONDecodeError as error:
        raise NotJson(f"this is not JSON: {error.msg}", error.pos) from error
    except RecursionError as error:
        raise NotJson("the JSON is nested too deeply", 0) from error
    except _Literal as literal:
        what = f"{str(literal)[:LONGEST_INTEGER]} is not a number that is allowed here"
        raise NotJson(what, _index_of_literal(text, str(literal))) from None
    except _RepeatedName as name:
        raise NotJson(f"the name {echoed(str(name))} appears twice", _index_of_repetition(text, str(name))) from None
    surrogate = _SURROGATE.search(text)
    if surrogate is not None and not _is_unicode(data):
        raise NotJson("half of a surrogate pair is not a character", surrogate.start())
    return data


def pieces(data: Mapping[str, Any]) -> Iterator[str]:
    """An object as JSON to read, indented by two, and a line's end: the entries of its lists one by one.

    An iterator in it is a list. The pieces together are what `json.dumps` makes.
    """
    before = "{\n  "
    for name, value in data.items():
        yield f"{before}{_quoted(name)}: "
        if isinstance(value, list | Iterator):
            yield from _entries(value)
        else:
            yield _indented(value, "\n  ")
        before = ",\n  "
    yield "\n}\n" if data else "{}\n"


def _entries(values: Iterable[Any]) -> Iterator[str]:
    before = "[\n    "
    for value in values:
        yield f"{before}{_indented(value, _OF_AN_ENTRY)}"
        before = ",\n    "
    yield "[]" if before[0] == "[" else "\n  ]"


def _indented(value: Any, line: str) -> str:
    """A value as JSON, whose further lines begin with `line`; text has no line ends of its own there.

    The standard library's encoder takes three times as long as soon as it indents.
    """
    if isinstance(value, str):
        return _quoted(value)
    inner = f"{line}  "
    if isinstance(value, Mapping):
        lines = [f"{_quoted(name)}: {_indented(held, inner)}" for name, held in value.items()]
        return f"{{{inner}{f',{inner}'.join(lines)}{line}}}" if lines else "{}"
    if isinstance(value, list | tuple | Iterator):
        lines = [_indented(held, inner) for held in value]
        return f"[{inner}{f',{inner}'.join(lines)}{line}]" if lines else "[]"
    return "null" if value is None else json.dumps(value)


_OF_AN_ENTRY: Final = "\n    "
_quoted: Final = encode_basestring


def index_of(text: str, path: DataPath) -> int:
    """Where the value at `path` begins, in text that `parse_json` accepts; the nearest ancestor when there is none."""
    nearest, depth = 0, -1
    for found, index, is_name in _places(text):
        if not is_name and len(found) > depth and found == path[: len(found)]:
            nearest, depth = index, len(found)
            if found == path:
                break
    return nearest


def _is_unicode(data: Any) -> bool:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, whose names must differ: readers disagree about which of two counts."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                raise _RepeatedName(name)
            names.add(name)
    return made


def _integer(literal: str) -> int:
    return int(literal) if len(literal) <= LONGEST_INTEGER else _refuse(literal)


def _refuse(literal: str) -> Never:
    raise _Literal(literal)


def _index_of_literal(text: str, literal: str) -> int:
    return next((token.start() for token in _TOKEN.finditer(text) if token.group() == literal), 0)


def _index_of_repetition(text: str, name: str) -> int:
    """The second place of the first name of this spelling that an object holds twice."""
    seen: set[DataPath] = set()
    for path, index, is_name in _places(text):
        if is_name and path[-1] == name:
            if path in seen:
                return index
            seen.add(path)
    return 0


def _places(text: str) -> Iterator[tuple[DataPath, int, bool]]:
    """Every name and every value in file order: its path, where it begins, whether it is a name."""
    steps: list[str | int | None] = []  # one for each open container; None: an object's next name is awaited
    for token in _TOKEN.finditer(text):
        match token.group()[0]:
            case ":":
                pass
            case ",":
                steps[-1] = steps[-1] + 1 if isinstance(steps[-1], int) else None
            case "}" | "]":
                steps.pop()
            case '"' if steps and steps[-1] is None:
                steps[-1] = json.loads(token.group())
                yield _path(steps), token.start(), True
            case first:
                yield _path(steps), token.start(), False
                if first in "{[":
                    steps.append(None if first == "{" else 0)


def _path(steps: list[str | int | None]) -> DataPath:
    return tuple(step for step in steps if step is not None)


def from_utf8(content: bytes, file: str, *, fix: str) -> str:
    """The text, without its byte order mark. Raises Refused when it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        what = f"the byte 0x{content[error.start]:02x} is not UTF-8 text"
        raise refusal(file, before, len(before), what, fix=fix) from error


def refusal(file: str, text: str, index: int, what: str, *, expected: str | None = None, fix: str) -> Refused:
    """A refusal with one problem, at a place in the text."""
    return Refused([Problem(file=file, position=position_of(text, index), what=what, expected=expected, fix=fix)])
