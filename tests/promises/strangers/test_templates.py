"""Templates of a stranger's end soon, whatever they are made of."""

from __future__ import annotations

from typing import Any

import pytest

from kfpipe.takes import prompts
from kfpipe.takes.sandbox import PromptInvalid

LONG = "a" * 20_000
FILTERS = "".join(" | upper | lower" for _ in range(500))
BOMBS = {
    "many filters over a long text": "{{ long" + FILTERS + " | count }}",
    "filters in a loop": "{% for i in range(1000) %}{% if (long" + FILTERS + ") == 'x' %}{% endif %}{% endfor %}",
    "searches in a loop": "{% for i in range(1000) %}" + "{% if 'b' in long %}{% endif %}" * 200 + "{% endfor %}",
    "copies in a loop": "{% for i in range(1000) %}" + "{% if long[1:] %}{% endif %}" * 200 + "{% endfor %}",
    "a loop over letters": "{% for letter in long %}" + "{% if letter %}{% endif %}" * 50 + "{% endfor %}",
    "numbers that multiply": "{{ " + " * ".join(["99999999999999"] * 900) + " }}",
    "a text that is too long to begin with": "{{ huge | count }}",
    "a list that is too long to begin with": "{{ many | count }}",
    "a list of long texts": "{{ several | count }}",
}
VARIABLES: dict[str, Any] = {
    "long": LONG,
    "huge": LONG * 100,
    "many": [1] * 100_000,
    "several": {"parts": [LONG[:5_000]] * 5},
}


@pytest.mark.parametrize("template", BOMBS.values(), ids=BOMBS)
def test_a_template_with_too_much_to_do_is_refused(template: str) -> None:
    with pytest.raises(PromptInvalid):
        prompts.render(template, VARIABLES)


@pytest.mark.parametrize("name", ["_weighed", "_repeated"])
def test_what_counts_the_work_cannot_be_called_or_found(name: str) -> None:
    with pytest.raises(PromptInvalid) as refused:
        prompts.render(f"{{{{ long | {name} }}}}", VARIABLES)
    assert "_repeated" not in refused.value.fix


def test_what_one_template_has_done_does_not_count_for_the_next() -> None:
    template = "{% for i in range(1000) %}{% if i in numbers %}{% endif %}{% endfor %}done"
    assert {prompts.render(template, {"numbers": [1, 2]}) for _ in range(20)} == {"done"}
