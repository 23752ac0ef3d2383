"""The parser's events, in one pass -> plain data and marks.

PyYAML's own composer and constructor read YAML 1.1, follow tags, and have no bounds; its event stream is all that is
used of it. Duplicate keys, tags, merge keys, cycles, alias bombs and deep nesting are refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from sys import intern
from typing import Any, NoReturn

import yaml

from kfpipe.errors import Problem, Refused, Severity
from kfpipe.files.text import stray_character
from kfpipe.manifest.document import paths, scalars, syntax
from kfpipe.manifest.document.marks import Container, Marks, packed, unpacked
from kfpipe.manifest.document.typed import in_yaml
from kfpipe.names import in_one_form
from kfpipe.wording import described, echoed, visible

DEEPEST = 64
"""Levels of nesting; a manifest that makes sense has about six."""

MOST_ALIASED_VALUES = 1_000_000
"""Values that aliases may stand for in total, counted as if they were written out."""

MOST_REPORTED = 50
"""Problems, and apart from them warnings, that one reading names."""

_MEMO_CHARS = 32
_UNSEEN = object()
_MERGE = "<<"

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The plain data of a YAML text, where each value stands, and what may have been meant otherwise."""

    data: dict[str, Any]
    marks: Marks
    warnings: tuple[Problem, ...]


def build(text: str, file: str) -> Built:
    """Data, marks and warnings of one YAML text. Raises Refused."""
    try:
        return _Builder(text, file).built()
    except _BeyondParser as beyond:
        # The parser looks ahead, so it may give up before it reports a single level. What comes before that place
        # nests deeper than is allowed here as well: read alone, it is refused where the first level too many opens.
        return _Builder(text, file, readable=beyond.at).built()


_NO_VALUE = "there is no value, which means the same as `null`"


