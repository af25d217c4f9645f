"""How deep triple terms nest, whatever texts they stand in and wherever a chunk ends."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.readers.rdf.guard import MAX_DEPTH, Depth

DEEP = b"<<( " * (MAX_DEPTH + 1)
PIECES = [b'"""', b"'''", b'"', b"'", b"\\", b"a", b"\n", b"<x>", b"# ", b"<<(", b")>>"]


def refused(*chunks):
    depth = Depth(Path("a"))
    try:
        for chunk in chunks:
            depth.look(chunk, 1)
    except BadInput:
        return True
    return False


@pytest.mark.parametrize(
    "text",
    [
        b'"%s"', b'"""\n%s\n"""', b"'''\n%s\n'''", b"# %s", b"'%s'", b'"""a\\"""%s"""', b'"""a""%s"""',
        b'"a\\"%s"',
    ],
)  # fmt: skip
def test_texts_nest_nothing(text):
    whole = text % DEEP
    assert not refused(whole) and refused(whole + b"\n" + DEEP)
    for cut in range(1, len(text)):
        assert refused(whole[:cut], whole[cut:] + b"\n" + DEEP), cut


def test_what_comes_after_a_long_text_of_another_chunk_counts():
    assert refused(b'<a> <b> """\n', b"text\n" * 10, b'""" .\n<a> <b> ' + DEEP)
    assert refused(b'<a> <b> """x\\', b'"""\n', b'""" .\n<a> <b> ' + DEEP)
    assert refused(b"x:a\\' x:b " + DEEP + b"x:c\\'")
    assert refused(b"<http://x/\\u0041'> <b> " + DEEP + b"<c'>")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.data())
def test_a_chunk_may_end_anywhere(pieces, data):
    text = b"".join(pieces)
    cut = data.draw(st.integers(0, len(text)))
    both, whole = Depth(Path("a")), Depth(Path("a"))
    whole.look(text + b"\n", 1)
    both.look(text[:cut], 1)
    both.look(text[cut:] + b"\n", 1)
    assert both._depth == whole._depth
