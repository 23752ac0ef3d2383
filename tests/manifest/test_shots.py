"""Profiles and sequences: what a shot is made of that says little by itself."""

from __future__ import annotations

from kfpipe import catalogue
from kfpipe.domain import FrameEnd, MediaRole
from kfpipe.errors import Problem
from kfpipe.manifest import document, schema
from kfpipe.manifest import shots as entries
from kfpipe.manifest.compose import composed
from kfpipe.manifest.model import LocalFile, Manifest, Place, PromptFile, Shot, StillOf
from kfpipe.manifest.parse import parse_manifest as parse_manifest
from kfpipe.manifest.sheet import Sheet
from kfpipe.takes import expand

HEAD = "kfpipe: 1\nprovider: {name: dashscope}\n"
FIRST, LAST = MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME


def parse(text: str, *, profile: str | None = None) -> tuple[Manifest, list[Problem]]:
    read = document.parse(HEAD + text, "shots.yaml")
    sheet = Sheet(document=read, check=schema.check(read))
    order = [(sheet, part) for part in read.data if part in ("shots", "sequences")]
    whole, check = composed([sheet], sheet, order=order, complete=True)
    parsed, problems = parse_manifest(whole, check, catalogue=catalogue.shipped(), profile=profile)
    return parsed, [*check.problems, *problems]


def told(problem: Problem) -> tuple[int, int, str]:
    position = problem.position
    return (position.line, position.column, problem.what) if position else (0, 0, problem.what)


DRAFT = """
defaults: {model: wan2.7-i2v, duration: 6, vars: {sky: day, sea: calm}}
profiles:
  draft: {resolution: 480P, duration: 5, vars: {sky: grey}}
shots:
  - {id: kitten, first_frame: a.png, vars: {sea: wild}}
  - {id: walk, first_frame: a.png, duration: 9}
"""


def test_a_profile_wins_over_the_shots() -> None:
    parsed, problems = parse(DRAFT, profile="draft")
    kitten, walk = parsed.shots
    assert not problems
    assert (kitten.settings.model, kitten.settings.resolution, kitten.settings.duration) == ("wan2.7-i2v", "480P", 5)
    assert kitten.variables == {"sky": "grey", "sea": "wild"}
    assert walk.settings.duration == 5


def test_a_field_knows_whether_it_stands_in_the_profile_or_in_the_defaults() -> None:
    kitten, walk = parse(DRAFT, profile="draft")[0].shots
    assert kitten.path_of("duration") == ("profiles", "draft", "duration")
    assert kitten.path_of("model") == ("defaults", "model")
    assert kitten.inherits("duration")
    assert walk.path_of("duration") == ("profiles", "draft", "duration")
    assert not parse(DRAFT)[0].shots[1].inherits("duration")


def test_without_a_name_no_profile_is_chosen() -> None:
    assert parse(DRAFT)[0].shots[0].settings.duration == 6


def test_an_unknown_profile_is_answered_with_the_closest() -> None:
    _, problems = parse(DRAFT, profile="darft")
    assert [(problem.where, problem.what, problem.fix) for problem in problems] == [
        ("--profile", "there is no profile 'darft'", "did you mean `draft`?")
    ]


def test_a_profile_in_a_manifest_without_any_is_unknown_too() -> None:
    _, problems = parse("shots:\n  - {id: a, first_frame: a.png}\n", profile="draft")
    assert [problem.what for problem in problems] == ["there is no profile 'draft'"]


NARROWED = """
profiles:
  draft: {matrix: {seed: [7], resolution: [480P]}}
shots:
  - id: kitten
    first_frame: a.png
    matrix:
      mood: [calm, wild]
      seed: [1, 2, 3]
      resolution: [720P, 1080P]
      exclude: [{seed: 7}, {mood: wild}]
      include: [{seed: 4, resolution: 1080P}, {mood: calm, watermark: true}]
  - {id: walk, first_frame: a.png, seed: 3}
  - {id: roof, first_frame: a.png, matrix: {seed: [1, 2]}}
"""


