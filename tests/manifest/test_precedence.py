"""What wins, clause by clause: `--var`, the profile, the shot, what is set for its model, the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfpipe import project
from kfpipe.domain import Take
from kfpipe.errors import Refused
from kfpipe.project import Options, Project

HEAD = """\
kfpipe: 1
provider: {name: emulator}
"""
FRAMES = "first_frame: https://example.com/a.png, last_frame: https://example.com/b.png, prompt: Up."
FLASH = "wan2.2-kf2v-flash"


def load(folder: Path, text: str, *, profile: str | None = None, **variables: Any) -> Project:
    path = folder / "shots.yaml"
    path.write_text(HEAD + text, "utf-8")
    return project.load(path, Options(profile=profile, variables=variables))


def takes(folder: Path, text: str, *, profile: str | None = None, **variables: Any) -> tuple[Take, ...]:
    return load(folder, text, profile=profile, **variables).takes


def problems(folder: Path, text: str, *, profile: str | None = None) -> list[str]:
    with pytest.raises(Refused) as caught:
        load(folder, text, profile=profile)
    return [
        f"{problem.position.line if problem.position else 0}: {problem.where}: {problem.what}; {problem.fix}"
        for problem in caught.value.problems
    ]


LAYERS = f"""\
vars: {{w: file}}
defaults: {{model: {FLASH}, {FRAMES[:-14]}, resolution: 1080P, seed: 1, attempts: 1, vars: {{w: defaults}}}}
models:
  {FLASH}: {{resolution: 720P, seed: 2, attempts: 2, vars: {{w: model}}}}
  wan2.7-i2v: {{seed: 9, prompt_extend: true}}
profiles:
  draft: {{resolution: 480P, vars: {{w: profile}}}}
shots:
  - {{id: all, prompt: '{{{{ w }}}}', attempts: 3, vars: {{w: shot}}}}
  - {{id: model, prompt: '{{{{ w }}}}'}}
"""


def test_from_the_defaults_to_the_model_to_the_shot_the_nearer_one_wins(tmp_path: Path) -> None:
    of_shot, of_model = takes(tmp_path, LAYERS)
    assert [(take.request.prompt, take.attempts) for take in (of_shot, of_model)] == [("shot", 3), ("model", 2)]
    parameters = of_shot.request.parameters
    assert (parameters.resolution, parameters.seed, parameters.prompt_extend) == ("720P", 2, False)


def test_the_profile_wins_over_the_shot(tmp_path: Path) -> None:
    for take in takes(tmp_path, LAYERS, profile="draft"):
        assert (take.request.prompt, take.request.parameters.resolution) == ("profile", "480P")


def test_var_wins_over_the_profile(tmp_path: Path) -> None:
    assert [take.request.prompt for take in takes(tmp_path, LAYERS, profile="draft", w="line")] == ["line", "line"]


def test_a_sequence_wins_over_the_model_and_a_shot_of_it_over_the_sequence(tmp_path: Path) -> None:
    text = (
        f"defaults: {{model: {FLASH}}}\nmodels: {{{FLASH}: {{seed: 1}}}}\nsequences:\n"
        "  - id: road\n    keyframes: [https://e.com/a.png, https://e.com/b.png, https://e.com/c.png]\n"
        "    prompt: On.\n    seed: 2\n    shots: [{}, {seed: 3}]\n"
    )
    assert [take.request.parameters.seed for take in takes(tmp_path, text)] == [2, 3]


def test_a_row_of_a_table_wins_over_the_model_and_its_null_takes_away(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,seed,negative_prompt\na,7,\nb,,null\n", "utf-8")
    text = (
        f"defaults: {{model: {FLASH}, {FRAMES}, negative_prompt: blurry}}\nmodels: {{{FLASH}: {{seed: 1}}}}\n"
        "shot_lists: [rows.csv]\n"
    )
    found = [(take.request.parameters.seed, take.request.negative_prompt) for take in takes(tmp_path, text)]
    assert found == [(7, "blurry"), (1, "")]


def test_each_take_of_a_matrix_over_models_has_what_is_set_for_its_own(tmp_path: Path) -> None:
    text = (
        f"defaults: {{model: {FLASH}, {FRAMES}}}\n"
        f"models: {{{FLASH}: {{resolution: 480P}}, wan2.7-i2v: {{resolution: 1080P, duration: 8}}}}\n"
        f"shots:\n  - {{id: a, matrix: {{model: [{FLASH}, wan2.7-i2v]}}}}\n"
    )
    found = [(take.request.parameters.resolution, take.request.parameters.duration_s) for take in takes(tmp_path, text)]
    assert found == [("480P", 5), ("1080P", 8)]


def test_what_is_set_under_another_name_of_a_model_is_set_for_it(tmp_path: Path) -> None:
    text = f"models: {{wanx2.1-kf2v-plus: {{seed: 4}}}}\nshots:\n  - {{id: a, model: wan2.1-kf2v-plus, {FRAMES}}}\n"
    assert takes(tmp_path, text)[0].request.parameters.seed == 4


@pytest.mark.parametrize("where", ["shot", "model", "profile"])
def test_null_takes_an_inherited_field_away(tmp_path: Path, where: str) -> None:
    gone = {place: "negative_prompt: null" if place == where else "seed: 1" for place in ("shot", "model", "profile")}
    text = (
        f"defaults: {{model: {FLASH}, {FRAMES}, negative_prompt: blurry}}\nmodels: {{{FLASH}: {{{gone['model']}}}}}\n"
        f"profiles: {{p: {{{gone['profile']}}}}}\nshots:\n  - {{id: a, {gone['shot']}}}\n"
    )
    assert takes(tmp_path, text, profile="p")[0].request.negative_prompt == ""


def test_null_takes_variables_away_one_by_one_or_all(tmp_path: Path) -> None:
    text = (
        f"vars: {{a: 1, b: 2}}\ndefaults: {{model: {FLASH}, {FRAMES[:-14]}, prompt: '{{{{ a }}}}{{{{ b }}}}'}}\n"
        "shots:\n"
        "  - {id: one, vars: {b: null}}\n  - {id: all, vars: null}\n"
    )
    whats = problems(tmp_path, text)
    assert ["{{ b }}" in what for what in whats] == [True, False]
    assert "{{ a }}" in whats[1]


def test_a_field_without_a_value_is_warned_of(tmp_path: Path) -> None:
    text = f"defaults: {{model: {FLASH}, {FRAMES}, duration: 5}}\nshots:\n  - id: a\n    duration:\n"
    (warning,) = load(tmp_path, text).warnings
    assert warning.position is not None
    assert (warning.position.line, warning.what) == (6, "there is no value, which means the same as `null`")


MATRIX = f"""\
defaults: {{model: wan2.7-i2v, {FRAMES[:-14]}, prompt: '{{{{ sky }}}}'}}
profiles:
  draft: {{resolution: 720P}}
  dim: {{vars: {{sky: grey}}, seed: null}}
