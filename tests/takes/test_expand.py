"""From a shot to its takes: combinations, names, variables."""

from __future__ import annotations

from typing import Any

import pytest

from kfpipe.errors import Severity
from kfpipe.manifest.model import Matrix, SeedChoice, Shot, ShotSettings
from kfpipe.takes import expand, matrix
from kfpipe.takes.matrix import scalar_text


def shot(settings: ShotSettings | None = None, **declared: Any) -> Shot:
    """A shot whose matrix is given as in a manifest."""
    include, exclude = declared.pop("include", ()), declared.pop("exclude", ())
    return Shot(
        id="kitten",
        path=("shots", 0),
        settings=settings or ShotSettings(model="wan2.7-i2v"),
        matrix=Matrix(
            path=("shots", 0, "matrix"),
            axes={name: tuple(values) for name, values in declared.items()},
            include=dict(enumerate(include)),
            exclude=dict(enumerate(exclude)),
        ),
    )


def ids(of: Shot) -> list[str]:
    drafts, findings = expand.drafts(of)
    assert not findings
    return [draft.id for draft in drafts]


def test_a_shot_without_a_matrix_is_one_take_of_its_own_name() -> None:
    drafts, findings = expand.drafts(Shot(id="kitten", path=("shots", 0)))
    assert [draft.id for draft in drafts] == ["kitten"]
    assert not findings


def test_a_matrix_of_one_combination_is_one_take_of_the_shots_name() -> None:
    assert ids(shot(seed=[7])) == ["kitten"]


def test_combinations_come_in_declared_order_the_last_axis_fastest() -> None:
    assert ids(shot(seed=[1, 2], resolution=["720P", "1080P"])) == [
        "kitten@seed=1,resolution=720P",
        "kitten@seed=1,resolution=1080P",
        "kitten@seed=2,resolution=720P",
        "kitten@seed=2,resolution=1080P",
    ]


def test_an_exclude_removes_every_combination_that_has_its_values() -> None:
    assert ids(
        shot(seed=[1, 2, 3], resolution=["720P", "1080P"], exclude=[{"seed": 3}, {"seed": 2, "resolution": "1080P"}])
    ) == [
        "kitten@seed=1,resolution=720P",
        "kitten@seed=1,resolution=1080P",
        "kitten@seed=2,resolution=720P",
    ]


def test_an_include_adds_its_values_to_the_combinations_it_fits() -> None:
    assert ids(shot(seed=[1, 2], include=[{"seed": 2, "mood": "wild"}])) == ["kitten@seed=1", "kitten@seed=2,mood=wild"]


def test_an_include_that_fits_nothing_is_a_take_of_its_own_in_the_order_of_the_axes() -> None:
    added = {"resolution": "1080P", "mood": "wild", "seed": 9}
    assert ids(shot(seed=[1], resolution=["720P"], include=[added]))[1] == "kitten@seed=9,resolution=1080P,mood=wild"


def test_an_include_without_axes_goes_to_all_combinations() -> None:
    assert ids(shot(seed=[1, 2], include=[{"mood": "wild"}])) == ["kitten@seed=1,mood=wild", "kitten@seed=2,mood=wild"]


def test_a_matrix_of_includes_alone_is_the_list_of_them() -> None:
    assert ids(shot(include=[{"seed": 1}, {"seed": 2}])) == ["kitten@seed=1", "kitten@seed=2"]


def test_a_later_include_overrides_what_an_earlier_one_added_but_never_an_axis() -> None:
    include = {0: {"mood": "wild"}, 1: {"seed": 1, "mood": "calm"}, 2: {"seed": 2}}
    cells = matrix.cells(Matrix(path=(), axes={"seed": (1,)}, include=include))
    assert [dict(cell.values) for cell in cells] == [{"seed": 1, "mood": "calm"}, {"seed": 2}]


def test_true_and_1_are_different_values() -> None:
    assert ids(shot(x=[True, 1])) == ["kitten@x=true", "kitten@x=1"]


def test_awkward_characters_become_hyphens_in_a_name() -> None:
    assert ids(shot(mood=["wild & free", "ruhig/schön"])) == ["kitten@mood=wild---free", "kitten@mood=ruhig-schön"]


def test_names_that_differ_in_capitals_alone_are_one_name() -> None:
    drafts, findings = expand.drafts(shot(mood=["wild", "Wild"]))
    assert not drafts
    assert [finding.what for finding in findings] == ["two takes would have the id 'kitten@mood=Wild'"]


