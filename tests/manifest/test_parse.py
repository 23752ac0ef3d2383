"""From a checked document to typed values: defaults, places, and the rules that a schema cannot state."""

from __future__ import annotations

from decimal import Decimal

from kfpipe import catalogue
from kfpipe.domain import MediaRole
from kfpipe.errors import Problem
from kfpipe.manifest import document, schema
from kfpipe.manifest.model import (
    AccountLimits,
    LocalFile,
    Manifest,
    PriceLine,
    PromptFile,
    ProviderName,
    RemoteFile,
    SeedChoice,
    ShotSettings,
)
from kfpipe.manifest.parse import parse_manifest as parse_manifest

HEAD = "kfpipe: 1\nprovider: {name: dashscope}\n"
SHOT = "shots:\n  - {id: kitten, first_frame: a.png, prompt: Up.}\n"


def parse(text: str, *, region: str | None = None, levels_up: int = 0) -> tuple[Manifest, tuple[Problem, ...]]:
    read = document.parse(text, "shots.yaml")
    return parse_manifest(read, schema.check(read), catalogue=catalogue.shipped(), region=region, levels_up=levels_up)


def test_what_a_manifest_leaves_out_has_a_stated_default() -> None:
    parsed, problems = parse(HEAD + SHOT)
    assert not problems
    assert parsed.provider.region.name == "singapore"
    assert parsed.output_dir == "renders"
    assert parsed.limits == AccountLimits()
    assert parsed.budget is None
    shot = parsed.shots[0]
    assert shot.settings == ShotSettings(
        model=None, resolution="720P", duration=5, prompt_extend=False, watermark=False, prompt="Up."
    )
    assert shot.settings.seed is SeedChoice.DERIVED
    assert (shot.settings.attempts, shot.settings.priority, shot.tags, shot.matrix) == (3, 0, (), None)


def test_a_budget_may_bound_all_runs_alone() -> None:
    parsed, problems = parse(f"{HEAD}budget: {{max_total: '99.90', currency: USD}}\n{SHOT}")
    assert not problems
    assert parsed.budget is not None
    assert (parsed.budget.max_cost, parsed.budget.max_total) == (None, Decimal("99.90"))
    assert parsed.max_cost is None


def test_everything_that_is_said_arrives_typed() -> None:
    parsed, problems = parse("""
kfpipe: 1
title: Kitten
provider: {name: dashscope, region: china, workspace: ws-1, account: acme, base_url: "https://ws-1.ap-southeast-1.maas.aliyuncs.com/api/v1/"}
limits: {submissions_per_second: 9}
budget: {max_cost: 12.50, max_total: 200, currency: CNY}
prices: {wan2.7-i2v: {720P: "0.6"}}
output: {dir: ./out//clips}
vars: {sky: evening}
shots:
  - id: kitten
    tags: [hero]
    first_frame: ./frames/../a.png
    last_frame: https://example.com/b.png
    prompt: {file: prompts/kitten.j2}
    seed: random
    attempts: 5
    priority: -1
    matrix: {duration: [5, 6], include: [{duration: 5, mood: calm}], exclude: [{duration: 6}]}
""")
    assert not problems
    assert (parsed.title, parsed.provider.region.name, parsed.provider.workspace) == ("Kitten", "beijing", "ws-1")
    assert parsed.provider.account == "acme"
    assert parsed.provider.base_url == "https://ws-1.ap-southeast-1.maas.aliyuncs.com/api/v1"
    assert parsed.limits == AccountLimits(submissions_per_second=9)
    assert parsed.budget is not None
    assert (parsed.budget.max_cost, parsed.budget.max_total) == (Decimal("12.50"), 200)
    assert parsed.prices == (
        PriceLine(model="wan2.7-i2v", resolution="720P", amount=Decimal("0.6"), path=("prices", "wan2.7-i2v", "720P")),
    )
    assert parsed.output_dir == "out/clips"
    shot = parsed.shots[0]
    assert shot.media[MediaRole.FIRST_FRAME] == LocalFile(path="a.png")
    assert shot.media[MediaRole.LAST_FRAME] == RemoteFile(url="https://example.com/b.png")
    assert shot.settings.prompt == PromptFile(path="prompts/kitten.j2")
    assert shot.settings.seed is SeedChoice.RANDOM
    assert shot.matrix is not None
    assert shot.matrix.axes == {"duration": (5, 6)}
    assert shot.matrix.include == {0: {"duration": 5, "mood": "calm"}}