shots:
  - id: a
    duration: 8
    matrix:
      resolution: [720P, 1080P]
      sky: [blue, grey]
      include: [{{resolution: 1080P, sky: red}}]
      exclude: [{{resolution: 1080P, sky: blue}}]
"""


def test_a_profiles_field_takes_the_place_of_an_axis_and_equal_takes_fall_together(tmp_path: Path) -> None:
    drafts = takes(tmp_path, MATRIX, profile="draft")
    assert [take.id for take in drafts] == [
        "a@resolution=720P,sky=blue",
        "a@resolution=720P,sky=grey",
        "a@resolution=720P,sky=red",
    ]
    assert {take.request.parameters.resolution for take in drafts} == {"720P"}


def test_a_take_that_the_profile_leaves_as_it_is_stays_the_same_request(tmp_path: Path) -> None:
    finals = {take.id: take.fingerprint for take in takes(tmp_path, MATRIX)}
    for chosen in (takes(tmp_path, MATRIX, profile="dim"), takes(tmp_path, MATRIX, sky="grey")):
        assert [take.id for take in chosen] == ["a@resolution=720P,sky=grey", "a@resolution=1080P,sky=grey"]
        assert all(finals[take.id] == take.fingerprint for take in chosen)


DRAFT = f"""\
defaults: {{model: wan2.7-i2v, {FRAMES}}}
profiles:
  draft: {{model: {FLASH}, duration: 5}}
  short:
    model: {FLASH}
  bare: {{last_frame: null, model: {FLASH}}}
  sharp:
    resolution: 4K
shots:
  - id: a
    duration: 8
  - {{id: b, resolution: 1080P}}
"""


def test_a_draft_profile_works_on_shots_that_have_a_duration_of_their_own(tmp_path: Path) -> None:
    drafts = takes(tmp_path, DRAFT, profile="draft")
    assert [(take.request.model, take.request.parameters.duration_s) for take in drafts] == [(FLASH, 5), (FLASH, 5)]


def test_a_message_about_what_a_profile_chose_names_it_and_both_lines(tmp_path: Path) -> None:
    assert problems(tmp_path, DRAFT, profile="sharp") == [
        "10: shot 'a' (line 12) with profile 'sharp' (line 10): the resolution '4K' is not offered by wan2.7-i2v "
        "(and in 1 more); write `resolution: 1080P` here"
    ]
    assert problems(tmp_path, DRAFT, profile="short") == [
        "13: shot 'a' (line 13) with profile 'short' (line 7): wan2.2-kf2v-flash cannot make a clip of 8 s; "
        "write `duration: 5` in profile 'short', or here"
    ]


def test_a_profile_that_unsets_what_a_shot_needs_is_told_once_at_its_line(tmp_path: Path) -> None:
    text = DRAFT.replace("    duration: 8\n", "    duration: 5\n")
    (what,) = problems(tmp_path, text, profile="bare")
    assert what.startswith("8: shot 'a' (line 12) with profile 'bare' (line 8): there is no last frame")
    assert what.endswith("(and in 1 more); delete `last_frame: null`, or write a value there")


def test_models_that_do_not_exist_and_fields_that_make_no_sense_are_all_told(tmp_path: Path) -> None:
    text = (
        "models:\n  wan2.2-kv2f-flash: {seed: 1}\n  wan2.7-i2v: {first_frame: a.png}\n  wan2.2-kf2v-flash: {seeed: 1}\n"
        f"shots:\n  - {{id: a, model: wan2.7-i2v, {FRAMES}}}\n"
    )
    whats = problems(
        tmp_path, text.replace("  wan2.7-i2v: {first_frame: a.png}\n  wan2.2-kf2v-flash: {seeed: 1}\n", "")
    )
    assert whats == ["4: models: the model 'wan2.2-kv2f-flash' is not known; did you mean `wan2.2-kf2v-flash`?"]
    whats = problems(tmp_path, text)
    assert whats[0] == "4: models: the model 'wan2.2-kv2f-flash' is not known; did you mean `wan2.2-kf2v-flash`?"
    assert any("'first_frame' is not a field of `wan2.7-i2v`" in what for what in whats)
    assert any("write `seed`" in what for what in whats)
