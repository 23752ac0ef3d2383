"""What an included manifest says applies to its own shots and nothing else; what is of a run comes from the root."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe import project
from kfpipe.errors import Problem, Refused
from kfpipe.project import Options, Project

HEAD = "kfpipe: 1\nprovider: {name: dashscope}\n"
PART = "kfpipe: 1\n"
FRAMES = "first_frame: https://example.com/a.png, last_frame: https://example.com/b.png"
SHOT = f"  - {{id: ID, {FRAMES}, prompt: '{{{{ sky }}}}'}}\n"

NIGHT = f"""{HEAD}\
vars: {{sky: night}}
defaults: {{model: wan2.7-i2v, negative_prompt: blurry, vars: {{sea: calm}}}}
models: {{wan2.7-i2v: {{resolution: 1080P}}, wan2.2-kf2v-flash: {{resolution: 1080P}}}}
profiles: {{draft: {{resolution: 720P}}}}
shots:
  - {{id: night, {FRAMES}, prompt: '{{{{ sky }}}} {{{{ sea }}}}'}}
  - {{id: cheap, model: wan2.2-kf2v-flash, {FRAMES}, prompt: Up., matrix: {{resolution: [480P, 720P]}}}}
"""
DAY = f"""{HEAD}\
vars: {{sky: day}}
defaults: {{model: wan2.2-kf2v-flash, prompt_extend: true}}
models: {{wan2.2-kf2v-flash: {{resolution: 480P}}, wan2.7-i2v: {{duration: 9}}}}
profiles: {{draft: {{negative_prompt: null, resolution: 480P}}}}
shots:
  - {{id: day, {FRAMES}, prompt: '{{{{ sky }}}}'}}
  - {{id: dear, model: wan2.7-i2v, {FRAMES}, prompt: Up., resolution: 720P}}
