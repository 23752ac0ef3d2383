"""What PyYAML's parser could not read, in the words of someone who only knows the file.

The parser's message names the rule that broke; the text around it shows which mistake broke it. Each explanation
looks for one mistake, the first that finds its own wins, and PyYAML's words are the last resort.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from kfpipe.errors import Problem
from kfpipe.files.text import line_above, line_around, position_of
from kfpipe.manifest.document import paths
from kfpipe.wording import listed

UNQUOTED_TEMPLATE = (
    "a value that starts with `{{` must be in quotes",
    'text in quotes, such as "{{ style }}. A kitten looks up."',
    "put double quotes around the whole value",
)
"""What, expected and fix for the most common mistake, which may or may not break the syntax."""

_LOST = "could not find expected ':'"
_QUOTE_IT = "put the whole text in quotes"
_TEMPLATE_START = re.compile(r"(?:^|[:\-,\[{])\s+(\{\{)|^(\{\{)")
_ODD_INDENT = re.compile("^[ \t]*([\u00a0\u2000-\u200f\u202f\u205f\u3000\ufeff])")
_KEY = re.compile(r"\s*(?:- +)*[^\s'\"\[{#][^:#]*:(?= )")
_GLUED_COLON = re.compile(r"\s*(?:- +)*[\w.-]+(:)[^\s/\\:]")
_CURLY_QUOTE = re.compile("[\u201c\u201d\u2018\u2019\u00ab\u00bb]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """Where the parser gave up (`at`), where the part began that it was in (`opened`), and its own words."""

    file: str
    text: str
    message: str
    context: str
    at: int
    opened: int

    @property
    def char(self) -> str:
        return self.text[self.at : self.at + 1]

    @property
    def opener(self) -> str:
        return self.text[self.opened : self.opened + 1]

    def lines_at_hand(self) -> Iterator[tuple[int, str]]:
        """The line of the fault, the line where its part began, and the two lines above, each with its start."""
        start, line = line_around(self.text, self.at)
        yield start, line
        yield line_around(self.text, self.opened)
        for _ in range(2):
            start, line = line_above(self.text, start)
            yield start, line

    def problem(self, at: int, what: str, expected: str | None = None, fix: str | None = None) -> Problem:
        return Problem(file=self.file, position=position_of(self.text, at), what=what, expected=expected, fix=fix)


def explained(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """The parser's complaint as a problem with a position and, where the mistake is known, its fix."""
    mark = getattr(error, "problem_mark", None)
    opened = getattr(error, "context_mark", None) or mark
    fault = _Fault(
        file=file,
        text=text,
        message=getattr(error, "problem", None) or str(error),
        context=getattr(error, "context", None) or "",
        at=mark.index if mark else 0,
        opened=opened.index if opened else 0,
    )
    found = (explanation(fault) for explanation in _EXPLANATIONS)
    return next((problem for problem in found if problem is not None), None) or fault.problem(
        fault.at,
        f"this cannot be read as YAML ({fault.message})",
        fix="compare the line, and the one above, with a line that works; put text with special characters in quotes",
    )


def nesting_limit(error: yaml.YAMLError) -> int | None:
    """Where the parser met its own bound on levels, as a character's index; None when something else is wrong.

    Source: libyaml 0.2.6 in PyYAML 6.0.4, whose scanner stops at level 1,000; earlier ones have no bound.
    """
    mark = getattr(error, "problem_mark", None)
    return mark.index if mark and "nesting depth" in (getattr(error, "problem", None) or "") else None


def _windows_path(fault: _Fault) -> Problem | None:
    """`"C:\\Users\\a.png"`: the parser gives up at `\\U`, which begins a number."""
    start, line = line_around(fault.text, fault.at)
    for found in paths.QUOTED_PATH.finditer(line):
        if found.start() <= fault.at - start <= found.end():
            return fault.problem(start + found.start(), *paths.problem_with(found[1]))
    return None


def _template(fault: _Fault) -> Problem | None:
    for start, line in fault.lines_at_hand():
        found = _TEMPLATE_START.search(line)
        if found:
            return fault.problem(start + max(found.start(1), found.start(2)), *UNQUOTED_TEMPLATE)
    return None