def test_axes_change_the_settings_of_a_take() -> None:
    drafts, _ = expand.drafts(shot(model=["wan2.2-kf2v-flash"], duration=[8], watermark=[True], mood=["wild"]))
    assert drafts[0].settings == ShotSettings(model="wan2.2-kf2v-flash", duration=8, watermark=True)


def test_an_explicit_seed_is_kept() -> None:
    assert [draft.settings.seed for draft in expand.drafts(shot(seed=[1, 2]))[0]] == [1, 2]


def test_variables_that_are_no_fields_are_free() -> None:
    axes = {"seed": [1], "first_frame": ["a.png"], "attempts": [2], "mood": ["calm"], "take": [None]}
    assert expand.drafts(shot(**axes))[0][0].free_values == {"mood": "calm", "take": None}


def test_a_template_sees_the_seed_that_is_given_and_else_the_one_that_was_derived() -> None:
    given, derived = (expand.drafts(shot(settings, mood=["calm"]))[0][0] for settings in (ShotSettings(seed=7), None))
    assert given.variables({}, derived_seed=3)["seed"] == 7
    assert derived.variables({}, derived_seed=3)["seed"] == 3


def test_a_random_seed_is_left_open() -> None:
    drafts, _ = expand.drafts(shot(ShotSettings(seed=SeedChoice.RANDOM), mood=["calm", "wild"]))
    assert not any(draft.has_derived_seed for draft in drafts)
    assert "seed" not in drafts[0].variables({}, derived_seed=3)


def test_random_can_be_one_value_of_an_axis() -> None:
    assert [draft.settings.seed for draft in expand.drafts(shot(seed=[1, "random"]))[0]] == [1, SeedChoice.RANDOM]


def test_the_nearest_variable_wins() -> None:
    of = Shot(
        id="kitten",
        path=("shots", 0),
        variables={"sky": "shot", "sea": "shot", "land": "shot"},
        matrix=Matrix(path=(), axes={"sea": ("axis", "b")}),
    )
    variables = expand.drafts(of)[0][0].variables({"land": "command line", "rain": "command line"}, derived_seed=3)
    named = {name: variables[name] for name in ("land", "sky", "sea", "shot", "index", "count")}
    assert named == {"land": "command line", "sky": "shot", "sea": "axis", "shot": "kitten", "index": 1, "count": 2}


def test_a_value_is_found_where_it_stands() -> None:
    inheriting = Shot(id="kitten", path=("shots", 4), places={"model": ("defaults", "model")})
    draft = expand.drafts(inheriting)[0][0]
    assert draft.path_of("model") == ("defaults", "model")
    assert draft.path_of("duration") == ("shots", 4, "duration")
    varied = expand.drafts(shot(duration=[5, 6]))[0][1]
    assert varied.path_of("duration") == ("shots", 0, "matrix", "duration", 1)


def test_matrices_share_the_room_of_a_manifest() -> None:
    drafts, findings = expand.drafts(shot(seed=range(10)), room=9)
    assert not drafts
    assert "seed (10) makes 10 takes" in findings[0].what


@pytest.mark.parametrize(("value", "text"), [(None, "null"), (True, "true"), (1, "1"), ("720P", "720P")])
def test_values_are_spelled_as_in_the_file(value: Any, text: str) -> None:
    assert scalar_text(value) == text


def test_a_typo_in_the_name_of_an_axis_is_an_error_unless_the_prompt_uses_it() -> None:
    declared = Matrix(path=("shots", 0, "matrix"), axes={"durations": (5, 6), "mood": ("calm", "wild")})
    found = {finding.path[-1]: finding.severity for finding in matrix.unused_findings(declared, set())}
    assert found == {"durations": Severity.ERROR, "mood": Severity.WARNING}
    assert not list(matrix.unused_findings(declared, {"durations", "mood"}))


def test_an_axis_that_seeds_are_derived_from_has_an_effect_but_a_typo_remains_one() -> None:
    declared = Matrix(path=("shots", 0, "matrix"), axes={"durations": (5, 6), "mood": ("calm", "wild")})
    (finding,) = matrix.unused_findings(declared, set(), in_seeds={"durations", "mood"})
    assert (finding.path[-1], finding.severity) == ("durations", Severity.ERROR)
