"""Whatever the matrix, its takes have names of their own and come out the same each time."""

from __future__ import annotations

import math
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kfpipe import names
from kfpipe.domain import SEED_MAX
from kfpipe.manifest.model import Matrix, Shot
from kfpipe.takes import expand, matrix

values = {
    "seed": st.integers(0, SEED_MAX),
    "resolution": st.sampled_from(["480P", "720P", "1080P"]),
    "watermark": st.booleans(),
    "mood": st.text(max_size=8) | st.integers() | st.booleans() | st.none(),
}
axes = st.fixed_dictionaries(
    {}, optional={name: st.lists(value, min_size=1, max_size=4) for name, value in values.items()}
)
entries = st.lists(st.fixed_dictionaries({}, optional=values).filter(bool), max_size=3)
matrices = st.builds(
    lambda axes, include, exclude: Matrix(
        path=("shots", 0, "matrix"),
        axes={name: tuple(given) for name, given in axes.items()},
        include=dict(enumerate(include)),
        exclude={
            place: {name: value for name, value in entry.items() if name in axes} or {"seed": -1}
            for place, entry in enumerate(exclude)
        },
    ),
    axes,
    entries,
    entries,
)


def drafts(declared: Matrix) -> tuple[expand.Draft, ...]:
    return expand.drafts(Shot(id="kitten", path=("shots", 0), matrix=declared))[0]


@given(matrices)
def test_no_two_takes_share_a_name_even_where_capitals_do_not_count(declared: Matrix) -> None:
    ids = [names.clash_key(draft.id) for draft in drafts(declared)]
    assert len(set(ids)) == len(ids)


@given(matrices)
def test_names_are_safe_as_file_names(declared: Matrix) -> None:
    for draft in drafts(declared):
        assert draft.id.isprintable()
        assert not set(draft.id) & set('/\\:*?"<>| ')
        assert draft.id == unicodedata.normalize("NFC", draft.id)
        assert len(draft.id.encode()) <= names.ID_LIMIT_BYTES


@given(matrices)
def test_expansion_is_the_same_each_time(declared: Matrix) -> None:
    assert drafts(declared) == drafts(declared)


@given(matrices)
def test_a_take_is_numbered_by_its_place(declared: Matrix) -> None:
    made = drafts(declared)
    assert [draft.index for draft in made] == list(range(1, len(made) + 1))
    assert {draft.count for draft in made} <= {len(made)}


@given(matrices)
def test_only_an_include_can_add_to_the_product_of_the_axes(declared: Matrix) -> None:
    product = math.prod(map(len, declared.axes.values())) if declared.axes else 0
    assert len(matrix.cells(declared)) <= product + len(declared.include)


@given(matrices)
def test_an_axis_keeps_its_value_whatever_is_included(declared: Matrix) -> None:
    plain = matrix.cells(Matrix(path=(), axes=declared.axes, exclude=declared.exclude))
    merged = matrix.cells(declared)[: len(plain)]
    for before, after in zip(plain, merged, strict=True):
        assert {name: after.values[name] for name in before.values} == before.values
