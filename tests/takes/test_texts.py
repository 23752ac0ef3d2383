"""Prompts from every kind of file, as different systems and editors save them: one text, one request."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from kfpipe import project
from kfpipe.domain import Take

HEAD = """\
kfpipe: 1
provider: {name: dashscope}
vars: {where: Münster}
defaults: {model: wan2.7-i2v, first_frame: "https://example.com/a.png", last_frame: "https://example.com/b.png"}
"""
TEXT = "Ein Kätzchen in {{ where }}.\nEs schaut auf."
WANTED = "Ein Kätzchen in Münster.\nEs schaut auf."

every_saving = pytest.mark.parametrize("form", ["NFC", "NFD"])
every_end = pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(name: str, text: str, form: str, end: str) -> None:
    Path(name).write_bytes(unicodedata.normalize(form, text).replace("\n", end).encode())  # type: ignore[arg-type]


def only_take() -> Take:
    (take,) = project.load(Path("film.yaml")).takes
    return take


@pytest.fixture(name="plain")
def _plain() -> Take:
    """The take of a manifest whose prompt is written with escapes alone."""
    save("film.yaml", f'{HEAD}shots: [{{id: kitten, prompt: "{TEXT!r}"}}]\n'.replace("'", ""), "NFC", "\n")
    take = only_take()
    assert take.request.prompt == WANTED
    return take


@every_saving
@every_end
@pytest.mark.parametrize("separator", [",", "\t"], ids=["csv", "tsv"])
@pytest.mark.parametrize("inner_end", ["\n", "\r\n", "\r"], ids=["lf-inside", "crlf-inside", "cr-inside"])
def test_a_table_may_have_any_line_ends(plain: Take, form: str, end: str, separator: str, inner_end: str) -> None:
    name = "shots.csv" if separator == "," else "shots.tsv"
    cell = TEXT.replace("\n", inner_end)
    table = unicodedata.normalize(form, f'id{separator}prompt{end}kitten{separator}"{cell}"{end}')  # type: ignore[arg-type]
    Path(name).write_bytes(table.encode())
    save("film.yaml", f"{HEAD}shot_lists: [{name}]\n", "NFC", "\n")
    assert only_take() == plain


@every_saving
@every_end
def test_a_manifest_may_have_any_line_ends(plain: Take, form: str, end: str) -> None:
    block = "\n".join(f"      {line}" for line in TEXT.splitlines())
    save("film.yaml", f"{HEAD}shots:\n  - id: kitten\n    prompt: |\n{block}\n", form, end)
    assert only_take() == plain


@every_saving
@every_end
def test_a_prompt_file_may_have_any_line_ends(plain: Take, form: str, end: str) -> None:
    save("kitten.j2", f"{TEXT}\n", form, end)
    save("film.yaml", f"{HEAD}shots: [{{id: kitten, prompt: {{file: kitten.j2}}}}]\n", "NFC", "\n")
    assert only_take() == plain


def test_what_a_template_puts_together_is_one_text_too(plain: Take) -> None:
    prompt = r'"Ein Ka{{ dots }}tzchen in {{ where }}.{{ end }}Es schaut auf."'
    variables = r'{dots: "\u0308", end: "\r"}'
    save("film.yaml", f"{HEAD}shots: [{{id: kitten, vars: {variables}, prompt: {prompt}}}]\n", "NFC", "\n")
    assert only_take() == plain


def test_a_negative_prompt_and_the_value_of_a_variant_are_texts_as_well() -> None:
    takes = []
    for form in ("NFC", "NFD"):
        axes = "{mood: [schön, trüb]}"
        save("film.yaml", f"{HEAD}shots: [{{id: kitten, negative_prompt: müde, matrix: {axes}}}]\n", form, "\n")
        takes.append([(take.request, take.fingerprint) for take in project.load(Path("film.yaml")).takes])
    assert takes[0] == takes[1]


def test_a_prompt_is_compared_in_the_spelling_in_which_it_is_sent() -> None:
    save("film.yaml", f"{HEAD}shots: [{{id: kitten, prompt: {'ä' * 5000}}}]\n", "NFD", "\n")
    assert len(only_take().request.prompt) == 5000


@every_saving
@every_end
@pytest.mark.parametrize("is_file", [True, False])
def test_a_template_counts_and_compares_in_one_spelling(form: str, end: str, is_file: bool) -> None:
    template = "{% if [where, a.b, d[0], c] == ['Münster', 'ü', 'é', 'ö'] %}{{ 'ä\\n' | length }}{% endif %}"
    save("kitten.j2", template.replace("\\n", "\n"), form, end)
    prompt, variables = (
        "{file: kitten.j2}" if is_file else f'"{template}"',
        "vars: {a: {b: ü}, d: [é]}, matrix: {c: [ö]}",
    )
    save("film.yaml", f"{HEAD}shots: [{{id: kitten, {variables}, prompt: {prompt}}}]\n", form, "\n")
    assert only_take().request.prompt == "2"
