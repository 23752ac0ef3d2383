"""The house in figures: no module and no function grows out of what can be read at a sitting."""

from __future__ import annotations

from tests.architecture.figures import LONGEST_FUNCTION, LONGEST_MODULE, functions, modules


def test_no_module_and_no_function_is_too_long() -> None:
    wrong = [f"{room} has {count} lines" for room, count in modules().items() if count > LONGEST_MODULE]
    wrong += [f"{name} has {count} lines" for name, count in functions().items() if count > LONGEST_FUNCTION]
    assert not wrong, "\n".join(wrong)
