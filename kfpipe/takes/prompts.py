"""Jinja2, strict and sandboxed: template + variables -> prompt text.

Templates may come from strangers. The sandbox keeps them from the file system and from Python, but bounds neither time
nor memory; so only the part of the language that a prompt needs is let through, sizes are checked where values can
grow, loops do not nest, and what they repeat is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any

from jinja2 import Template, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import TemplateError, UndefinedError

from kfpipe.takes import language
from kfpipe.takes.language import SIMPLER, TEXT_NAME, walk
from kfpipe.takes.sandbox import ENVIRONMENT, OUTPUT_LIMIT_CHARS, PromptInvalid, check_size, check_variable, metered
from kfpipe.wording import did_you_mean

SOURCE_LIMIT_CHARS = 65_536
_NEWLINE = "\n"
_INSIDE_TAG = r"""(?![-+])(?:[^{}'"]|'[^'\\]*'|"[^"\\]*")*+(?<![-+])"""
_PLAIN_TAG = re.compile(rf"(\{{\{{{_INSIDE_TAG}\}}\}}|\{{%{_INSIDE_TAG}%\}})")
_TAG_START = re.compile(r"\{[{%#]")
_RAW = re.compile(r"\{%\s*raw")


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
    if names is None or ("{" in "".join(pieces[::2]) and any(map(_TAG_START.search, pieces[::2]))):
        return None
    for place, name in enumerate(names):
        value = variables.get(name)
        if type(value) is not str and type(value) is not int:
            return None
        pieces[2 * place + 1] = str(value)
    text = "".join(pieces)
    return text if len(text) <= OUTPUT_LIMIT_CHARS else None


def _run(template_text: str, variables: Mapping[str, Any]) -> str:
    """The finished text. Raises `PromptInvalid` with the line of the template."""
    skeleton, texts = _split(template_text)
    template = _compiled(skeleton)
    for name in _names(skeleton):
        check_variable(name, variables.get(name))
    try:
        with metered():
            return "".join(_bounded(template.root_render_func(template.new_context({**variables, **texts}))))
    except UndefinedError as error:
        raise _unknown_name(error.message or "", variables, _line(template, error)) from error
    except PromptInvalid as error:
        raise PromptInvalid(error.what, line=_line(template, error), fix=error.fix) from error
    except _RENDER_ERRORS as error:
        fix = "to join text and numbers, write them one after the other: {{ a }}{{ b }}"
        raise PromptInvalid(f"the template fails: {error}", line=_line(template, error), fix=fix) from error


def names(template_text: str) -> frozenset[str]:
    """The variables that a template uses. Raises PromptInvalid."""
    return _names(_split(template_text)[0]) if "{" in template_text else frozenset()


def comment(template_text: str) -> tuple[str, int] | None:
    """The first comment of a template, which leaves nothing in the prompt, and its line; None when it has none.

    The template is one that can be rendered.
    """
    if "{#" not in template_text:
        return None
    lexed = ENVIRONMENT.lex(template_text)
    begun = next((line for line, kind, _ in lexed if kind == "comment_begin"), None)
    if begun is None:
        return None
    return next((text for _, kind, text in lexed if kind == "comment"), ""), begun


# -- compiling ---------------------------------------------------------------------------------------------------------


def _check_length(source: str) -> None:
    if len(source) > SOURCE_LIMIT_CHARS:
        raise PromptInvalid(f"the template is longer than {SOURCE_LIMIT_CHARS:,} characters", fix=SIMPLER)


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
    """The template, of the small language that prompts have. Raises `PromptInvalid`."""
    try:
        tree = ENVIRONMENT.parse(skeleton)
        language.check(tree)
        return ENVIRONMENT.from_string(language.Bounding().visit(tree))
    except TemplateSyntaxError as error:
        sign = next((sign for sign in ("{%", "{#") if sign in skeleton), "{{")
        raise PromptInvalid(
            f"the template cannot be read: {error.message}",
            line=error.lineno,
            fix=f"write a variable as {{{{ name }}}}; where the prompt itself has `{sign}`, write {{{{ '{sign}' }}}}",
        ) from error
    except (TemplateError, RecursionError, SyntaxError, MemoryError) as error:
        raise PromptInvalid("the template is nested too deeply", fix=SIMPLER) from error


@lru_cache(maxsize=4096)
def _plain_names(tags: tuple[str, ...]) -> tuple[str, ...] | None:
    """The names of the variables that these tags fill in one by one; None when a tag is anything else."""
    try:
        parts = [*walk(ENVIRONMENT.parse("".join(tags)))]
    except (TemplateError, RecursionError):
        return None
    names = [part.name for part in parts if isinstance(part, nodes.Name)]
    is_plain = all(isinstance(part, nodes.Template | nodes.Output | nodes.Name) for part in parts)
    return tuple(names) if is_plain and "self" not in names and not any(name[0] == "_" for name in names) else None


@lru_cache(maxsize=4096)
def _names(skeleton: str) -> frozenset[str]:
    _compiled(skeleton)
    found = meta.find_undeclared_variables(ENVIRONMENT.parse(skeleton))
    return frozenset(name for name in found if not TEXT_NAME.fullmatch(name))


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
        check_size(length)
        yield piece


def _unknown_name(name: str, variables: Mapping[str, Any], line: int) -> PromptInvalid:
    if name.startswith("."):
        entries = [key for value in variables.values() if isinstance(value, Mapping) for key in value]
        return PromptInvalid(
            f"there is no entry `{name[1:]}`", line=line, fix=did_you_mean(name[1:], entries, "check the spelling")
        )
    add = f"add `{name}` to the `vars` of the shot or of the manifest"
    literal = f"where the prompt itself has the braces, write {{{{ '{{{{ {name} }}}}' }}}}"
    fix = did_you_mean(name, variables, f"{add}; {literal}")
    return PromptInvalid(f"the prompt uses {{{{ {name} }}}}, which has no value", line=line, fix=fix)
