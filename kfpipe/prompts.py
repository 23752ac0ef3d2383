"""Jinja2, strict and fenced in: template + variables -> prompt text.

Templates may come from strangers. The sandbox keeps them from the file system and from Python, but bounds neither time
nor memory; so only the part of the language that a prompt needs is let through, sizes are checked where values can
grow, loops do not nest, and what they repeat is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import TracebackType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import TemplateError, UndefinedError
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from kfpipe.errors import KfpipeError
from kfpipe.wording import did_you_mean, echoed, listed

SOURCE_LIMIT_CHARS = 65_536
OUTPUT_LIMIT_CHARS = 20_000
RANGE_LIMIT = 1_000
NODE_LIMIT = 2_000
VALUES_LIMIT = 1_000
WORK_LIMIT = 100_000
NUMBER_LIMIT = 10**30
_SIMPLER = "write it as a simpler text"
_NEWLINE = "\n"
_TEXT_NAME = re.compile(r"_[0-9]+")  # a literal piece of a template, see _split
_INSIDE_TAG = r"""(?![-+])(?:[^{}'"]|'[^'\\]*'|"[^"\\]*")*+(?<![-+])"""
_PLAIN_TAG = re.compile(rf"(\{{\{{{_INSIDE_TAG}\}}\}}|\{{%{_INSIDE_TAG}%\}})")
_TAG_START = re.compile(r"\{[{%#]")
_RAW = re.compile(r"\{%\s*raw")


class PromptInvalid(KfpipeError):
    """A template that cannot be rendered. `line` counts from 1 inside the template."""

    def __init__(self, what: str, *, line: int = 1, fix: str) -> None:
        self.what = what
        self.line = line
        self.fix = fix
        super().__init__(f"{what} (line {line} of the prompt)")


def render(template_text: str, variables: Mapping[str, Any]) -> str:
    """The prompt: the template with the variables filled in. Raises PromptInvalid.

    Same arguments, same text: nothing in the language reads a clock, the environment or a random number.
    """
    if "{" not in template_text:
        return template_text
    _check_length(template_text)
    filled = _filled(template_text, variables)
    return _run(template_text, variables) if filled is None else filled


def _filled(template_text: str, variables: Mapping[str, Any]) -> str | None:
    """The prompt of a template that only fills in words and whole numbers, as most do; None of any other.

    What is wrong with a template is left to Jinja to find. Filling in takes a tenth of the time.
    """
    pieces = _PLAIN_TAG.split(template_text)
    names = _plain_names(tuple(pieces[1::2]))
    if names is None or any(map(_TAG_START.search, pieces[::2])):
        return None
    values = [variables.get(name) for name in names]
    if not all(type(value) is str or type(value) is int for value in values):
        return None
    pieces[1::2] = map(str, values)
    text = "".join(pieces)
    return text if len(text) <= OUTPUT_LIMIT_CHARS else None


def _run(template_text: str, variables: Mapping[str, Any]) -> str:
    skeleton, texts = _split(template_text)
    template = _compiled(skeleton)
    for name in _names(skeleton):
        _check_variable(name, variables.get(name))
    begun = _METER.set(_Meter())
    try:
        return "".join(_bounded(template.root_render_func(template.new_context({**variables, **texts}))))
    except UndefinedError as error:
        raise _unknown_name(error.message or "", variables, _line(template, error)) from error
    except PromptInvalid as error:
        raise PromptInvalid(error.what, line=_line(template, error), fix=error.fix) from error
    except _RENDER_ERRORS as error:
        fix = "text and numbers are put together by writing them one after the other: {{ a }}{{ b }}"
        raise PromptInvalid(f"the template fails: {error}", line=_line(template, error), fix=fix) from error
    finally:
        _METER.reset(begun)


def names(template_text: str) -> frozenset[str]:
    """The variables that a template speaks of. Raises PromptInvalid."""
    return _names(_split(template_text)[0]) if "{" in template_text else frozenset()


# -- compiling ---------------------------------------------------------------------------------------------------------


def _check_length(source: str) -> None:
    if len(source) > SOURCE_LIMIT_CHARS:
        raise PromptInvalid(f"the template is longer than {SOURCE_LIMIT_CHARS:,} characters", fix=_SIMPLER)


def _split(source: str) -> tuple[str, dict[str, str]]:
    """The template with its literal pieces taken out, and the pieces: `{{ _0 }}{{ sky }}{{ _1 }}`.

    Compiling costs a hundred times what rendering does, and the templates of a large shot list differ in their
    literal pieces only. Every tag stays on its line. What is not plain (comments, raw blocks, stripped blanks, nested
    braces) is left whole.
    """
    _check_length(source)
    pieces = _PLAIN_TAG.split(source)
    literals, tags = pieces[::2], pieces[1::2]
    if any(_TAG_START.search(literal) for literal in literals) or any(map(_RAW.match, tags)):
        return source, {}
    texts = {f"_{number}": literal for number, literal in enumerate(literals)}
    holes = (f"{{{{ {name}{text.count(_NEWLINE) * _NEWLINE} }}}}" for name, text in texts.items())
    return "".join(hole + tag for hole, tag in zip(holes, [*tags, ""], strict=True)), texts


@lru_cache(maxsize=4096)
def _compiled(skeleton: str) -> Template:
    try:
        tree = _ENVIRONMENT.parse(skeleton)
        _check_language(tree)
        return _ENVIRONMENT.from_string(_Bounding().visit(tree))
    except TemplateSyntaxError as error:
        raise PromptInvalid(
            f"the template cannot be read: {error.message}",
            line=error.lineno,
            fix="write a variable as {{ name }}; for braces that are meant literally write {{ '{{' }}",
        ) from error
    except (TemplateError, RecursionError, SyntaxError, MemoryError) as error:
        raise PromptInvalid("the template is nested too deeply", fix=_SIMPLER) from error


@lru_cache(maxsize=4096)
def _plain_names(tags: tuple[str, ...]) -> tuple[str, ...] | None:
    """The names of the variables that these tags fill in one by one; None when a tag is anything else."""
    try:
        parts = [*_walk(_ENVIRONMENT.parse("".join(tags)))]
    except (TemplateError, RecursionError):
        return None
    names = [part.name for part in parts if isinstance(part, nodes.Name)]
    is_plain = all(isinstance(part, nodes.Template | nodes.Output | nodes.Name) for part in parts)
    return tuple(names) if is_plain and "self" not in names and not any(name[0] == "_" for name in names) else None


@lru_cache(maxsize=4096)
def _names(skeleton: str) -> frozenset[str]:
    _compiled(skeleton)
    found = meta.find_undeclared_variables(_ENVIRONMENT.parse(skeleton))
    return frozenset(name for name in found if not _TEXT_NAME.fullmatch(name))


# -- errors ------------------------------------------------------------------------------------------------------------


def _line(template: Template, error: BaseException) -> int:
    return max((template.get_corresponding_lineno(line) for line in _lines(error.__traceback__)), default=1)


_RENDER_ERRORS = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError)


def _lines(traceback: TracebackType | None) -> Iterator[int]:
    """The lines of compiled template code that an error passed through."""
    while traceback is not None:
        if "__jinja_template__" in traceback.tb_frame.f_globals:
            yield traceback.tb_lineno
        traceback = traceback.tb_next


def _bounded(pieces: Iterable[str]) -> Iterator[str]:
    length = 0
    for piece in pieces:
        length += len(piece)
        _check_size(length)
        yield piece


@dataclass(slots=True)
class _Meter:
    """How much of the work that one rendering may do is done. A unit is a part of the template, run once."""

    done: int = 0


_METER: ContextVar[_Meter | None] = ContextVar("_METER", default=None)
"""Of the rendering under way; None while a template is compiled, which folds constants."""


def _count(units: int) -> None:
    meter = _METER.get()
    if meter is not None:
        meter.done += units
        if meter.done > WORK_LIMIT:
            raise PromptInvalid("the template has too much to do", fix="make its loops shorter")


def _check_variable(name: str, value: Any) -> None:
    chars = count = 0
    pending = [value]
    while pending and count <= VALUES_LIMIT and chars <= OUTPUT_LIMIT_CHARS:
        match pending.pop():
            case str(text):
                chars += len(text)
            case Mapping() as entries:
                pending += entries.values()
            case list() | tuple() as items:
                pending += items
        count += 1
    if pending or chars > OUTPUT_LIMIT_CHARS:
        most = f"{VALUES_LIMIT:,} values and {OUTPUT_LIMIT_CHARS:,} characters"
        raise PromptInvalid(f"the variable {echoed(name)} is too large for a prompt", fix=f"keep to {most}")


def _check_size(chars: int) -> None:
    if chars > OUTPUT_LIMIT_CHARS:
        raise PromptInvalid(
            f"the text grows beyond {OUTPUT_LIMIT_CHARS:,} characters", fix="shorten the template or its variables"
        )


def _unknown_name(name: str, variables: Mapping[str, Any], line: int) -> PromptInvalid:
    if name.startswith("."):
        entries = [key for value in variables.values() if isinstance(value, Mapping) for key in value]
        return PromptInvalid(
            f"there is no entry `{name[1:]}`", line=line, fix=did_you_mean(name[1:], entries, "check the spelling")
        )
    fix = did_you_mean(name, variables, f"add `{name}` to the `vars` of the shot or of the manifest")
    return PromptInvalid(f"the prompt uses {{{{ {name} }}}}, which has no value", line=line, fix=fix)


# -- the language that is let through --------------------------------------------------------------------------------

_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For),
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Slice),
    *(nodes.Getattr, nodes.Getitem, nodes.CondExpr, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Concat),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
)
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "first", "float", "int", "items", "last", "length", "list"),
    *("lower", "max", "min", "reverse", "round", "sort", "string", "striptags", "title", "trim", "truncate"),
    *("unique", "upper", "wordcount"),
)