def test_the_axes_of_a_profile_take_the_place_of_those_that_shots_have() -> None:
    parsed, problems = parse(NARROWED, profile="draft")
    assert not problems
    kitten, walk, roof = (expand.drafts(shot)[0] for shot in parsed.shots)
    assert [(draft.id, dict(draft.cell.values)) for draft in kitten] == [
        ("kitten", {"mood": "calm", "seed": 7, "resolution": "480P", "watermark": True})
    ]
    assert [(draft.id, draft.settings.seed, draft.settings.resolution) for draft in (*walk, *roof)] == [
        ("walk", 3, "720P"),
        ("roof", 7, "720P"),
    ]


def test_what_a_profile_has_narrowed_stands_where_the_profile_says_so() -> None:
    (draft,) = expand.drafts(parse(NARROWED, profile="draft")[0].shots[0])[0]
    assert draft.path_of("seed") == ("profiles", "draft", "matrix", "seed", 0)
    assert draft.path_of("mood") == ("shots", 0, "matrix", "mood", 0)
    assert draft.path_of("watermark") == ("shots", 0, "matrix", "include", 1, "watermark")


def test_an_axis_of_a_profile_that_no_shot_has_is_a_warning_with_its_place() -> None:
    _, problems = parse(NARROWED.replace("{seed: [7]", "{sed: [7]"), profile="draft")
    assert [(*told(problem), problem.fix) for problem in problems] == [
        (5, 20, "no shot's matrix varies `sed`, and a profile cannot add an axis", "did you mean `seed`?")
    ]


ROAD = """
sequences:
  - id: road
    keyframes: [k1.png, {still: kitten, frame: last}, k3.png]
    prompts: [Dawn breaks., {file: traffic.j2}]
    tags: [storyboard]
    duration: 4
shots:
  - {id: kitten, first_frame: a.png, last_frame: b.png}
"""


def sequence(parsed: Manifest) -> list[Shot]:
    return [shot for shot in parsed.shots if shot.in_sequence is not None]


def test_every_two_neighbouring_keyframes_are_a_shot() -> None:
    parsed, problems = parse(ROAD)
    assert not problems
    first, second = sequence(parsed)
    assert (first.id, second.id) == ("road.01", "road.02")
    assert first.media == {FIRST: LocalFile(path="k1.png"), LAST: LocalFile(path="b.png")}
    assert second.media == {FIRST: LocalFile(path="b.png"), LAST: LocalFile(path="k3.png")}
    assert (first.settings.prompt, second.settings.prompt) == ("Dawn breaks.", PromptFile(path="traffic.j2"))
    assert (first.in_sequence, second.in_sequence) == (Place(index=1, count=2), Place(index=2, count=2))
    assert {(shot.tags, shot.settings.duration) for shot in (first, second)} == {(("storyboard",), 4)}


def test_the_frames_of_a_sequence_know_their_keyframes() -> None:
    second = sequence(parse(ROAD)[0])[1]
    assert second.path_of("first_frame")[-2:] == ("keyframes", 1)
    assert second.path_of("last_frame")[-2:] == ("keyframes", 2)
    assert second.path_of("prompt")[-2:] == ("prompts", 1)


def test_the_index_of_a_sequence_counts_its_shots_even_where_each_has_several_takes() -> None:
    parsed, _ = parse("sequences:\n  - {id: road, keyframes: [a.png, b.png, c.png], matrix: {seed: [1, 2]}}\n")
    drafts = [draft for shot in parsed.shots for draft in expand.drafts(shot)[0]]
    assert [(draft.id, draft.index, draft.count) for draft in drafts] == [
        ("road.01@seed=1", 1, 2),
        ("road.01@seed=2", 1, 2),
        ("road.02@seed=1", 2, 2),
        ("road.02@seed=2", 2, 2),
    ]


