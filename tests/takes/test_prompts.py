"""Templates: what they may say, and that they can neither hang kfpipe nor look around in it."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import Environment

from kfpipe.takes import prompts
from kfpipe.takes.sandbox import PromptInvalid

VARIABLES: dict[str, Any] = {
    "sky": "evening",
    "style": {"items": "wool", "light": "soft"},
    "colours": ["red", "blue"],
    "seed": 4,
    "wide": True,
    "nothing": None,
    "long": "x" * 15_000,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("No braces at all.", "No braces at all."),
        ("A { lone brace } stays.", "A { lone brace } stays."),
        ("The {{ sky }} sky.", "The evening sky."),
        ("{{ sky | upper }}", "EVENING"),
        ("{{ colours | join(', ') }}", "red, blue"),
        ("{{ colours[1] }} {{ style['light'] }}", "blue soft"),
        ("{% for c in colours %}{{ loop.index }}{{ c }}{{ ' ' if not loop.last }}{% endfor %}", "1red 2blue"),
        ("{% if wide %}wide{% else %}close{% endif %}", "wide"),
        ("{{ mood | default('calm') }}", "calm"),
        ("{{ sky ~ '-' ~ seed }}", "evening-4"),
        ("{{ seed * 2 + 1 }}", "9"),
        ("{{ wide }}", "true"),
        ("{% raw %}{{ sky }}{% endraw %}", "{{ sky }}"),
        ("{# a note #}text\n", "text\n"),
        ("{{ '}}' }}{{ sky }} {% raw %}{{ sky }}{% endraw %}", "}}evening {{ sky }}"),
        ("{# {{ sky }} #}{{ sky }}", "evening"),
        ("{{ '{{ sky }}' }}", "{{ sky }}"),
        ("{{ '%}' }}{{ {'a': sky}['a'] }}", "%}evening"),
        ("{% if sky == '%}' %}a{% else %}\nb{% endif %}", "\nb"),
        ("a } b }} c %} {{ sky }}", "a } b }} c %} evening"),
    ],
)
def test_a_template_says_what_it_means(template: str, text: str) -> None:
    assert prompts.render(template, VARIABLES) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ sky }}{{ seed }} {{sky}}",
        "{{ wide }}",
        "{{ true }}{{ None }}",
        "{% for sky in colours %}{% endfor %}",
        "{% if sky %}{% endif %}",
        "{{ sky, seed }}",
        "{{ self }}",
        "{{ _hidden }}",
        "{{ missing }}",
        "{{ nothing }}",
        "{{ style }}",
        "{{ long }}{{ long }}",
        "{{ sky }",
        "{{ }}",
    ],
)
def test_a_template_that_only_fills_in_means_what_it_means_beside_a_comment(template: str) -> None:
    variables = {**VARIABLES, "true": "no", "None": "no", "self": "no", "_hidden": "no"}
    assert outcome(template, variables) == outcome(f"{template}{{# a note #}}", variables)


def outcome(template: str, variables: dict[str, Any]) -> str:
    try:
        return prompts.render(template, variables)
    except PromptInvalid as error:
        return error.what


@pytest.mark.parametrize(
    "text", ["a\n {%- if wide %} b {%- endif %} c\n", " {{- sky -}} \n x", "a {#- note -#}\n b {{ sky }}"]
)
def test_blanks_are_kept_and_stripped_as_in_any_template(text: str) -> None:
    assert prompts.render(text, VARIABLES) == Environment(keep_trailing_newline=True).from_string(text).render(
        VARIABLES
    )


def test_a_key_wins_over_a_method_of_the_same_name() -> None:
    assert prompts.render("{{ style.items }}", VARIABLES) == "wool"


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x' * 10 ** 9 }}",
        "{{ 'x' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ sky | center(1000000000) }}",
        "{{ range(1000000000) | list }}",
        "{{ range(1000) | join(range(1000) | join(range(1000) | join(sky))) }}",
        "{{ 'aaaaaaaaaa'" + " | replace('a', 'aaaaaaaaaa')" * 20 + " }}",
        "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
        "{% for a in range(1000) %}" + "x" * 100 + "{% endfor %}",
        "{{ (long + long) | length }}",
        "{{ (long ~ long) | length }}",
        "{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
        "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{{ m(m(m(sky))) }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "-" * 5000 + "1 }}",
        "{{ " + " + ".join(["1"] * 3000) + " }}",
        "{{ 1 }}" * 5000,
    ],
)
def test_a_template_that_would_take_for_ever_is_refused_at_once(template: str) -> None:
    with pytest.raises(PromptInvalid):
        prompts.render(template, VARIABLES)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ sky.upper }}",
        "{{ sky.upper() }}",
        "{{ self }}",
        "{{ range }}",
        "{{ lipsum() }}",
        "{{ cycler }}",
        "{{ _x }}",
        "{% include 'secret' %}",
        "{% import 'os' as os %}",
        "{{ style | attr('__class__') }}",
        "{{ style['__class__'] }}",
        "{{ colours.append }}",
        "{% for c in colours %}{{ loop }}{% endfor %}",
        "{{ style }}",
        "{{ nothing }}",
    ],
)
def test_a_template_sees_values_and_nothing_behind_them(template: str) -> None:
    with pytest.raises(PromptInvalid):
        prompts.render(template, VARIABLES)


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("a\nb\n{{ skyy }}", 3),
        ("a\n{{ sky", 2),
        ("a\n{% set x = 1 %}", 2),
        ("a\n\n{{ 1 / 0 }}", 3),
        ("a\n\n  {%- if wide %}\n{# note\n #}{{- skyy }}{% endif %}", 5),
        ("{{ sky | uper }}", 1),
    ],
)
def test_an_error_names_its_line(template: str, line: int) -> None:
    with pytest.raises(PromptInvalid) as refused:
        prompts.render(template, VARIABLES)
    assert refused.value.line == line


def test_a_mistyped_variable_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(PromptInvalid) as refused:
        prompts.render("{{ skyy }}", VARIABLES)
    assert refused.value.fix == "did you mean `sky`?"


def test_a_mistyped_entry_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(PromptInvalid) as refused:
        prompts.render("{{ style.lihgt }}", VARIABLES)
    assert refused.value.fix == "did you mean `light`?"


def test_the_names_of_a_template_are_the_variables_it_uses() -> None:
    assert prompts.names("{{ sky }} {% for c in colours %}{{ c }}{% endfor %}") == {"sky", "colours"}