def _check_language(tree: nodes.Template) -> None:
    """Raises PromptInvalid for whatever a prompt has no need of, or could be made to run for ever."""
    for count, node in enumerate(_walk(tree), start=1):
        if count > NODE_LIMIT:
            raise PromptInvalid("the template has too many parts", line=node.lineno, fix=_SIMPLER)
        if isinstance(node, nodes.Call):
            _check_call(node)
        elif isinstance(node, nodes.Filter | nodes.Test):
            _check_name(node)
        elif not isinstance(node, _ALLOWED):
            raise PromptInvalid(
                f"{_spelling(node)} is not part of the language of prompts",
                line=node.lineno,
                fix="use {{ name }}, {% if %}, {% for %} and filters like {{ name | upper }}",
            )
        if isinstance(node, nodes.For) and (node.recursive or next(node.find_all(nodes.For), None)):
            raise PromptInvalid("a loop stands inside another loop", line=node.lineno, fix="write it as one loop")
        if isinstance(node, nodes.Name) and node.name.startswith("_") and not _TEXT_NAME.fullmatch(node.name):
            raise PromptInvalid(
                f"the name {echoed(node.name)} starts with an underscore", line=node.lineno, fix="rename it"
            )


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _check_call(node: nodes.Call) -> None:
    if not (isinstance(node.node, nodes.Name) and node.node.name == "range"):
        raise PromptInvalid(
            "a prompt can call nothing but range()", line=node.lineno, fix="use a filter, like {{ name | upper }}"
        )