def test_a_longer_sequence_keeps_the_names_that_it_had() -> None:
    keyframes = ", ".join(f"k{number}.png" for number in range(102))
    names = [shot.id for shot in parse(f"sequences:\n  - {{id: road, keyframes: [{keyframes}]}}\n")[0].shots]
    assert (names[0], names[98], names[100]) == ("road.01", "road.99", "road.101")


LOOP = """
sequences:
  - id: road
    keyframes: [a.png, b.png, c.png]
    loop: true
    prompt: "{{ index }} of {{ count }}"
    duration: 5
    vars: {sky: red, sea: calm}
    shots: [{prompt: Dawn., duration: 4}, {vars: {sky: grey}, tags: [hero]}, {seed: 7, matrix: {model: [x, y]}}]
"""


def test_a_loop_leads_back_to_its_first_keyframe() -> None:
    parsed, problems = parse(LOOP)
    assert not problems
    frames = [(shot.media[FIRST], shot.media[LAST]) for shot in parsed.shots]
    a, b, c = (LocalFile(path=f"{name}.png") for name in "abc")
    assert frames == [(a, b), (b, c), (c, a)]
    assert [shot.id for shot in parsed.shots] == ["road.01", "road.02", "road.03"]
    assert {shot.in_sequence and shot.in_sequence.count for shot in parsed.shots} == {3}
    assert parsed.shots[2].path_of("last_frame")[-2:] == ("keyframes", 0)


def test_each_shot_of_a_sequence_may_differ_in_any_field() -> None:
    first, second, third = parse(LOOP)[0].shots
    assert (first.settings.prompt, first.settings.duration) == ("Dawn.", 4)
    assert first.path_of("duration")[-3:] == ("shots", 0, "duration")
    assert (second.settings.duration, second.tags, second.variables) == (5, ("hero",), {"sky": "grey", "sea": "calm"})
    assert third.settings.seed == 7
    assert third.matrix is not None
    assert third.matrix.axis_path("model")[-4:] == ("shots", 2, "matrix", "model")


def test_another_number_of_shots_than_gaps_is_refused() -> None:
    head = "sequences:\n  - {id: road, keyframes: [a.png, b.png, c.png], "
    _, problems = parse(f"{head}shots: [{{}}]}}\n")
    assert [told(problem) for problem in problems] == [
        (4, 50, "`shots` has 1 entry for 3 keyframes"),
    ]
    assert parse(f"{head}shots: [{{}}, {{seed: 1}}]}}\n")[1] == []
    _, problems = parse(f"{head}loop: true, shots: [{{}}, {{}}]}}\n")
    assert problems[0].expected == "3: one for each pair of neighbouring keyframes, and one back to the first"


def test_a_mistake_in_one_shot_of_a_sequence_has_its_own_place() -> None:
    _, problems = parse("sequences:\n  - {id: road, keyframes: [a.png, b.png], shots: [{duration: 5.0, promt: x}]}\n")
    assert [told(problem) for problem in problems] == [
        (4, 62, "`shots[0].duration` is the number 5.0"),
        (4, 67, "'promt' is not a field of `shots[0]`"),
    ]


def test_a_loop_needs_two_keyframes() -> None:
    _, problems = parse("sequences:\n  - {id: road, keyframes: [a.png], loop: true}\n")
    assert [problem.what for problem in problems] == ["`keyframes` has 1 entry"]


def test_prompts_must_fit_the_keyframes() -> None:
    parsed, problems = parse("sequences:\n  - {id: road, keyframes: [a.png, b.png], prompts: [Up., Down.]}\n")
    assert [told(problem) for problem in problems] == [(4, 43, "there are 2 prompts for 2 keyframes")]
    assert all("prompt" in shot.refused for shot in parsed.shots)


