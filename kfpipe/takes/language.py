"""The part of Jinja2 that a prompt may use; all else is refused before it runs.

No calls but range(), no loops within loops, no assignments; what loops and filters walk through is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from kfpipe.takes.sandbox import ENVIRONMENT, REPEATED, WEIGHED, PromptInvalid
from kfpipe.wording import did_you_mean, echoed, listed

NODE_LIMIT = 2_000
SIMPLER = "write a simpler template"
TEXT_NAME = re.compile(r"_[0-9]+")
"""The names under which the literal pieces of a template are passed; a template's own names begin differently."""

_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For),
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Slice),
    *(nodes.Getattr, nodes.Getitem, nodes.CondExpr, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Concat),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
)


def check(tree: nodes.Template) -> None:
    """Raises PromptInvalid for whatever a prompt does not need, or that could run for ever."""
    for count, node in enumerate(walk(tree), start=1):
        if count > NODE_LIMIT:
            raise PromptInvalid("the template has too many parts", line=node.lineno, fix=SIMPLER)
        if isinstance(node, nodes.Call):
            _check_call(node)
        elif isinstance(node, nodes.Filter | nodes.Test):
            _check_name(node)
        elif not isinstance(node, _ALLOWED):
            raise PromptInvalid(
                f"{_spelling(node)} cannot be used in a prompt",
                line=node.lineno,
                fix="use {{ name }}, {% if %}, {% for %} and filters like {{ name | upper }}",
            )
        if isinstance(node, nodes.For) and (node.recursive or next(node.find_all(nodes.For), None)):
            raise PromptInvalid("there is a loop inside another loop", line=node.lineno, fix="write it as one loop")
        if isinstance(node, nodes.Name) and node.name.startswith("_") and not TEXT_NAME.fullmatch(node.name):
            raise PromptInvalid(
                f"the name {echoed(node.name)} starts with an underscore", line=node.lineno, fix="rename it"
            )


def walk(node: nodes.Node) -> Iterator[nodes.Node]:
    """The node and all that is in it."""
    yield node
    for child in node.iter_child_nodes():
        yield from walk(child)


def _check_call(node: nodes.Call) -> None:
    if not (isinstance(node.node, nodes.Name) and node.node.name == "range"):
        raise PromptInvalid(
            "a prompt can call nothing but range()", line=node.lineno, fix="use a filter, like {{ name | upper }}"
        )


def _check_name(node: nodes.Filter | nodes.Test) -> None:
    kind, every = ("filter", ENVIRONMENT.filters) if isinstance(node, nodes.Filter) else ("test", ENVIRONMENT.tests)
    known = [name for name in every if not name.startswith("_")]
    if node.name not in known:
        fix = did_you_mean(node.name, known, f"use one of these: {listed(sorted(known))}")
        raise PromptInvalid(f"there is no {kind} `{node.name}`", line=node.lineno, fix=fix)


def _spelling(node: nodes.Node) -> str:
    return {nodes.Pow: "`**`", nodes.Assign: "{% set %}"}.get(type(node), f"`{type(node).__name__.lower()}`")


class Bounding(NodeTransformer):
    """Turns `a ~ b` into the bounded join: the compiler would concatenate without any bound.

    And has loops and filters counted before they begin.
    """

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802 - the visitor's own naming
        """`a ~ b ~ c` becomes `[a, b, c] | join`."""
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return _filtered(parts, "join")

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        """What is walked through passes a filter first, which knows what one turn costs."""
        weight = sum(map(_weight, walk(node)))
        self.generic_visit(node)
        node.iter = _filtered(node.iter, REPEATED, nodes.Const(weight, lineno=node.lineno))
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Filter:  # noqa: N802
        """What goes into a filter passes one that weighs it first."""
        self.generic_visit(node)
        if node.node is not None:
            node.node = _filtered(node.node, WEIGHED)
        return node


def _filtered(value: nodes.Node, name: str, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(value, name, list(args), [], None, None, lineno=value.lineno)


def _weight(node: nodes.Node) -> int:
    """Units of work: a search and a copy may walk through a long value, all else is quick."""
    slow = isinstance(node, nodes.Slice) or (isinstance(node, nodes.Operand) and node.op in ("in", "notin"))
    return 50 if slow else 1
