"""Manifests that include one another, and what each of them has a say in."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe import project
from kfpipe.domain import LocalMedium
from kfpipe.errors import Problem, Refused
from kfpipe.project import Options, Project
from tests.support import stills

HEAD = "kfpipe: 1\nprovider: {name: dashscope}\n"
PART = "kfpipe: 1\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "film" / "parts").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    for place in ("film/a.png", "film/parts/a.png", "shared/a.png"):
        stills.save(tmp_path, {place: "navy"}, stills.HD)
    monkeypatch.chdir(tmp_path / "film")
    return tmp_path / "film"


def load(folder: Path, options: Options | None = None, /, **files: str) -> Project:
    """The project of `film`; a double underscore in a name stands for a folder."""
    for name, text in files.items():
        (folder / f"{name.replace('__', '/')}.yaml").write_text(text, "utf-8")
    return project.load(Path("film.yaml"), options or Options())


def refused(folder: Path, **files: str) -> list[Problem]:
    with pytest.raises(Refused) as caught:
        load(folder, **files)
    return list(caught.value.problems)


def told(problem: Problem) -> tuple[str, int, str]:
    assert problem.position is not None
    return problem.file, problem.position.line, problem.what


def shot(name: str, *more: str) -> str:
    return f"  - {{{', '.join((f'id: {name}', 'first_frame: a.png', 'prompt: Up.', *more))}}}\n"


def test_included_shots_come_where_the_file_that_includes_them_says_so(folder: Path) -> None:
    loaded = load(
        folder,
        film=f"{HEAD}defaults: {{model: wan2.7-i2v}}\ninclude: [parts/x.yaml, parts/y.yaml]\nshots:\n{shot('film')}",
        parts__x=f"{PART}include: [z.yaml]\nshots:\n{shot('x')}",
        parts__y=f"{PART}shots:\n{shot('y')}",
        parts__z=f"{PART}shots:\n{shot('z')}",
    )
    assert [take.id for take in loaded.takes] == ["z", "x", "y", "film"]


def test_paths_start_at_the_file_that_names_them_and_renders_stay_with_the_root(folder: Path) -> None:
    loaded = (
        load(
            folder,
            film=f"{HEAD}defaults: {{model: wan2.7-i2v}}\ninclude: [parts/x.yaml, ../shared/y.yaml]\n",
            parts__x=f"{PART}output: {{dir: elsewhere}}\nshots:\n{shot('x')}",
        )
        if (folder.parent / "shared" / "y.yaml").write_text(f"{PART}shots:\n{shot('y')}")
        else None
    )
    assert loaded is not None
    media = [take.request.media[0].medium for take in loaded.takes]
    assert [medium.path for medium in media if isinstance(medium, LocalMedium)] == ["parts/a.png", "../shared/a.png"]
    assert [take.output for take in loaded.takes] == ["renders/x.mp4", "renders/y.mp4"]


def test_a_default_names_its_files_from_the_file_that_it_is_in(folder: Path) -> None:
    loaded = load(
        folder,
        film=f"{HEAD}include: [parts/x.yaml]\ndefaults: {{first_frame: a.png}}\nshots:\n{{id: s}}\n".replace(
            "{id: s}", "  - {id: s, model: wan2.7-i2v, prompt: Up.}"
        ),
        parts__x=f"{PART}defaults: {{model: wan2.7-i2v, first_frame: a.png}}\nshots:\n  - {{id: x, prompt: Up.}}\n",
    )
    media = [take.request.media[0].medium for take in loaded.takes]
    assert [medium.path for medium in media if isinstance(medium, LocalMedium)] == ["parts/a.png", "a.png"]


def test_each_problem_is_reported_where_it_stands(folder: Path) -> None:
    problems = refused(
        folder,
        film=f"{HEAD}include: [parts/x.yaml]\ndefaults: {{model: wan2.7-i2v}}\nshots:\n{shot('film', 'duration: 99')}",
        parts__x=f"{PART}shots:\n{shot('x', 'resolution: 4K')}{shot('z', 'fps: 24')}{shot('FILM')}",
    )
    assert [told(problem) for problem in problems] == [
        (
            "film.yaml",
            6,
            "the id 'film' is already used by 'FILM', which differs only in capital letters (parts/x.yaml, line 5)",
        ),
        ("film.yaml", 6, "wan2.7-i2v cannot make a clip of 99 s"),
        ("parts/x.yaml", 3, "the resolution '4K' is not offered by wan2.7-i2v"),
        ("parts/x.yaml", 4, "'fps' is not a field of the shot"),
    ]


def test_a_setting_inherited_from_an_included_file_is_complained_of_there(folder: Path) -> None:
    (problem,) = refused(
        folder,
        film=f"{HEAD}include: [parts/x.yaml]\n",
        parts__x=f"{PART}defaults:\n  model: wan2.7-i2v\n  resolution: 4K\nshots:\n{shot('x')}",
    )
    assert told(problem) == ("parts/x.yaml", 4, "the resolution '4K' is not offered by wan2.7-i2v")


def test_manifests_in_a_circle_are_refused_with_the_way_round(folder: Path) -> None:
    (problem,) = refused(
        folder,
        film=f"{HEAD}include: [parts/x.yaml]\nshots:\n{shot('film', 'model: wan2.7-i2v')}",
        parts__x=f"{PART}include: [y.yaml]\n",
        parts__y=f"{PART}include: [x.yaml]\n",
    )
    what = "the manifests include one another in a circle: parts/x.yaml -> parts/y.yaml -> parts/x.yaml"
    assert told(problem) == ("parts/y.yaml", 2, what)


def test_a_manifest_that_includes_itself_is_refused(folder: Path) -> None:
    (problem,) = refused(folder, film=f"{HEAD}include: [film.yaml]\nshots:\n{shot('film', 'model: wan2.7-i2v')}")
    assert problem.what.endswith("in a circle: film.yaml -> film.yaml")


def test_a_chain_of_manifests_has_an_end(folder: Path) -> None:
    chain = {f"p{number}": f"{PART}include: [p{number + 1}.yaml]\n" for number in range(20)}
    problems = refused(folder, film=f"{HEAD}include: [p0.yaml]\nshots:\n{shot('s', 'model: wan2.7-i2v')}", **chain)
    assert [problem.what for problem in problems] == ["manifests include one another more than 16 levels deep"]


def test_a_file_that_two_manifests_include_is_read_once(folder: Path) -> None:
    loaded = load(
        folder,
        film=f"{HEAD}include: [x.yaml, y.yaml]\ndefaults: {{model: wan2.7-i2v}}\n",
        x=f"{PART}include: [common.yaml]\n",
        y=f"{PART}include: [common.yaml]\n",
        common=f"{PART}shots:\n{shot('once')}",
    )
    assert [take.id for take in loaded.takes] == ["once"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("/etc/passwd", "the path '/etc/passwd' works on one computer only"),
        ("../../x.yaml", "the path '../../x.yaml' leaves the project"),
        ("part/x.yaml", "there is no file 'part/x.yaml'"),
        ("parts", "'parts' is a folder"),
    ],
)
def test_a_file_that_cannot_be_included_is_reported_at_its_name(folder: Path, name: str, what: str) -> None:
    (problem,) = refused(folder, film=f"{HEAD}include:\n  - {name}\nshots:\n{shot('s', 'model: wan2.7-i2v')}")
    assert told(problem) == ("film.yaml", 4, what)
    assert problem.where == "include"


def test_a_broken_part_does_not_make_its_shots_unknown(folder: Path) -> None:
    problems = refused(
        folder,
        film=f"{HEAD}include: [parts/x.yaml]\ndefaults: {{model: wan2.7-i2v}}\nshots:\n"
        "  - {id: s, first_frame: {still: x, frame: last}, prompt: Up.}\n",
        parts__x="kfpipe: 1\nshots: [\n",
    )
    assert {problem.file for problem in problems} == {"parts/x.yaml"}


def test_an_included_manifest_need_hold_no_shots_but_the_whole_must(folder: Path) -> None:
    problem, warning = refused(folder, film=f"{HEAD}include: [x.yaml]\n", x=f"{PART}vars: {{a: b}}\n")
    assert told(warning) == ("x.yaml", 2, "`vars` applies to the shots of its own file, and there are none")
    assert problem.what == "there are no shots, here or in what this manifest includes"