def _odd_characters(fault: _Fault) -> Problem | None:
    """A blank that is no space, or a full-width colon: they look right, and are only text to YAML."""
    for start, line in fault.lines_at_hand():
        indent = _ODD_INDENT.match(line)
        if indent:
            what = f"the line is indented with an invisible character that is not a space (U+{ord(indent[1]):04X})"
            return fault.problem(start + indent.start(1), what, "spaces", "delete the indentation and type spaces")
        if "\uff1a" in line and ": " not in line:
            what = "there is a full-width colon here"
            return fault.problem(
                start + line.index("\uff1a"), what, "`: ` (a plain colon and a space)", "type it again"
            )
    return None


def _tab(fault: _Fault) -> Problem | None:
    if fault.char != "\t":
        return None
    fix = "replace each tab with two spaces (and set the editor to insert spaces)"
    return fault.problem(fault.at, "there is a tab where only spaces are allowed", "spaces", fix)


def _open_quote(fault: _Fault) -> Problem | None:
    """A quote that the text ends before: told where it opens, for the parser only knows where it gave up."""
    if "quoted scalar" not in fault.context or "escape" in fault.message or "hexdecimal" in fault.message:
        return None
    quote = fault.opener
    inner = '\\"' if quote == '"' else "''"
    what = f"the quote {quote} that opens here is never closed"
    return fault.problem(
        fault.opened, what, fix=f"add {quote} at the end of the text; inside the text write it {inner}"
    )


def _escape(fault: _Fault) -> Problem | None:
    if "escape" not in fault.message and "hexdecimal" not in fault.message:
        return None
    at = fault.text.rfind("\\", 0, fault.at + 1)
    what = f"`{fault.text[at : at + 2]}` is not an escape that double quotes allow"
    return fault.problem(at, what, fix="write `\\\\` for a backslash, or use single quotes around the text")


def _after_quote(fault: _Fault) -> Problem | None:
    """Text behind a closing quote, or a quote that closes what it was meant to open."""
    start, line = line_around(fault.text, fault.at)
    before = line[: fault.at - start].rstrip()
    quote = before[-1:]
    if quote not in ("'", '"') or not fault.char.strip():
        return None
    if before.count(quote) % 2:
        what = f"the quote {quote} before this closes text that began on a line above"
        return fault.problem(start + len(before) - 1, what, fix=f"add the missing {quote} at the end of that text")
    inner = "''" if quote == "'" else '\\"'
    fix = f"put the quotes around the whole value; inside the text write the quote {quote} as {inner}"
    return fault.problem(fault.at, f"text follows the closing quote {quote}", "the end of the line", fix)


def _after_bracket(fault: _Fault) -> Problem | None:
    before = fault.text[: fault.at].rstrip(" ")[-1:]
    if before not in ("]", "}") or not fault.char.strip():
        return None
    what = f"text follows the closing bracket `{before}`"
    return fault.problem(fault.at, what, "the end of the line", f"if this is all one text, {_QUOTE_IT}")


def _open_bracket(fault: _Fault) -> Problem | None:
    """A bracket that is not closed: told where it opens."""
    if "flow" not in fault.context:
        return None
    opened = fault.opened
    if not fault.char:  # the parser only knows that the text is over
        opened = max(fault.text.rfind("["), fault.text.rfind("{"))
    bracket = fault.text[opened : opened + 1]
    closing = {"[": "]", "{": "}"}.get(bracket)
    if closing is None:
        return None
    at = position_of(fault.text, fault.at)
    what = f"the bracket `{bracket}` that opens here is not closed before line {at.line}, column {at.column}"
    fix = f"add the missing `{closing}` or comma; if this is text, put it in quotes"
    return fault.problem(opened, what, f"`,` between the entries and `{closing}` at the end", fix)


def _forbidden_start(fault: _Fault) -> Problem | None:
    char = fault.opener
    starts = (
        "cannot start any token" in fault.message
        or "node content" in fault.message
        or any(word in fault.context for word in ("alias", "anchor", "tag"))
    )
    if not starts or not char.strip():
        return None
    return fault.problem(fault.opened, f"a value cannot start with `{char}`", fix=f"if this is text, {_QUOTE_IT}")


def _inner_list(fault: _Fault) -> Problem | None:
    if "sequence entries are not allowed" not in fault.message:
        return None
    fix = f"begin the list on a line of its own; if this is text that starts with a dash, {_QUOTE_IT}"
    return fault.problem(fault.at, "a list cannot begin here with `- `", fix=fix)


