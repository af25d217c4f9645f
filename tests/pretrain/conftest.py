"""What tests of objectives share: the tiny encoder in training, and an objective on texts linked by words."""

import pytest
import torch

from loregraft.corpus.corpus import read_corpus
from loregraft.pretrain.make import OBJECTIVES, make_objective
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link, Mention


@pytest.fixture
def trunk(tiny_encoder):
    return Trunk(tiny_encoder)


@pytest.fixture
def objective_on():
    """`objective_on(meant, name, trunk, knowledge, texts=..., **settings)`: words of texts mean entities."""

    def made(meant, name, trunk, knowledge, *, texts, **settings):
        torch.manual_seed(0)
        links = [
            [
                Link(Mention(text.index(words), text.index(words) + len(words), words), entity, 1.0)
                for words, entity in meant.items()
                if words in text
            ]
            for text in texts
        ]
        corpus = read_corpus(texts, links, trunk.encoder.tokenizer, knowledge.index)
        return make_objective(name, trunk, corpus, knowledge, OBJECTIVES[name].settings(**settings))

    return made
