"""Seeds of takes that are given none: they follow from what is asked for, and from no name."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe import project
from kfpipe.domain import Take
from kfpipe.errors import Refused

HEAD = """\
kfpipe: 1
provider: {name: dashscope}
vars: {style: Realistic}
defaults:
  model: wan2.7-i2v
  first_frame: https://example.com/a.png
  last_frame: https://example.com/b.png
  prompt: "{{ style }}. Up."
shots:
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(*shots: str, head: str = HEAD) -> dict[str, Take]:
    Path("film.yaml").write_text(head + "".join(f"  - {shot}\n" for shot in shots), "utf-8")
    return {take.id: take for take in project.load(Path("film.yaml")).takes}


def seed(shot: str, *, head: str = HEAD) -> int | None:
    """The seed of the last take that the shot makes."""
    return seeds(shot, head=head)[-1]


def seeds(*shots: str, head: str = HEAD) -> list[int | None]:
    return [take.request.parameters.seed for take in made(*shots, head=head).values()]


def told(*shots: str) -> list[str]:
    made(*shots)
    return [problem.what for problem in project.load(Path("film.yaml")).warnings]


def test_a_seed_is_what_it_always_was() -> None:
    """Another one would render every such take again."""
    assert seed("{id: kitten}") == 658782360
    assert seed("{id: kitten, matrix: {variant: [1, 2]}}") == 1016003004


def test_a_shot_keeps_its_seed_under_another_name() -> None:
    assert seed("{id: kitten}") == seed("{id: renamed}")


def test_variants_have_seeds_of_their_own_without_a_word_in_the_prompt() -> None:
    assert len(set(seeds("{id: kitten, matrix: {variant: [1, 2, 3]}}"))) == 3
    assert told("{id: kitten, matrix: {variant: [1, 2, 3]}}") == []


@pytest.mark.parametrize(
    "same",
    [
        "{variant: [1, 2, 3]}",
        "{variant: [2]}",
        "{variant: [3, 2], exclude: [{variant: 3}]}",
        "{variant: [1], include: [{variant: 2}]}",
        "{include: [{variant: 2}, {variant: 1}]}",
        "{resolution: [720P], variant: [2]}",
        "{variant: [2], resolution: [1080P, 720P]}",
        "{attempts: [1, 5], variant: [2], exclude: [{attempts: 1}]}",
        "{variant: ['2']}",
    ],
)
def test_a_variant_keeps_its_seed_wherever_its_value_stands(same: str) -> None:
    takes = made(f"{{id: kitten, matrix: {same}}}").items()
    found = {
        take.request.parameters.seed
        for name, take in takes
        if ("variant=2" in name or "@" not in name) and take.request.parameters.resolution == "720P"
    }
    assert found == {seeds("{id: kitten, matrix: {variant: [1, 2]}}")[1]}


def test_the_order_of_two_axes_is_not_part_of_a_seed() -> None:
    one = seeds("{id: kitten, matrix: {take: [1, 2], mood: [calm, wild]}}")
    other = seeds("{id: kitten, matrix: {mood: [calm, wild], take: [1, 2]}}")
    assert len(set(one)) == 4
    assert set(one) == set(other)


@pytest.mark.parametrize(
    "change",
    [
        "prompt: Down.",
        "negative_prompt: blurry",
        "model: wan3.0-video",
        "resolution: 1080P",
        "duration: 6",
        "watermark: true",
        "prompt_extend: true",
        "first_frame: https://example.com/c.png",
        "vars: {style: Drawn}",
    ],
)
def test_whatever_else_is_asked_for_moves_the_seed(change: str) -> None:
    assert seed(f"{{id: kitten, {change}}}") != seed("{id: kitten}")


@pytest.mark.parametrize("change", ["tags: [hero]", "attempts: 5", "priority: 3", "prompt: Realistic. Up."])
def test_what_does_not_decide_the_picture_leaves_the_seed_alone(change: str) -> None:
    assert seed(f"{{id: kitten, {change}}}") == seed("{id: kitten}")


