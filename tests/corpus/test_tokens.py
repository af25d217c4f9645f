"""Where mentions and words lie among the tokens of a text."""

from loregraft.corpus.tokens import NOWHERE, tokens_of
from loregraft.records import Link, Mention


def link(text: str, words: str, entity: str | None, score: float = 1.0) -> Link:
    start = text.index(words)
    return Link(Mention(start, start + len(words), words), entity, score)


INDEX = {"A": 0, "B": 1, "C": 2}.get


def pieces(encoder, ids):
    return encoder.tokenizer.convert_ids_to_tokens(ids)


def test_a_mention_is_the_tokens_that_lie_in_it(tiny_encoder):
    text = "High temperature and fever"
    (one,) = tokens_of(tiny_encoder.tokenizer, [text], [[link(text, "temperature", "B")]], INDEX, 64)
    (span,) = one.spans
    said = "".join(pieces(tiny_encoder, one.ids[span.first : span.last])).replace("##", "")
    assert said == "temperature" and span.entities == (1,) and span.priors == (1.0,)
    assert one.offsets[0] == NOWHERE == one.offsets[-1]
    assert [text[a:b] for a, b in one.offsets[1:-1]] and one.offsets[span.first][0] == 5


def test_links_of_one_place_are_candidates_the_likeliest_first(tiny_encoder):
    text = "fever"
    links = [link(text, "fever", "A", 0.2), link(text, "fever", "C", 0.7), link(text, "fever", "A", 0.9)]
    (one,) = tokens_of(tiny_encoder.tokenizer, [text], [links], INDEX, 64)
    assert [(span.entities, span.priors) for span in one.spans] == [((2, 0), (0.7, 0.2))]


def test_what_is_not_used_is_counted(tiny_encoder):
    text = "fever and a rash"
    links = [link(text, "fever", None), link(text, "fever", "gone"), link(text, "rash", "A")]
    (one,) = tokens_of(tiny_encoder.tokenizer, [text], [links], INDEX, 3)
    assert one.cut and one.lost == 2 and not one.spans  # the graph has no "gone"; "rash" was cut off


def test_words_are_the_tokenizers_and_each_chinese_character(tiny_encoder):
    (one,) = tokens_of(tiny_encoder.tokenizer, ["temperature 发热"], [[]], INDEX, 64)
    assert one.words[0] == one.words[-1] == -1
    inner = one.words[1:-1]
    assert inner == sorted(inner) and len(set(inner)) == 3


def test_nothing_of_nothing(tiny_encoder):
    assert tokens_of(tiny_encoder.tokenizer, [], [], INDEX, 64) == []
