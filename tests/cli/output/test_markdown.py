"""A plan as a comment on a pull request: what a stranger wrote is shown, and does nothing."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from kfpipe.cli.output import markdown
from kfpipe.cli.output.table import Column, Table
from tests.cli.conftest import HEAD, Call

HOSTILE = [
    "a | b || c",
    "`ticks` ``and ``` more",
    "<script>alert(1)</script> <img src=x onerror=y>",
    "</code></pre></details> out",
    "@everyone and team@example.com",
    "[a link](https://example.com) ![a picture](https://example.com/x.png)",
    "https://example.com www.example.com",
    "*stars* __bars__ ~~waves~~ # not a heading #12",
    "&lt;already&gt; &#64; &amp;",
    "a \\| b \\\\| c \\",
    ":tada: $x$ {{ y }} ^z",
]


def rendered(lines: list[str]) -> str:
    """The lines as HTML, by an implementation of CommonMark with tables."""
    return str(MarkdownIt("commonmark").enable("table").render("\n".join(lines)))


def cells(page: str) -> list[str]:
    """What a reader sees in the table's cells, which hold text and nothing else."""
    found = re.findall(r"<td[^>]*>(.*?)</td>", page, re.DOTALL)
    inner = [re.fullmatch(r"<code>([^<]*)</code>|([^<]*)", cell) for cell in found]
    assert all(inner)
    return [html.unescape(cell[1] or cell[2]) for cell in inner if cell is not None]


def table_of(texts: list[str]) -> Table:
    return Table(
        columns=(Column(title="take"), Column(title="USD", is_number=True)), rows=tuple((t, "1") for t in texts)
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_manifest_holds_is_shown_as_it_is(text: str) -> None:
    assert cells(rendered(markdown.table(table_of([text])))) == [text, "1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_block_of_lines_is_shown_as_it_is(text: str) -> None:
    page = rendered(["### A heading", "", *markdown.block([text, "", "  more"])])
    (inner,) = re.findall(r"<pre>\n([^<]*)\n</pre>", page)
    assert html.unescape(inner) == f"{text}\n\n  more"


def test_no_mark_that_a_host_could_act_upon_is_left(folder: Path) -> None:
    source = "\n".join(markdown.table(table_of(HOSTILE)))
    assert not re.search(r"@|https?:|www\.|#\d|!\[|`|<(?!/?code>)", source.replace("&#", "&"))


def test_control_characters_and_line_breaks_do_not_reach_the_comment() -> None:
    assert markdown.code("a\x1b[31m\u202e b\nc") == "<code>a b c</code>"


def test_a_long_table_is_folded_and_one_that_no_comment_can_hold_is_cut() -> None:
    folded = markdown.table(table_of([f"take {number}" for number in range(30)]))
    assert folded[1:3] == ["<details>", "<summary>30 takes</summary>"]
    assert rendered(folded).count("<tr>") == 31
    cut = markdown.table(table_of(["@" * 1_000] * 30))
    assert len("\n".join(cut)) < 60_000
    assert [line for line in cut if line.startswith("and ")] == ["and 21 more"]


def test_an_empty_table_is_no_table() -> None:
    assert markdown.table(table_of([])) == []


# ---- kfpipe plan --markdown ----------------------------------------------------------------------------------------


def test_a_comment_holds_the_sums_and_the_takes_that_matter(folder: Path, kfpipe: Call) -> None:
    shots = 'shots:\n  - {id: kitten, prompt: "A | <b>kitten</b> @you"}\n  - {id: monster, prompt: A monster.}\n'
    (folder / "shots.yaml").write_text(HEAD + shots, "utf-8")
    ended = kfpipe("plan", "shots.yaml", "--markdown")
    assert ended.code == 0
    assert ended.out.splitlines()[:4] == [
        "### kfpipe plan of <code>shots.yaml</code>", "", "<pre>", "2 takes: 2 to render",
    ]  # fmt: skip
    assert cells(rendered(ended.out.splitlines()))[:3] == ["kitten", "render", "never rendered"]


def test_a_comment_and_json_exclude_each_other(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("plan", "shots.yaml", "--markdown", "--json")
    assert (ended.code, ended.json["problems"][0]["what"]) == (2, "give either --markdown or --json")