def _glued_colon(fault: _Fault) -> Problem | None:
    """`prompt:A kitten` is read as text, and the parser stumbles over the next line."""
    if "mapping values are not allowed" not in fault.message and _LOST not in fault.message:
        return None
    here, _ = line_around(fault.text, fault.opened)
    for start, line in ((here, line_around(fault.text, here)[1]), line_above(fault.text, here)):
        found = _GLUED_COLON.match(line)
        if found and not _KEY.match(line) and start + found.start(1) != fault.at:
            at = start + found.start(1)
            return fault.problem(at, "there is no space after the colon", "`key: value`", "add a space after the `:`")
    return None


def _tight_colon(fault: _Fault) -> Problem | None:
    if "unexpected ':'" not in fault.message:
        return None
    return fault.problem(fault.at, "this colon needs a space after it, and a value", "`key: value`", f"or {_QUOTE_IT}")


def _colon_in_text(fault: _Fault) -> Problem | None:
    """A second colon in a line, or a line that is indented too deep."""
    if "mapping values are not allowed" not in fault.message:
        return None
    start, line = line_around(fault.text, fault.at)
    key = _KEY.match(line)
    if key and start + key.end() <= fault.at:
        curly = " (curly quotes do not count)" if _CURLY_QUOTE.search(line) else ""
        return fault.problem(fault.at, "text that contains a colon needs quotes", fix=f"{_QUOTE_IT}{curly}")
    at = start + len(line) - len(line.lstrip())
    above = position_of(fault.text, line_above(fault.text, start)[0])
    what = f"this line is indented deeper than line {above.line} allows"
    fix = f"if it is a key of its own, indent it like its neighbours; if it continues the text above, {_QUOTE_IT}"
    return fault.problem(at, what, fix=fix)


def _comment_in_text(fault: _Fault) -> Problem | None:
    """A comment ends a text; a further line of the text then has no place."""
    here, line = line_around(fault.text, fault.opened if "simple key" in fault.context else fault.at)
    start, above = line_above(fault.text, here)
    at = above.find(" #")
    if at < 0 or not _KEY.match(above) or _KEY.match(line + " "):
        return None
    fix = f"if it belongs to the text, {_QUOTE_IT}"
    return fault.problem(start + at + 1, "` #` begins a comment and ends the text here", fix=fix)


def _lost_line(fault: _Fault) -> Problem | None:
    if _LOST not in fault.message:
        return None
    what = "this line is neither `key: value` nor part of the text above"
    fix = "add the missing colon; if the line continues the text above, indent it deeper than its key"
    return fault.problem(fault.opened, what, "`key: value`", fix)


def _block_text(fault: _Fault) -> Problem | None:
    if "block scalar" not in fault.context:
        return None
    sign = fault.opener
    fix = f"begin the text on the next line, indented; if the text itself starts with `{sign}`, {_QUOTE_IT}"
    return fault.problem(fault.at, f"text cannot be on the same line after `{sign}`", fix=fix)


def _directive(fault: _Fault) -> Problem | None:
    if "directive" not in fault.context:
        return None
    fix = "delete the line; if this is text, put it in quotes and indent it"
    return fault.problem(fault.opened, "a line cannot start with `%`", fix=fix)


def _indentation(fault: _Fault) -> Problem | None:
    """A line that fits no block: told with the indentations that would do."""
    if "block" not in fault.context:
        return None
    begun = position_of(fault.text, fault.opened)
    start, line = line_around(fault.text, fault.at)
    what = f"this line does not fit the block that began on line {begun.line}"
    if fault.at - start + 1 == begun.column:
        expected = "the same kind of line as there: `- ` before all of them, or `key:` in all of them"
    else:
        above_start, above = line_above(fault.text, start)
        lines = {begun.line: begun.column - 1, position_of(fault.text, above_start).line: _indent(above)}
        choices = [f"{count} spaces before it (as on line {number})" for number, count in lines.items()]
        expected = f"{listed(choices)}, not {_indent(line)}"
    fix = "line it up with its neighbours; if it continues text, indent it deeper than the key of that text"
    return fault.problem(fault.at, what, expected, fix)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


_EXPLANATIONS: tuple[Callable[[_Fault], Problem | None], ...] = (
    _windows_path,
    _tab,
    _odd_characters,
    _template,
    _escape,
    _open_quote,
    _open_bracket,
    _directive,
    _block_text,
    _forbidden_start,
    _inner_list,
    _glued_colon,
    _tight_colon,
    _colon_in_text,
    _after_quote,
    _after_bracket,
    _comment_in_text,
    _lost_line,
    _indentation,
)
