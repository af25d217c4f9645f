"""Fixtures for all rooms: small, made up, nothing is downloaded."""

from pathlib import Path

import pytest

from loregraft.encoder.load import Encoder, load_encoder
from loregraft.kg.columns import Columns
from loregraft.kg.graph import KnowledgeGraph

NAMES = [
    ("P:1", "Fever", "preferred", "en"),
    ("P:1", "Pyrexia", "exact", "en"),
    ("P:1", "High temperature", "lay", "en"),
    ("P:1", "发热", "exact", "zh"),
    ("P:2", "Cephalalgia", "preferred", "en"),
    ("P:2", "Headache", "lay", "en"),
    ("P:2", "HA", "abbreviation", "en"),
    ("P:3", "Migraine", "preferred", "en"),
    ("P:3", "Throbbing headache on one side", "lay", "en"),
    ("P:4", "Dyspnea", "preferred", "en"),
    ("P:4", "Trouble breathing", "lay", "en"),
    ("P:4", "Breathing difficulty", "exact", "en"),
    ("P:5", "Exanthem", "preferred", "en"),
    ("P:5", "Rash", "lay", "en"),
    ("P:5", "Skin lesion", "broad", "en"),
    ("P:6", "Fatigue", "preferred", "en"),
    ("P:6", "Tiredness", "lay", "en"),
    ("P:6", "Weakness", "related", "en"),
    ("D:1", "Rubeola", "preferred", "en"),
    ("D:1", "Measles", "exact", "en"),
    ("D:2", "Influenza", "preferred", "en"),
    ("D:2", "Flu", "lay", "en"),
    ("D:2", "Swine influenza", "narrow", "en"),
    ("D:3", "Bronchial asthma", "preferred", "en"),
    ("D:3", "Asthma", "exact", "en"),
    ("D:4", "Viral infection", "preferred", "en"),
    ("G:1", "IFNG", "preferred", "en"),
    ("G:1", "Interferon gamma", "exact", "en"),
    ("G:2", "ADRB2", "preferred", "en"),
]
DESCRIPTIONS = {
    "P:1": "A body temperature above the normal range. It often comes with chills.",
    "P:2": "Pain felt in any part of the head.",
    "P:3": "A recurrent pain in one half of the head. Light makes it worse.",
    "P:4": "A feeling of not getting enough air.",
    "P:5": "A change of the skin that spreads over the body.",
    "D:1": "A very contagious viral disease of childhood.",
    "D:2": "A viral disease of the airways that comes each winter.",
    "D:3": "A long-lasting inflammation of the airways.",
}
TRIPLES = [
    ("P:3", "is_a", "P:2", False),
    ("D:1", "is_a", "D:4", False),
    ("D:2", "is_a", "D:4", False),
    ("D:1", "has_phenotype", "P:1", False),
    ("D:1", "has_phenotype", "P:5", False),
    ("D:2", "has_phenotype", "P:1", False),
    ("D:2", "has_phenotype", "P:2", False),
    ("D:2", "has_phenotype", "P:6", False),
    ("D:2", "has_phenotype", "P:5", True),
    ("D:3", "has_phenotype", "P:4", False),
    ("G:1", "associated_with", "D:1", False),
    ("G:2", "associated_with", "D:3", False),
]
TYPES = {"P": "phenotype", "D": "disease", "G": "gene"}


def tiny_columns() -> list[Columns]:
    """Give the tiny graph as a reader would: 12 entities, 29 names, 8 descriptions, 12 triples."""
    ids = list(dict.fromkeys(row[0] for row in NAMES))
    entity, name, kind, language = (list(column) for column in zip(*NAMES, strict=True))
    head, relation, tail, negated = (list(column) for column in zip(*TRIPLES, strict=True))
    reference = [f"PMID:{number}" for number in range(len(TRIPLES))]
    return [
        Columns("entities", {"id": ids, "type": [TYPES[id[0]] for id in ids]}),
        Columns("names", {"entity": entity, "name": name, "kind": kind, "language": language}),
        Columns("descriptions", {"entity": list(DESCRIPTIONS), "text": list(DESCRIPTIONS.values())}),
        Columns(
            "triples",
            {"head": head, "relation": relation, "tail": tail, "negated": negated, "reference": reference},
        ),
        Columns("attributes", {"entity": ["D:1", "D:2"], "property": ["xref"] * 2, "value": ["X:7", "X:8"]}),
    ]


@pytest.fixture
def tiny_graph() -> KnowledgeGraph:
    """Twelve entities with names of all kinds, descriptions, and triples, one of them negated."""
    return KnowledgeGraph.gather(tiny_columns(), source="tiny")


@pytest.fixture(scope="session")
def tiny_encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 2 layers, hidden 32, random weights, with a WordPiece tokenizer of the fixture's names."""
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    texts = [name for _, name, _, _ in NAMES] + list(DESCRIPTIONS.values())
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    folder = tmp_path_factory.mktemp("tiny_encoder")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=160,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture
def tiny_encoder(tiny_encoder_folder: Path) -> Encoder:
    """The encoder of `tiny_encoder_folder`, loaded anew, so that a test may train it."""
    return load_encoder(tiny_encoder_folder)
