"""Token ids and buckets: nothing lost, nothing twice, cuts counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.encoder.load import load_encoder
from loregraft.encoder.tokenize import LENGTH_STEP, TokenizedTexts

TEXTS = ["", "fever", "Headache and fever", "发热", "a recurrent pain in one half of the head " * 5]


@pytest.fixture(scope="module")
def encoder(tiny_encoder_folder):
    return load_encoder(tiny_encoder_folder)


def of_lengths(lengths):
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenizedTexts(np.arange(1, starts[-1] + 1, dtype=np.int32), starts, padding_id=0, cut=0)


def test_ids_are_those_of_the_tokenizer(encoder):
    tokens = encoder.tokenize(TEXTS, 64)
    assert len(tokens) == len(TEXTS)
    for number, text in enumerate(TEXTS):
        expected = encoder.tokenizer(text, truncation=True, max_length=64)["input_ids"]
        assert tokens.text(number).tolist() == expected
        assert tokens.lengths[number] == len(expected)
    assert tokens.padding_id == encoder.tokenizer.pad_token_id


def test_cut_texts_are_counted(encoder):
    """With two special tokens, max_tokens 4 leaves two words: "fever" fits and the last text does not."""
    words = ["fever", "fever fever", "fever fever fever", "fever " * 300]
    assert [encoder.tokenize([text], 4).cut for text in words] == [0, 0, 1, 1]
    assert encoder.tokenize(words, 4).cut == 2
    assert encoder.tokenize(words, 4).lengths.tolist() == [3, 4, 4, 4]
    assert encoder.tokenize(words[:3], 512).cut == 0


def test_no_texts(encoder):
    tokens = encoder.tokenize([], 8)
    assert len(tokens) == 0 and tokens.cut == 0
    assert list(tokens.buckets(np.zeros(0, np.int64))) == []


def test_bucket_worked_example():
    """Texts of 3, 1 and 5 tokens, two to a bucket: two of width 4, then one of width 8."""
    first, second = of_lengths([3, 1, 5]).buckets(np.array([2, 0, 1]), rows=2)
    assert first.rows.tolist() == [2, 1]  # counted within the array that was given
    assert first.input_ids.tolist() == [[4, 0, 0, 0], [1, 2, 3, 0]]
    assert first.mask.tolist() == [[True, False, False, False], [True, True, True, False]]
    assert second.rows.tolist() == [0]
    assert second.input_ids.tolist() == [[5, 6, 7, 8, 9, 0, 0, 0]]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=30).flatmap(
        lambda lengths: st.tuples(
            st.just(lengths), st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=30)
        )
    ),
    st.integers(1, 8),
)
def test_buckets_hold_each_text_once(lengths_and_chosen, rows):
    lengths, chosen = lengths_and_chosen
    tokens, texts = of_lengths(lengths), np.array(chosen, np.int64)
    seen = []
    for bucket in tokens.buckets(texts, rows):
        assert len(bucket.rows) <= rows
        assert bucket.input_ids.shape[1] % LENGTH_STEP == 0
        assert (bucket.input_ids[~bucket.mask] == tokens.padding_id).all()
        for row, ids, mask in zip(bucket.rows.tolist(), bucket.input_ids, bucket.mask, strict=True):
            assert ids[mask].tolist() == tokens.text(int(texts[row])).tolist()
            seen.append(row)
    assert sorted(seen) == list(range(len(texts)))
    assert np.all(np.diff(tokens.lengths[texts[seen]]) >= 0)  # shortest first
