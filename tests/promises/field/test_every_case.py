"""No case is kept without a test."""

from __future__ import annotations

from tests.promises.field.conftest import CASES, HERE


def test_every_case_says_what_is_right_and_is_tested() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))
    cases = sorted(folder.name for folder in CASES.iterdir())
    assert cases
    assert not [name for name in cases if f'"{name}"' not in tests]
    assert not [name for name in cases if not (CASES / name / "expect.txt").is_file()]
