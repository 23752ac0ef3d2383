"""Every clause of the language of manifests, and the tests that hold it: each is a sentence, and each is there.

A clause that changes, changes here first.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from kfpipe import project
from kfpipe.errors import Problem, Severity
from kfpipe.project import Options
from tests.support.places import ROOT
from tests.support.stills import save

MODULE: Final = "promises/language/test_clauses"

CLAUSES: Final[dict[str, tuple[str, ...]]] = {
    "Plain scalars are read as in YAML 1.2, with a warning where YAML 1.1 differs.": (
        "manifest/test_document::a_plain_value_is_read_by_the_core_schema_of_yaml_1_2",
        "manifest/test_document::a_value_that_yaml_1_1_reads_differently_is_warned_of",
    ),
    "Doubled keys, alias bombs, keys that are no text, and absurd sizes are refused with a position.": (
        "manifest/test_document::every_duplicate_key_is_named_with_the_place_of_the_first",
        "manifest/test_document::an_alias_bomb_is_refused",
        "manifest/test_document::a_key_that_is_no_text_is_refused",
        "manifest/test_document::absurd_nesting_is_refused_at_once",
        "manifest/test_document::a_text_that_is_too_large_is_refused_unread",
    ),
    "Every property of the schema is described, with examples.": (
        "manifest/test_schema::every_property_has_a_title_a_description_and_an_example",
        "manifest/test_schema::every_example_and_default_fits_its_own_field",
    ),
    "All problems are shown at once, in file order, each once; nothing is sent.": (
        "manifest/test_schema::problems_come_in_file_order",
        "promises/language/test_bad_inputs::every_slip_is_told_at_once_with_its_place_and_a_way_out",
        "promises/language/test_bad_inputs::a_run_of_what_is_wrong_prints_each_slip_once_and_sends_nothing",
    ),
    "A path that leaves the project is refused, as is what refers to nothing, or to itself.": (
        "manifest/test_references::a_path_that_leaves_the_project_or_is_none_is_refused",
        "manifest/test_dependencies::what_cannot_be_borrowed_is_refused_once",
        "manifest/test_compose::manifests_in_a_circle_are_refused_with_the_way_round",
    ),
    "A prompt is measured as it is sent, after templating.": (
        "takes/test_seeds::a_prompt_that_speaks_of_its_seed_is_judged_as_it_is_sent",
        "takes/test_model_rules::a_prompt_is_counted_in_characters_not_in_bytes",
    ),
    "What wins: --var, the profile, the shot, its sequence or row, what is set for its model, its file's defaults.": (
        "manifest/test_precedence::var_wins_over_the_profile",
        "manifest/test_precedence::the_profile_wins_over_the_shot",
        "manifest/test_precedence::from_the_defaults_to_the_model_to_the_shot_the_nearer_one_wins",
        "manifest/test_precedence::a_sequence_wins_over_the_model_and_a_shot_of_it_over_the_sequence",
        "manifest/test_precedence::a_row_of_a_table_wins_over_the_model_and_its_null_takes_away",
        "manifest/test_included::the_defaults_of_a_file_win_over_those_of_the_file_that_includes_it",
    ),
    "`null` takes an inherited field away.": ("manifest/test_precedence::null_takes_an_inherited_field_away",),
    "A profile's field takes the place of a matrix axis of that name; takes that become equal fall together.": (
        "manifest/test_precedence::a_profiles_field_takes_the_place_of_an_axis_and_equal_takes_fall_together",
    ),
    "A draft profile works on shots with a duration of their own; messages name it and both lines.": (
        "manifest/test_precedence::a_draft_profile_works_on_shots_that_have_a_duration_of_their_own",
        "manifest/test_precedence::a_message_about_what_a_profile_chose_names_it_and_both_lines",
    ),
    "A file's defaults, vars and stills hold for its own shots; siblings never touch each other.": (
        "manifest/test_included::siblings_ask_for_what_each_asks_for_alone_at_the_same_price",
        "cli/test_siblings::two_included_siblings_with_other_models_vars_and_negative_prompts_cost_and_render_"
        "what_they_do_alone",
        "manifest/test_included::the_including_file_has_nothing_of_what_it_includes",
    ),
    "What an included file says of a run is not used, with a warning; another account is refused.": (
        "manifest/test_included::what_is_of_a_run_is_warned_of_at_its_line_unless_it_is_the_same",
        "manifest/test_included::another_account_or_workspace_is_refused_at_its_line",
    ),
    "`film.order` is the order of the film; without it, the order of the file.": (
        "manifest/test_film::an_order_names_shots_sequences_patterns_and_the_rest",
        "manifest/test_film::without_an_order_shots_stand_as_the_file_has_them",
        "manifest/test_film::what_the_order_leaves_out_is_a_take_but_no_part_of_the_film",
    ),
    "A take without a seed has one that follows from the rest of its request, not from names.": (
        "takes/test_seeds::a_shot_keeps_its_seed_under_another_name",
        "takes/test_seeds::variants_have_seeds_of_their_own_without_a_word_in_the_prompt",
        "takes/test_seeds_laws::names_and_orders_leave_all_seeds_alone",
    ),
    "`seed: random` draws one for each request; such takes find theirs by name, then whichever nobody else wants.": (
        "takes/test_expand::a_random_seed_is_left_open",
        "lock/test_records::takes_of_random_seeds_each_have_their_own",
        "lock/test_records::a_renamed_take_of_a_random_seed_takes_whichever_nobody_wants",
    ),
    "Two takes with one fingerprint are one request, paid for once; both have the clip.": (
        "plan/test_gather::two_takes_of_one_fingerprint_are_one_request_and_the_second_is_reused",
        "lock/test_records::takes_that_ask_for_the_very_same_clip_share_it",
    ),
    "Of several clips of one fingerprint the newest counts.": (
        "lock/test_records::the_newest_request_that_has_not_ended_counts",
    ),
    "A pick names a take and stays with it, as a draft or as a final.": (
        "lock/test_records::a_pick_that_was_made_on_an_older_clip_is_told_apart",
        "lock/test_records::a_pick_made_on_a_draft_stands_for_the_takes_that_differ_only_by_its_profile",
        "lock/test_records::a_pick_follows_its_take_to_another_name",
    ),
    "`index` starts at 1, and `count` is the number of shots.": (f"{MODULE}::index_starts_at_1_and_count_is_the_last",),
    "An `include` of a matrix that fits no combination adds a take.": (
        "takes/test_expand::an_include_that_fits_nothing_is_a_take_of_its_own_in_the_order_of_the_axes",
    ),
    "Remote media are passed on and never fetched; plain http gives a warning.": (
        "manifest/test_references::a_public_address_is_passed_through_unchanged",
        "provider/test_uploads::remote_frames_pass_through_untouched",
        f"{MODULE}::a_plain_http_address_gives_a_warning_and_is_used",
    ),
    "Stills are sent as a viewer shows them; `flatten`, `resize` and `convert` do more, where they are asked for.": (
        "promises/field/test_pictures::a_clip_begins_and_ends_on_its_stills_as_a_viewer_shows_them",
        "media/test_prepared::a_still_is_flattened_over_the_background",
        "media/test_prepared::a_still_is_brought_into_the_range_of_its_model",
        "media/test_prepared::a_picture_of_another_format_is_converted_without_loss",
    ),
    "The plan lists what was prepared, and the clip of a changed preparation is another request.": (
        "cli/commands/test_stills::the_plan_lists_what_was_prepared",
        "takes/test_preparation::another_background_is_another_request_only_where_there_is_transparency",
    ),
    "A slice of a sound is as long as the clip, and is known by file, start and length.": (
        "takes/test_slices::a_slice_is_as_long_as_the_clip_and_one_request_however_its_start_is_written",
    ),
    "A chain continues from a clip that is kept, of the picked take first, and the plan shows what waits for what.": (
        "runner/test_chain::a_take_continues_only_from_a_clip_that_is_kept",
        "runner/test_chain::a_picked_take_of_its_source_goes_before_the_others",
        "runner/test_chain::the_plan_says_which_take_waits_for_which_rendered_or_not",
        "runner/test_chain::a_shot_continues_from_the_whole_clip_of_another",
    ),
    "Templates see values and nothing else, and are bounded in time and size.": (
        "takes/test_prompts::a_template_sees_values_and_nothing_behind_them",
        "takes/test_prompts::a_template_that_would_take_for_ever_is_refused_at_once",
    ),
    "Every parameter is sent explicitly.": (
        "provider/test_wire::every_parameter_is_sent_also_where_it_is_the_services_default",
    ),
    "All of the service's modes have a place.": (
        f"{MODULE}::every_mode_of_the_service_has_a_place",
        "provider/test_wire::a_sound_and_a_clip_are_media_of_their_own_roles",
        "provider/test_wire::an_effect_goes_with_its_first_frame_and_nothing_else",
    ),
    "A price for a resolution that the catalogue does not list makes it available, with a warning.": (
        f"{MODULE}::a_price_for_a_resolution_that_is_not_listed_makes_it_available_with_a_warning",
    ),
    "A model that is not sold in the region is an error; sound is asked for only where there is a choice.": (
        "takes/test_model_rules::a_model_that_the_region_does_not_sell_is_refused",
        "takes/test_build::sound_is_chosen_only_where_there_is_a_choice",
    ),
    "A pattern of keyframes is in natural order; a loop leads back; each gap may differ in any field.": (
        "manifest/test_patterns::the_files_of_a_pattern_are_keyframes_in_natural_order",
        "manifest/test_shots::a_loop_leads_back_to_its_first_keyframe",
        "manifest/test_shots::each_shot_of_a_sequence_may_differ_in_any_field",
    ),
    "Names are words of any script, one in both Unicode forms; those that a disk takes for one are refused.": (
        "test_names::words_of_any_script_are_names",
        "test_names::a_name_is_one_in_both_unicode_forms",
        "test_names::ids_that_do_not_clash_have_files_of_their_own_on_every_disk",
    ),
    "Notes and trims are no part of a request; columns that are no fields are kept as notes where that is asked.": (
        "takes/test_trims::notes_and_a_trim_are_no_part_of_the_request",
        "takes/test_trims::columns_that_are_no_fields_are_kept_as_notes_when_the_manifest_says_so",
    ),
}


def test_every_clause_has_its_tests() -> None:
    wanted = {name for names in CLAUSES.values() for name in names}
    there = {name for module in {name.partition("::")[0] for name in wanted} for name in _tests(module)}
    assert wanted <= there, sorted(wanted - there)


def _tests(module: str) -> list[str]:
    text = (ROOT / "tests" / f"{module}.py").read_text("utf-8")
    return [f"{module}::{name}" for name in re.findall(r"^(?:async )?def test_(\w+)", text, re.MULTILINE)]


HEAD: Final = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
defaults: {model: wan2.7-i2v, resolution: 720P, duration: 5, prompt: Up.}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path, {"a.png": (40, 60, 120), "b.png": (230, 180, 90), "c.png": (90, 180, 90)})
    return tmp_path


def loaded(folder: Path, text: str) -> project.Project:
    (folder / "shots.yaml").write_text(HEAD + text, "utf-8")
    return project.load(folder / "shots.yaml", Options())


def warned(found: project.Project) -> Problem:
    (told,) = found.warnings
    assert told.severity is Severity.WARNING and told.position is not None and told.fix
    return told


def test_index_starts_at_1_and_count_is_the_last(folder: Path) -> None:
    found = loaded(
        folder,
        'sequences: [{id: road, keyframes: [a.png, b.png, c.png], prompt: "Part {{ index }} of {{ count }}"}]\n',
    )
    assert [take.request.prompt for take in found.takes] == ["Part 1 of 2", "Part 2 of 2"]


def test_a_plain_http_address_gives_a_warning_and_is_used(folder: Path) -> None:
    found = loaded(
        folder, "shots:\n  - {id: a, first_frame: http://example.com/a.png}\n  - {id: b, first_frame: a.png}\n"
    )
    told = warned(found)
    assert (told.position.line, told.position.column) == (5, 26)  # type: ignore[union-attr]
    assert "plain http" in told.what
    assert len(found.takes) == 2


def test_a_price_for_a_resolution_that_is_not_listed_makes_it_available_with_a_warning(folder: Path) -> None:
    found = loaded(
        folder,
        "prices: {wan2.7-i2v: {480P: 0.05}}\nshots: [{id: a, first_frame: a.png, resolution: 480P}]\n",
    )
    assert "480P" in warned(found).what
    assert [take.request.parameters.resolution for take in found.takes] == ["480P"]


@pytest.mark.parametrize(
    "fields",
    [
        "first_frame: a.png",
        "first_frame: a.png, last_frame: b.png",
        "first_frame: a.png, driving_audio: https://example.com/voice.mp3",
        "first_clip: https://example.com/walk.mp4, duration: 10",
        "first_clip: https://example.com/walk.mp4, last_frame: b.png, duration: 10",
        "model: wanx2.1-kf2v-plus, first_frame: a.png, last_frame: b.png",
    ],
)
def test_every_mode_of_the_service_has_a_place(folder: Path, fields: str) -> None:
    assert len(loaded(folder, f"shots: [{{id: a, {fields}}}]\n").takes) == 1
