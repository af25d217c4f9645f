"""What a row says of a triple is written in one way, however the file spells it."""

import math
from pathlib import Path

import pytest

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.triples import statement
from loregraft.kg.tables.columns import TABLES

ENDS = {"head": "a", "relation": "r", "tail": "b"}


def said(**cells):
    (_, row), *_ = statement(Path("a.tsv"), 3, ENDS | cells)
    return dict(zip(TABLES["triples"], row, strict=False))


@pytest.mark.parametrize("packed", ['{"a":1,"b":"x"}', ' {"a": 1,\n "b": "x"}', {"a": 1, "b": "x"}])
def test_qualifiers(packed):
    assert said(qualifiers=packed)["qualifiers"] == '{"a": 1, "b": "x"}'


@pytest.mark.parametrize("references", ["|PMID:1||PMID:2|", "PMID:1|PMID:2", ["PMID:1", "", "PMID:2"]])
def test_references(references):
    assert said(references=references)["references"] == "PMID:1|PMID:2"


@pytest.mark.parametrize(
    "cells", [{"qualifiers": '{"a": NaN}'}, {"qualifiers": {"a": math.inf}}, {"a": math.nan}]
)
def test_a_number_must_be_finite(cells):
    with pytest.raises(BadInput) as caught:
        said(**cells)
    assert caught.value.line == 3 and caught.value.found.startswith(("the qualifier 'a'", "'qualifiers' is"))
    assert caught.value.fix.startswith(("A qualifier is", "Write an object"))
