"""The table of mutations fits the code and its tests."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.mutations.mutation import Mutation, OutOfDate
from tests.mutations.table import MUTATIONS
from tests.support.places import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_every_mutation_fits_its_file_and_its_tests_exist(mutation: Mutation) -> None:
    ast.parse(mutation.applied((ROOT / mutation.file).read_text("utf-8")))
    assert mutation.old != mutation.new
    for test in mutation.tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("text", ["", "pass\npass\n"], ids=["gone", "twice"])
def test_a_text_that_is_not_there_just_once_is_out_of_date(text: str) -> None:
    mutation = Mutation(name="m", file="kfpipe/m.py", old="pass", new="return", tests=())
    with pytest.raises(OutOfDate):
        mutation.applied(text)


def test_names_are_unique() -> None:
    assert max(Counter(mutation.name for mutation in MUTATIONS).values()) == 1