class _BeyondParser(Exception):
    """The parser has a limit of its own, far beyond `DEEPEST`, and hits it at the character `at`."""

    def __init__(self, at: int) -> None:
        self.at = at


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: Any
    count: int
    height: int


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet.

    `height` is the number of levels it spans; `further` counts the values inside of its values, aliases written out.
    A mapping without `key_mark` waits for a key; one with a mark and no `key` drops the value of a refused key.
    """

    container: Container
    start: int
    anchor: str | None = None
    marks: list[int] = field(default_factory=list)
    key: str | None = None
    key_mark: int | None = None
    further: int = 0
    height: int = 1

    @property
    def count(self) -> int:
        """The values in it, itself included and aliases written out."""
        return 1 + len(self.marks) + self.further

    @property
    def awaits_key(self) -> bool:
        return self.key_mark is None and isinstance(self.container, dict)


class _Builder:
    """Problems are gathered while they leave something to read; what makes continuing pointless stops at once."""

    def __init__(self, text: str, file: str, *, readable: int | None = None) -> None:
        """Of `text`, only the first `readable` characters are given to the parser; None for all."""
        self._text = text
        self._readable = readable
        self._file = file
        self._top: list[Any] = []
        self._open = [_Open(self._top, 0)]
        self._marks = Marks()
        self._anchors: dict[str, _Anchored] = {}
        self._aliased_values = 0
        self._has_comments = " #" in text
        self._has_escapes = "\\" in text
        self._memo: dict[str, Any] = {}
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []

    def built(self) -> Built:
        """What was read. Raises Refused with everything that is wrong, or that no shot list looks like."""
        self._read()
        data = self._top[0] if self._top else None
        start = "`kfpipe init` writes one to start from"
        if data is None:
            self._stop(0, "the file is empty", "a shot list", start)
        self._marks.root = self._open[0].marks[0]
        if not isinstance(data, dict):
            expected = "a shot list: lines of `key: value`, beginning with `kfpipe: 1`"
            self._stop(self._marks.root, f"the whole file is {described(data)}", expected, start)
        if self._problems:
            raise Refused(self._problems)
        return Built(data=data, marks=self._marks, warnings=tuple(self._warnings))

    def _read(self) -> None:
        """Take the parser's events one by one, up to the first that it cannot make sense of."""
        handlers: dict[type, Callable[[Any], None]] = {
            yaml.MappingStartEvent: self._begin_mapping,
            yaml.SequenceStartEvent: self._begin_list,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._take_alias,
            yaml.DocumentStartEvent: self._begin_document,
        }
        loader = _Loader(self._text[: self._readable])
        get_event, scalar, take_scalar = loader.get_event, yaml.ScalarEvent, self._take_scalar
        try:
            while (event := get_event()) is not None:
                if (kind := type(event)) is scalar:  # most are
                    take_scalar(event)
                elif (handle := handlers.get(kind)) is not None:
                    handle(event)
        except yaml.YAMLError as error:
            limit = syntax.nesting_limit(error)
            if limit is not None and self._readable is None:
                raise _BeyondParser(limit) from error
            raise Refused([*self._problems, syntax.explained(error, self._text, self._file)]) from error
        finally:
            loader.dispose()

    def _begin_document(self, event: Any) -> None:
        if self._top:
            fix = "delete the line `---`, or move what follows into a file of its own"
            self._stop(_mark(event), "a second document begins here", "one shot list in a file", fix)

    # ---- values

    def _take_scalar(self, event: Any) -> None:
        value, style, start = event.value, event.style, event.start_mark
        if not style:
            known = self._memo.get(value, _UNSEEN)
            value = known if known is not _UNSEEN else self._plain(event)
            if self._has_comments:
                self._check_comment(event)
        elif style == '"' and self._has_escapes and "\\" in self._text[start.index : event.end_mark.index]:
            self._check_escapes(event)
        if event.tag is not None:
            self._refuse_tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1, 0)
        self._place(value, packed(start.line, start.column))

    def _plain(self, event: Any) -> Any:
        """What an unquoted text means, remembered: large manifests write few values many times."""
        text = event.value
        try:
            value = scalars.plain(text)
        except scalars.NumberRefused as refused:
            self._report(_mark(event), str(refused), fix="write a plain number, or put it in quotes if it is text")
            return text
        older = scalars.older_reading(text)
        if not text:
            self._warn(_mark(event), _NO_VALUE, "write a value, or `null` to take away what is inherited")
        elif older is not None and len(self._warnings) < MOST_REPORTED:
            self._warn_of_older(event, value, older)
        elif len(text) <= _MEMO_CHARS:
            self._memo[text] = value
        return value

    def _begin_mapping(self, event: Any) -> None:
        self._begin({}, event)

    def _begin_list(self, event: Any) -> None:
        self._begin([], event)

    def _begin(self, container: Container, event: Any) -> None:
        mark = _mark(event)
        if event.tag is not None:
            self._refuse_tag(event)
        if len(self._open) > DEEPEST:
            self._stop(mark, f"this is nested more than {DEEPEST} levels deep", fix="use fewer levels")
        if self._open[-1].awaits_key:
            self._refuse_container_key(event)
        self._open.append(_Open(container, mark, event.anchor))

    def _end(self, _event: Any) -> None:
        closed = self._open.pop()
        self._marks.keep(closed.container, closed.marks)
        if closed.anchor is not None:
            self._anchors[closed.anchor] = _Anchored(closed.container, closed.count, closed.height)
        self._place(closed.container, closed.start)
        self._weigh(closed.count, closed.height)

    def _take_alias(self, event: Any) -> None:
        """Put what an anchor marks here once more; small texts that stand for huge ones are refused."""
        mark, sign = _mark(event), f"`*{visible(event.anchor)}`"
        if any(frame.anchor == event.anchor for frame in self._open):
            self._stop(mark, f"{sign} is inside the part that it repeats", fix="write the value in full")
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            what = f"{sign} repeats a part marked {sign.replace('*', '&')}, but there is none above"
            self._report(mark, what, fix="if this is text that starts with an asterisk, put it in quotes")
            anchored = _Anchored("", 1, 0)
        self._check_size(anchored, mark, sign)
        if self._open[-1].awaits_key and not isinstance(anchored.value, str):
            self._report(mark, f"{sign} is not text, and a key must be", fix="write the key in full")
        self._place(anchored.value, mark)
        self._weigh(anchored.count, anchored.height)

    def _check_size(self, anchored: _Anchored, mark: int, sign: str) -> None:
        self._aliased_values += anchored.count
        if self._aliased_values > MOST_ALIASED_VALUES:
            what = f"the aliases up to {sign} repeat more than {MOST_ALIASED_VALUES:,} values"
            self._stop(mark, what, fix="move what many shots share into `defaults` or `vars`")
        if len(self._open) + anchored.height > DEEPEST + 1:
            what = f"with {sign} written out, this is nested more than {DEEPEST} levels deep"
            self._stop(mark, what, fix="use fewer levels")

    def _weigh(self, count: int, height: int) -> None:
        """Add what the last value holds to the part that it was placed in."""
        parent = self._open[-1]
        parent.further += count - 1
        if height >= parent.height:
            parent.height = height + 1

    def _place(self, value: Any, mark: int) -> None:
        """Put a value where it belongs: into the open list, or as a key or a value into the open mapping."""
        parent = self._open[-1]
        container, key = parent.container, parent.key
        if key is not None:
            container[key] = value  # type: ignore[call-overload]
            parent.marks += (parent.key_mark, mark)  # type: ignore[arg-type]
            parent.key = parent.key_mark = None
        elif type(container) is list:
            container.append(value)
            parent.marks.append(mark)
        elif parent.key_mark is None:
            self._take_key(value, mark, parent)
        else:
            parent.key_mark = None

    def _take_key(self, value: Any, mark: int, parent: _Open) -> None:
        parent.key_mark = mark
        value = intern(in_one_form(value)) if type(value) is str else value
        if type(value) is str and value != _MERGE and value not in parent.container:
            parent.key = value
        else:
            self._refuse_key(value, mark, parent)

    # ---- what is refused, and warned of

    def _refuse_tag(self, event: Any) -> None:
        fix = "put text that starts with an exclamation mark in quotes; otherwise delete the tag"
        self._report(_mark(event), "`!` starts a YAML tag here, and a shot list cannot have one", fix=fix)

    def _refuse_key(self, key: Any, mark: int, parent: _Open) -> None:
        if isinstance(key, (dict, list)):
            return  # refused where it began
        if not isinstance(key, str):
            number = isinstance(key, (int, Decimal)) and not isinstance(key, bool)
            hint = "; if it is the end of a decimal number, write a point instead of the comma" if number else ""
            what, expected = f"this key is {described(key)}", "a word"
            fix = f"if it is meant as text, put it in quotes{hint}"
        elif key == _MERGE:
            what, expected = f"`{_MERGE}` does not merge anything here (YAML 1.2 has no merge keys)", "a field's name"
            fix = "list the shared fields under `defaults`, or repeat them here"
        else:
            first = unpacked(parent.marks[2 * list(parent.container).index(key)])
            what = f"{echoed(key)} appears twice; the first one is on line {first.line}, column {first.column}"
            expected, fix = "each key once", "delete one of the two"
        self._report(mark, what, expected, fix)

    def _refuse_container_key(self, event: Any) -> None:
        start = event.start_mark
        if self._text[start.index - 1 : start.index + 1] == "{{":
            self._report(packed(start.line, start.column - 1), *syntax.UNQUOTED_TEMPLATE)
        else:
            what = "there is a list or block here instead of a key"
            self._report(_mark(event), what, "a word, then a colon", "if this is text, put it in quotes")

    def _check_escapes(self, event: Any) -> None:
        path = paths.QUOTED_PATH.fullmatch(self._text, event.start_mark.index, event.end_mark.index)
        if path is not None:
            self._report(_mark(event), *paths.problem_with(path[1]))
            return
        stray = stray_character(event.value)
        if stray is not None:
            what = f"an escape in this text stands for an invisible control character (U+{ord(stray):04X})"
            self._report(_mark(event), what, fix="delete the escape; a plain backslash is written `\\\\`")

    def _check_comment(self, event: Any) -> None:
        """`A kitten #1 in the rain` ends before its `#`; a real comment has a space after it."""
        end = event.end_mark.index
        if self._text.startswith(" #", end) and self._text[end + 2 : end + 3].strip("# \t\r\n"):
            after = self._text[end + 1 : end + 40].splitlines()[0]
            what = f"the value ends before {echoed(after)}: ` #` begins a comment"
            self._warn(_mark(event), what, "if it belongs to the text, put the whole text in quotes")

    def _warn_of_older(self, event: Any, value: Any, older: str) -> None:
        text = visible(event.value)
        if isinstance(value, str):
            meaning, fix = "text", f"write `{in_yaml(event.value)}` in quotes to mean text everywhere"
            if older in ("true", "false"):
                fix += f"; for {older} write `{older}`"
        else:
            meaning, fix = f"the number {Decimal(value):f}", f"write {Decimal(value):f}"
        self._warn(_mark(event), f"`{text}` is {meaning} here (YAML 1.2); YAML 1.1 tools take it for {older}", fix)

    def _report(self, mark: int, what: str, expected: str | None = None, fix: str | None = None) -> None:
        position = unpacked(mark)
        self._problems.append(Problem(file=self._file, position=position, what=what, expected=expected, fix=fix))
        if len(self._problems) == MOST_REPORTED:
            raise Refused([*self._problems, Problem(file=self._file, position=position, what="reading stopped here")])

    def _stop(self, mark: int, what: str, expected: str | None = None, fix: str | None = None) -> NoReturn:
        self._report(mark, what, expected, fix)
        raise Refused(self._problems)

    def _warn(self, mark: int, what: str, fix: str) -> None:
        if len(self._warnings) < MOST_REPORTED:
            self._warnings.append(
                Problem(file=self._file, position=unpacked(mark), what=what, fix=fix, severity=Severity.WARNING)
            )


def _mark(event: Any) -> int:
    start = event.start_mark
    return packed(start.line, start.column)
