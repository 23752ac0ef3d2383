"""Whatever a matrix looks like, seeds hang on what its takes ask for."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kfpipe.domain import SEED_MAX, CutFrom, FrameEnd, MediaRole, RenderRequest
from kfpipe.manifest.model import Matrix, Shot
from kfpipe.takes import expand, seeds
from tests.takes.test_fingerprint_laws import requests

names = st.sampled_from(["variant", "mood", "take", "sky"])
values = st.lists(
    st.integers(0, 9) | st.sampled_from(["calm", "wild"]) | st.booleans(), min_size=1, max_size=3, unique_by=str
)
matrices = st.dictionaries(names, values, min_size=1, max_size=3)
free = st.dictionaries(names, st.integers() | st.text(max_size=5) | st.booleans() | st.none(), max_size=3)
ids = st.from_regex(r"[a-z]{1,8}", fullmatch=True)


def seeds_of(request: RenderRequest, shot_id: str, axes: dict[str, list[object]]) -> dict[frozenset[object], int]:
    """The seed of each take of a shot, by the take's values."""
    declared = Matrix(path=("shots", 0, "matrix"), axes={name: tuple(given) for name, given in axes.items()})  # type: ignore[arg-type]
    drafts, findings = expand.drafts(Shot(id=shot_id, path=("shots", 0), matrix=declared))
    assert not findings
    return {
        frozenset((name, str(value)) for name, value in draft.cell.values.items()): seeds.derived(
            request, draft.free_values, ()
        )
        for draft in drafts
    }


@given(requests, ids, ids, matrices, st.randoms())
def test_names_and_orders_leave_all_seeds_alone(
    request: RenderRequest, one: str, other: str, axes: dict[str, list[object]], random: object
) -> None:
    shuffled = [(name, random.sample(given, len(given))) for name, given in axes.items()]  # type: ignore[attr-defined]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert seeds_of(request, one, axes) == seeds_of(request, other, dict(shuffled))


@given(requests, ids, matrices, names)
def test_a_further_value_of_an_axis_leaves_all_other_seeds_alone(
    request: RenderRequest, shot_id: str, axes: dict[str, list[object]], name: str
) -> None:
    name = name if name in axes else next(iter(axes))
    before = seeds_of(request, shot_id, axes)
    after = seeds_of(request, shot_id, {**axes, name: [*axes[name], "another"]})
    assert before.items() <= after.items()


@given(requests, ids, matrices)
def test_takes_of_one_shot_have_seeds_of_their_own(
    request: RenderRequest, shot_id: str, axes: dict[str, list[object]]
) -> None:
    found = seeds_of(request, shot_id, axes)
    assert len(set(found.values())) == len(found)


@given(requests, st.integers(0, SEED_MAX), free)
def test_a_seed_is_one_that_the_service_takes_and_does_not_follow_from_another(
    request: RenderRequest, seed: int, variables: dict[str, str | int | bool | None]
) -> None:
    derived = seeds.derived(request, variables, ())
    assert 0 <= derived <= SEED_MAX
    seeded = replace(request, parameters=replace(request.parameters, seed=seed))
    assert seeds.derived(seeded, variables, ()) == derived


@given(requests, ids, ids, st.sampled_from(FrameEnd), free)
def test_the_name_of_a_source_is_not_part_of_a_seed(
    request: RenderRequest, one: str, other: str, end: FrameEnd, variables: dict[str, str | int | bool | None]
) -> None:
    cuts = ([(MediaRole.LAST_FRAME, CutFrom(take_id=name, end=end))] for name in (one, other))
    assert len({seeds.derived(request, variables, cut) for cut in cuts}) == 1
