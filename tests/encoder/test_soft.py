"""Tokens put into a text that it does not see: which families can, found out by trying."""

import pytest

from loregraft.encoder.soft import soft_offset

IDS = [2, *range(5, 65), 3]
OFFSETS = {
    **dict.fromkeys(["bert", "distilbert", "albert", "electra", "modernbert"], 0),
    **dict.fromkeys(["roberta", "xlm-roberta"], 1),
    **dict.fromkeys(["mpnet", "deberta-v2"]),
}


def test_who_can_and_where_positions_start(family, hosted):
    """MPNet and DeBERTa count distances by the place in the row, whatever positions are given."""
    model, _ = hosted
    training = model.train().training
    assert soft_offset(model, IDS, 0) == OFFSETS[family] and model.training == training


def test_who_looks_only_so_far_is_found_out_by_a_longer_text(family, hosted):
    if family != "modernbert":
        pytest.skip("the other families look everywhere")
    model, _ = hosted
    assert soft_offset(model, [2, *range(5, 145), 3], 0) is None