def test_prompts_and_prompt_exclude_each_other() -> None:
    _, problems = parse("sequences:\n  - {id: road, keyframes: [a.png, b.png], prompts: [Up.], prompt: Down.}\n")
    assert [problem.what for problem in problems] == [
        "there are both `prompts`, one for each shot, and `prompt`, one for all"
    ]


def test_a_shot_may_not_have_the_name_of_a_sequences_shot() -> None:
    _, problems = parse(
        "shots:\n  - {id: road.02, first_frame: a.png}\nsequences:\n  - {id: road, keyframes: [a.png, b.png, c.png]}\n"
    )
    assert [told(problem) for problem in problems] == [
        (6, 10, "the id 'road.02' is already used by another shot (line 4)")
    ]


def test_a_broken_sequence_leaves_the_others_usable() -> None:
    parsed, problems = parse("sequences:\n  - {id: x, keyframes: [a.png]}\n  - {id: road, keyframes: [a.png, b.png]}\n")
    assert [shot.id for shot in parsed.shots] == ["road.01"]
    assert [(problem.where, problem.what) for problem in problems] == [("sequence 'x'", "`keyframes` has 1 entry")]


def test_the_frames_of_a_sequence_cannot_be_varied() -> None:
    parsed, _ = parse("sequences:\n  - {id: road, keyframes: [a.png, b.png], matrix: {first_frame: [c.png, d.png]}}\n")
    drafts, findings = expand.drafts(parsed.shots[0])
    assert not drafts
    assert "the keyframes set it" in findings[0].what


def test_a_matrix_over_pictures_gives_each_take_its_own() -> None:
    parsed, problems = parse(
        "shots:\n  - {id: a, first_frame: x.png, matrix: {last_frame: [b.png, sub/c.png], include: [{seed: 1}]}}\n"
    )
    drafts, findings = expand.drafts(parsed.shots[0])
    assert not problems
    assert not findings
    assert [draft.media[LAST] for draft in drafts] == [LocalFile(path="b.png"), LocalFile(path="sub/c.png")]
    assert [draft.id for draft in drafts] == ["a@last_frame=b.png,seed=1", "a@last_frame=sub-c.png,seed=1"]


def test_a_picture_in_a_matrix_must_lie_inside_the_project() -> None:
    parsed, problems = parse("shots:\n  - {id: a, matrix: {first_frame: [b.png, /c.png]}}\n")
    assert [told(problem) for problem in problems] == [(4, 43, "the path '/c.png' works on one computer only")]
    assert MediaRole.FIRST_FRAME not in expand.drafts(parsed.shots[0])[0][1].media


def test_a_borrowed_picture_says_what_it_lacks() -> None:
    _, problems = parse(
        "shots:\n"
        "  - {id: a, first_frame: {frame: last}}\n"
        "  - {id: b, first_frame: {still: a, render: a, frame: last}}\n"
        "  - {id: c, first_frame: {still: a, take: x, frame: last}}\n"
    )
    assert [problem.what for problem in problems] == [
        "the shot to take the picture from is missing",
        "this frame has both `still` and `render`",
        "`take` has no effect here: a still is the same for all takes",
    ]


def test_what_is_borrowed_is_known_by_shot_and_end() -> None:
    text = "shots:\n  - {id: a, first_frame: {still: b, frame: first}}\n"
    read = document.parse(HEAD + text, "shots.yaml")
    shots, _ = entries.read(read, frozenset(), levels_up=0, overlay=entries.Overlay(catalogue=catalogue.shipped()))
    assert shots[0].media == {FIRST: StillOf(shot_id="b", end=FrameEnd.FIRST)}


def test_a_shot_of_a_sequence_inherits_like_any_other() -> None:
    (shot,) = parse("defaults: {duration: 9}\nsequences:\n  - {id: road, keyframes: [a.png, b.png]}\n")[0].shots
    assert shot.settings.duration == 9
    assert shot.path_of("duration") == ("defaults", "duration")