"""


def load(folder: Path, *, profile: str | None = None, name: str = "film", **files: str) -> Project:
    for file, text in files.items():
        (folder / f"{file}.yaml").write_text(text, "utf-8")
    return project.load(folder / f"{name}.yaml", Options(profile=profile))


def refused(folder: Path, **files: str) -> tuple[Problem, ...]:
    with pytest.raises(Refused) as caught:
        load(folder, **files)
    return caught.value.problems


def told(problem: Problem) -> tuple[str, int, str]:
    assert problem.position is not None
    return Path(problem.file).name, problem.position.line, problem.what


def asked(loaded: Project) -> dict[str, tuple[str, object]]:
    return {take.id: (take.fingerprint, take.unit_price) for take in loaded.takes}


@pytest.mark.parametrize("order", ["[night.yaml, day.yaml]", "[day.yaml, night.yaml]"])
def test_siblings_ask_for_what_each_asks_for_alone_at_the_same_price(tmp_path: Path, order: str) -> None:
    together = load(tmp_path, film=f"{HEAD}include: {order}\n", night=NIGHT, day=DAY)
    assert asked(together) == asked(load(tmp_path, name="night")) | asked(load(tmp_path, name="day"))
    assert {warning.what for warning in together.warnings} == {
        warning.what for name in ("night", "day") for warning in load(tmp_path, name=name).warnings
    }


def test_siblings_have_a_profile_of_one_name_each_for_itself(tmp_path: Path) -> None:
    day = DAY.replace("resolution: 720P", "resolution: 1080P").replace("resolution: 480P}}\nshots", "seed: 3}}\nshots")
    together = load(tmp_path, profile="draft", film=f"{HEAD}include: [night.yaml, day.yaml]\n", night=NIGHT, day=day)
    alone = [asked(load(tmp_path, profile="draft", name=name)) for name in ("night", "day")]
    assert asked(together) == alone[0] | alone[1]


def test_the_defaults_of_a_file_win_over_those_of_the_file_that_includes_it(tmp_path: Path) -> None:
    (take,) = load(
        tmp_path,
        film=f"{HEAD}include: [x.yaml]\nvars: {{sky: film, sea: film}}\n"
        "defaults: {model: wan2.7-i2v, duration: 9, resolution: 1080P, negative_prompt: film, vars: {sky: film}}\n",
        x=f"{PART}include: [y.yaml]\nvars: {{sky: x}}\ndefaults: {{duration: 4, resolution: 720P}}\n",
        y=f"{PART}defaults: {{duration: 3, negative_prompt: null}}\nshots:\n{SHOT.replace('ID', 'y')}",
    ).takes
    parameters = take.request.parameters
    assert (parameters.duration_s, parameters.resolution) == (3, "720P")
    assert (take.request.prompt, take.request.negative_prompt) == ("x", "")


def test_the_including_file_has_nothing_of_what_it_includes(tmp_path: Path) -> None:
    *problems, _ = refused(
        tmp_path,
        film=f"{HEAD}include: [x.yaml]\nshots:\n{SHOT.replace('ID', 'film')}",
        x=f"{PART}vars: {{sky: x}}\ndefaults: {{model: wan2.7-i2v}}\nshots:\n{SHOT.replace('ID', 'x')}",
    ) + refused(tmp_path, film=f"{HEAD}include: [x.yaml]\nshots:\n{SHOT.replace('ID', 'film')}")
    assert {problem.position.line for problem in problems if problem.position} == {5}


def test_the_models_of_a_file_win_over_those_of_the_file_that_includes_it(tmp_path: Path) -> None:
    film = f"{HEAD}include: [x.yaml]\nmodels: {{wan2.7-i2v: {{seed: 1, duration: 9}}}}\n"
    part = (
        f"{PART}defaults: {{model: wan2.7-i2v, duration: 4}}\nmodels: {{wan2.7-i2v: {{seed: 2}}}}\nvars: {{sky: x}}\n"
    )
    (take,) = load(tmp_path, film=film, x=f"{part}shots:\n{SHOT.replace('ID', 'x')}").takes
    assert (take.request.parameters.seed, take.request.parameters.duration_s) == (2, 9)


def test_a_table_inherits_from_the_file_that_lists_it(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id\nrow\n", "utf-8")
    part = f"{PART}shot_lists: [rows.csv]\ndefaults: {{model: wan2.7-i2v, {FRAMES}, prompt: x}}\n"
    film = f"{HEAD}include: [x.yaml]\ndefaults: {{prompt: film}}\n"
    assert [take.request.prompt for take in load(tmp_path, film=film, x=part).takes] == ["x"]


OF_A_RUN = """\
provider: {name: dashscope, region: singapore}
budget: {max_cost: 12.50, currency: USD}
limits: {concurrent_tasks: 2}
output: {dir: renders}
checks: {min_fidelity: 0.80}
"""


def test_what_is_of_a_run_is_warned_of_at_its_line_unless_it_is_the_same(tmp_path: Path) -> None:
    shots = f"defaults: {{model: wan2.7-i2v}}\nvars: {{sky: x}}\nshots:\n{SHOT.replace('ID', 'x')}"
    film = f"kfpipe: 1\n{OF_A_RUN}include: [x.yaml]\n"
    assert not load(tmp_path, film=film, x=f"{PART}{OF_A_RUN}{shots}").warnings
    alike = (
        OF_A_RUN.replace(", region: singapore", "")
        .replace("12.50", "'12.50'")
        .replace("output: {dir: renders}\n", "")
        .replace("0.80", "'0.8'")
    )
    assert not load(tmp_path, film=film, x=f"{PART}{alike}{shots}").warnings
    other = OF_A_RUN.replace("singapore", "beijing").replace("12.50", "1").replace("2}", "3}").replace("renders", "x")
    other = other.replace("0.80", "0.7")
    assert [told(warning) for warning in load(tmp_path, film=film, x=f"{PART}{other}{shots}").warnings] == [
        ("x.yaml", line, f"`{part}` of an included manifest applies only when that manifest is run by itself")
        for line, part in enumerate(("provider", "budget", "limits", "output", "checks"), start=2)
    ]


@pytest.mark.parametrize("field", ["account", "workspace"])
def test_another_account_or_workspace_is_refused_at_its_line(tmp_path: Path, field: str) -> None:
    part = (
        f"{PART}provider: {{name: dashscope, {field}: acme}}\ndefaults: {{model: wan2.7-i2v}}\nvars: {{sky: x}}\n"
        f"shots:\n{SHOT.replace('ID', 'x')}"
    )
    same = f"kfpipe: 1\nprovider: {{name: dashscope, {field}: acme}}\ninclude: [x.yaml]\n"
    assert not load(tmp_path, film=same, x=part).warnings
    for film in (same.replace("acme", "other"), same.replace(f", {field}: acme", "")):
        (problem,) = refused(tmp_path, film=film)
        assert told(problem)[:2] == ("x.yaml", 2)
        assert f"for the {field} 'acme'" in problem.what
        assert "by itself" in (problem.fix or "")


def test_what_a_file_without_shots_says_for_its_shots_is_warned_of(tmp_path: Path) -> None:
    film = (
        f"{HEAD}include: [x.yaml]\ndefaults: {{model: wan2.7-i2v}}\nvars: {{sky: x}}\nshots:\n{SHOT.replace('ID', 's')}"
    )
    (warning,) = load(tmp_path, film=film, x=f"{PART}defaults: {{duration: 9}}\n").warnings
    assert told(warning) == ("x.yaml", 2, "`defaults` applies to the shots of its own file, and there are none")


def test_a_mistake_in_what_one_file_says_hides_nothing_of_the_others(tmp_path: Path) -> None:
    problems = refused(
        tmp_path,
        film=f"{HEAD}include: [x.yaml, y.yaml]\n",
        x=f"{PART}defaults: {{durration: 9}}\nshots:\n{SHOT.replace('ID', 'x')}",
        y=f"{PART}defaults: {{model: wan2.7-i2v, duration: 99}}\nvars: {{sky: z}}\nshots:\n{SHOT.replace('ID', 'z')}",
    )
    assert [told(problem)[:2] for problem in problems] == [("x.yaml", 2), ("y.yaml", 2)]