def test_a_shot_inherits_what_it_does_not_say_and_knows_where_that_stands() -> None:
    parsed, _ = parse(
        HEAD + "defaults: {model: wan2.7-i2v, duration: 6, vars: {sky: day, sea: calm}}\n"
        "shots:\n  - {id: kitten, first_frame: a.png, duration: 7, vars: {sky: night}}\n"
    )
    shot = parsed.shots[0]
    assert (shot.settings.model, shot.settings.duration) == ("wan2.7-i2v", 7)
    assert shot.path_of("model") == ("defaults", "model")
    assert shot.path_of("duration") == ("shots", 0, "duration")
    assert shot.variables == {"sky": "night", "sea": "calm"}


def test_a_broken_shot_leaves_the_others_usable() -> None:
    parsed, _ = parse(HEAD + "shots:\n  - {id: kitten, duration: long}\n  - {id: walk, first_frame: a.png}\n")
    assert [shot.id for shot in parsed.shots] == ["walk"]


def test_nothing_is_said_about_shots_that_rest_on_broken_defaults() -> None:
    parsed, problems = parse(HEAD + "defaults: {duration: long}\n" + SHOT)
    assert not parsed.shots
    assert not problems


def test_a_refused_frame_is_not_taken_for_a_missing_one() -> None:
    parsed, problems = parse(HEAD + "shots:\n  - {id: kitten, first_frame: /a.png, last_frame: b.png}\n")
    assert len(problems) == 1
    assert parsed.shots[0].refused == {"first_frame"}
    assert parsed.shots[0].media == {MediaRole.LAST_FRAME: LocalFile(path="b.png")}


def test_the_levels_between_manifest_and_project_may_be_climbed() -> None:
    text = HEAD + "shots:\n  - {id: kitten, first_frame: ../frames/a.png}\n"
    assert parse(text, levels_up=1)[0].shots[0].media[MediaRole.FIRST_FRAME] == LocalFile(path="../frames/a.png")
    assert parse(text, levels_up=0)[1]


def test_the_emulator_ignores_the_region_and_takes_any_budget() -> None:
    parsed, problems = parse(
        "kfpipe: 1\nprovider: {name: emulator, region: beijing}\nbudget: {max_cost: 1, currency: EUR}\n" + SHOT
    )
    assert not problems
    assert parsed.provider.region.name == "emulator"


def test_the_command_line_can_choose_region_and_emulator() -> None:
    assert parse(HEAD + SHOT, region="beijing")[0].provider.region.currency == "CNY"
    assert parse(HEAD + SHOT, region="emulator")[0].provider.name is ProviderName.EMULATOR


def test_an_unknown_region_of_the_command_line_is_reported_without_a_place() -> None:
    _, problems = parse(HEAD + SHOT, region="singapour")
    assert [(problem.where, problem.position, problem.fix) for problem in problems] == [
        ("--region", None, "did you mean `singapore`?")
    ]


def test_an_unknown_region_raises_no_second_complaint_about_the_currency() -> None:
    _, problems = parse(
        "kfpipe: 1\nprovider: {name: dashscope, region: mars}\nbudget: {max_cost: 1, currency: CNY}\n" + SHOT
    )
    assert len(problems) == 1


def test_shots_share_what_is_equal() -> None:
    shots = "".join(f"  - {{id: s{number}, first_frame: a.png}}\n" for number in range(3))
    parsed, _ = parse(HEAD + "defaults: {model: wan2.7-i2v}\nshots:\n" + shots)
    assert parsed.shots[0].places is parsed.shots[2].places