def _check_name(node: nodes.Filter | nodes.Test) -> None:
    kind, every = ("filter", _ENVIRONMENT.filters) if isinstance(node, nodes.Filter) else ("test", _ENVIRONMENT.tests)
    known = [name for name in every if not name.startswith("_")]
    if node.name not in known:
        fix = did_you_mean(node.name, known, f"there are {listed(sorted(known), 'and')}")
        raise PromptInvalid(f"there is no {kind} `{node.name}`", line=node.lineno, fix=fix)


def _spelling(node: nodes.Node) -> str:
    return {nodes.Pow: "`**`", nodes.Assign: "{% set %}"}.get(type(node), f"`{type(node).__name__.lower()}`")


class _Bounding(NodeTransformer):
    """Turns `a ~ b` into the bounded join: the compiler would concatenate without asking anyone.

    And has loops and filters counted before they begin.
    """

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802 - the visitor's own naming
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return _filtered(parts, "join")

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        weight = sum(map(_weight, _walk(node)))
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _REPEATED, nodes.Const(weight, lineno=node.lineno))
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        if node.node is not None:
            node.node = _filtered(node.node, _WEIGHED)
        return node


_REPEATED = "_repeated"
_WEIGHED = "_weighed"


def _filtered(value: nodes.Node, name: str, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(value, name, list(args), [], None, None, lineno=value.lineno)


def _weight(node: nodes.Node) -> int:
    """Units of work: a search and a copy may walk through a long value, all else is quick."""
    slow = isinstance(node, nodes.Slice) or (isinstance(node, nodes.Operand) and node.op in ("in", "notin"))
    return 50 if slow else 1


# -- what the language does --------------------------------------------------------------------------------------------


def _repeated(items: Any, weight: int) -> Any:
    """What a loop runs over, counted in advance."""
    if isinstance(items, str | list | tuple | range | Mapping):
        _count(weight * len(items))
        return items
    listed_out = list(items)  # what a filter hands over piece by piece; an unknown name complains here
    return _repeated(listed_out, weight)


def _weighed(value: Any) -> Any:
    """What a filter is about to walk through."""
    if isinstance(value, str | list | tuple | range | Mapping):
        _count(1 + len(value) // 100)
    return value


def _bounded_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > RANGE_LIMIT:
        raise PromptInvalid(f"range() counts further than {RANGE_LIMIT:,} steps", fix="make the range shorter")
    return numbers


def _text(value: Any) -> str:
    """How a value reads in a prompt: as YAML spells it. Lists and blocks have no reading."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float() | Decimal() | Undefined():
            return str(value)
        case None:
            raise PromptInvalid("a variable that the prompt uses is empty", fix="give it a value")
        case _:
            raise PromptInvalid(
                "the prompt uses a list or a block as if it were text",
                fix="name an entry, like {{ style.light }}, or join a list: {{ colours | join(', ') }}",
            )


def _bounded_join(values: Iterable[Any], separator: str = "") -> str:
    parts = [_text(value) for value in values]
    _check_size(sum(map(len, parts)) + len(str(separator)) * (len(parts) - 1))
    return str(separator).join(parts)


def _bounded_replace(value: Any, old: str, new: str) -> str:
    text = _text(value)
    _check_size(len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new)


class _Unknown(StrictUndefined):
    """A name without a value. Its message is the name alone, after a dot for an entry; `_unknown_name` explains it."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return f"{'' if self._undefined_obj is missing else '.'}{self._undefined_name}"


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(["*", "+", "%"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Numbers may be computed with; text and lists may only be added, within bounds."""
        if operator == "+" and not isinstance(left, Undefined) and not isinstance(right, Undefined):
            _check_size(sum(len(value) for value in (left, right) if isinstance(value, str | list | tuple)))
        elif operator != "+" and (isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple)):
            raise PromptInvalid(f"`{operator}` is for numbers only", fix="write repeated text out")
        elif any(isinstance(value, int | float) and abs(value) > NUMBER_LIMIT for value in (left, right)):
            raise PromptInvalid("the numbers grow too large", fix="compute with smaller ones")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`style.items` is the entry `items` of `style`, never a method of Python's."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, LoopContext | Undefined):
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, str | list | tuple) and isinstance(argument, int | slice):
            return super().getitem(obj, argument)
        return self.getattr(obj, argument)


def _environment() -> _Environment:
    environment = _Environment(undefined=_Unknown, autoescape=False, keep_trailing_newline=True, finalize=_text)
    environment.globals = {"range": _bounded_range}
    bounded: dict[str, Callable[..., Any]] = {
        "join": _bounded_join,
        "replace": _bounded_replace,
        _REPEATED: _repeated,
        _WEIGHED: _weighed,
    }
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | bounded
    return environment


_ENVIRONMENT = _environment()