def test_a_shot_keeps_its_seed_in_an_included_file() -> None:
    before = made("{id: kitten}")["kitten"]
    shot, rest = "shots: [{id: moved}]\n", HEAD.removesuffix("shots:\n")
    Path("part.yaml").write_text(rest + shot, "utf-8")
    Path("film.yaml").write_text("kfpipe: 1\nprovider: {name: dashscope}\ninclude: [part.yaml]\n", "utf-8")
    (after,) = project.load(Path("film.yaml")).takes
    assert (after.request, after.fingerprint) == (before.request, before.fingerprint)


def test_a_new_signature_of_a_remote_frame_leaves_the_take_alone() -> None:
    address = "https://bucket.example/c.png?OSSAccessKeyId=1&Expires={0}&Signature={0}"
    one, two = (made(f"{{id: kitten, first_frame: '{address.format(when)}'}}")["kitten"] for when in (100, 200))
    assert (one.fingerprint, one.request.parameters.seed) == (two.fingerprint, two.request.parameters.seed)
    assert getattr(two.request.media[0].medium, "url", None) == address.format(200)


def test_a_take_says_whether_its_seed_is_given() -> None:
    takes = made(
        "{id: kitten}", "{id: walk, seed: 7}", "{id: run, matrix: {seed: [1, random]}}", "{id: sit, duration: 6}"
    )
    assert [take.seed_is_derived for take in takes.values()] == [True, False, False, False, True]


# -- prompts that speak of their seed ----------------------------------------------------------------------------------


def test_a_prompt_may_speak_of_a_derived_seed() -> None:
    take = made("{id: kitten, prompt: 'Number {{ seed }}.', negative_prompt: 'no {{ seed }}'}")["kitten"]
    drawn = take.request.parameters.seed
    assert (take.request.prompt, take.request.negative_prompt) == (f"Number {drawn}.", f"no {drawn}")
    assert made("{id: other, prompt: 'Number {{ seed }}.', negative_prompt: 'no {{ seed }}'}")["other"].request == (
        take.request
    )


def test_a_prompt_that_speaks_of_its_seed_is_judged_as_it_is_sent() -> None:
    long = "'{% if seed < 2147483647 %}" + 6000 * "x" + "{% endif %}'"
    with pytest.raises(Refused) as caught:
        made(f"{{id: kitten, prompt: {long}}}")
    assert ["6,000 characters" in problem.what for problem in caught.value.problems] == [True]


def test_a_mistake_in_a_prompt_that_speaks_of_its_seed_is_told_once() -> None:
    with pytest.raises(Refused) as caught:
        made("{id: kitten, prompt: '{{ seed + moon }}'}")
    assert len(caught.value.problems) == 1


# -- takes that continue from others -----------------------------------------------------------------------------------

CHAIN = [
    "{id: last, prompt: Then., first_frame: {render: middle, frame: last}}",
    "{id: middle, prompt: Next., first_frame: {render: first, frame: last}}",
    "{id: first}",
]


def test_a_take_keeps_its_seed_when_the_shots_before_it_are_renamed() -> None:
    renamed = [shot.replace("middle", "2nd").replace("render: first,", "render: 1st,") for shot in CHAIN[:2]]
    before, after = made(*CHAIN), made("{id: 1st}", *renamed)
    for old, new in {"first": "1st", "middle": "2nd", "last": "last"}.items():
        assert before[old].request == after[new].request


def test_a_take_keeps_its_seed_when_the_clip_before_it_changes() -> None:
    """Where the same picture is cut from it, nothing is rendered again."""
    changed = [*CHAIN[:2], "{id: first, prompt: Elsewhere.}"]
    assert seeds(*CHAIN)[:2] == seeds(*changed)[:2]


def test_the_end_that_is_cut_moves_the_seed() -> None:
    changed = [CHAIN[0].replace("frame: last", "frame: first"), *CHAIN[1:]]
    assert seeds(*CHAIN)[0] != seeds(*changed)[0]
    assert seeds(*CHAIN)[1:] == seeds(*changed)[1:]


def test_an_axis_without_effect_is_told_of_where_the_seed_is_given() -> None:
    assert "`variant` is varied" in told("{id: kitten, seed: 7, matrix: {variant: [1, 2]}}")[-1]
    assert told("{id: kitten, matrix: {seed: [1, 2], include: [{seed: 1, variant: 1}]}}")[0].startswith("`variant`")
