"""Streams of texts, linked by one process or by several."""

import itertools

import pytest

from loregraft.linking.linker import Linker

TEXTS = ["Fever.", "", "Bronchial asthma and fever.", "Nothing.", "Viral infections."] * 5


@pytest.fixture
def saved(tiny_graph, tmp_path):
    folder = tmp_path / "linker"
    Linker.build(tiny_graph).save(folder)
    return Linker.load(folder)


def test_one_process_gives_the_links_of_each_text_in_order(saved):
    assert list(saved.pipe(TEXTS, batch=3)) == saved.links(TEXTS)
    assert list(saved.pipe([])) == []


def test_texts_are_read_as_they_are_needed(saved):
    read = []

    def texts():
        for number in itertools.count():
            read.append(number)
            yield "Fever."

    first = list(itertools.islice(saved.pipe(texts(), batch=4), 2))
    assert len(first) == 2 and len(read) == 4


def test_two_processes_give_the_same_with_what_was_learned_and_set(saved):
    strict = saved.with_settings(overlaps="all")
    assert list(strict.pipe(TEXTS, workers=2, batch=4)) == strict.links(TEXTS)


def test_a_linker_that_was_never_saved_is_piped_too(tiny_graph):
    linker = Linker.build(tiny_graph)
    assert list(linker.pipe(iter(TEXTS), workers=2, batch=10)) == linker.links(TEXTS)


def test_numbers_below_one_are_refused(saved):
    with pytest.raises(ValueError, match="at least 1"):
        list(saved.pipe(TEXTS, workers=0))
