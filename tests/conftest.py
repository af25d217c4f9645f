"""Fixtures for all rooms: small, made up, nothing is downloaded."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from loregraft.encoder.load import Encoder, load_encoder
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.records import Link, Mention

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
            {"head": head, "relation": relation, "tail": tail, "negated": negated, "references": reference},
        ),
        Columns("attributes", {"entity": ["D:1", "D:2"], "property": ["xref"] * 2, "value": ["X:7", "X:8"]}),
    ]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """What a test draws without a seed of its own is the same each time."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def tiny_graph() -> KnowledgeGraph:
    """Twelve entities with names of all kinds, descriptions, and triples, one of them negated."""
    return KnowledgeGraph.gather(tiny_columns(), source="tiny")


@pytest.fixture
def polar_graph() -> KnowledgeGraph:
    """The tiny graph, in which some entities have a polarity, as words of a lexicon do."""
    ids = ["D:1", "P:1", "P:5", "D:2"]
    values = ["-2", "-1", "1", "-3"]
    polar = Columns("attributes", {"entity": ids, "property": ["polarity"] * 4, "value": values})
    return KnowledgeGraph.gather([*tiny_columns(), polar], source="tiny")


@pytest.fixture(scope="session")
def tiny_encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 2 layers, hidden 32, random weights, with a WordPiece tokenizer of the fixture's names."""
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    lower, split = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    texts = [name for _, name, _, _ in NAMES] + list(DESCRIPTIONS.values())
    normal = [lower.normalize_str(text) for text in texts]
    # Not a trainer of tokenizers: its pieces differ from process to process.
    words = sorted({word for text in normal for word, _ in split.pre_tokenize_str(text)})
    letters = sorted({letter for word in words for letter in word} | set("abcdefghijklmnopqrstuvwxyz"))
    starts = [word[: (len(word) + 1) // 2] for word in words]
    ends = [f"##{word[len(start) :]}" for word, start in zip(words, starts, strict=True) if word != start]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letter_pieces = [*letters, *(f"##{letter}" for letter in letters)]
    pieces = dict.fromkeys([*special, *letter_pieces, *starts, *ends, *words])
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = lower, split
    tokenizer.decoder = decoders.WordPiece()
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


# Nine families of encoders, tiny and random: what any encoder must do, all must.

POSITIONS = 160
_COMMON = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
}
_DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": POSITIONS}
_RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
_SPECIAL = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertConfig", _COMMON),
    "roberta": ("RobertaConfig", _COMMON),
    "distilbert": ("DistilBertConfig", {**_DISTILBERT, "pad_token_id": 0}),
    "albert": ("AlbertConfig", {**_COMMON, "embedding_size": 16}),
    "electra": ("ElectraConfig", {**_COMMON, "embedding_size": 16}),
    "mpnet": ("MPNetConfig", _COMMON),
    "deberta-v2": ("DebertaV2Config", {**_COMMON, **_RELATIVE}),
    "modernbert": ("ModernBertConfig", {**_COMMON, **_SPECIAL}),
    "xlm-roberta": ("XLMRobertaConfig", _COMMON),
}


def save_family(family: str, tokenizer_folder: Path, folder: Path) -> Path:
    """Write a random encoder of a family, with a copy of the tokenizer of a folder."""
    import torch
    import transformers

    folder.mkdir()
    for path in tokenizer_folder.glob("tokenizer*"):
        shutil.copy(path, folder)
    name, options = FAMILIES[family]
    vocabulary = len(transformers.AutoTokenizer.from_pretrained(folder))
    torch.manual_seed(0)
    config = getattr(transformers, name)(vocab_size=vocabulary, **options)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def family_folders(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_folder: Path) -> dict[str, Path]:
    """A folder with a tiny random encoder for each family."""
    root = tmp_path_factory.mktemp("families")
    return {family: save_family(family, tiny_encoder_folder, root / family) for family in FAMILIES}


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    """The name of a family."""
    return str(request.param)


@pytest.fixture
def hosted(family: str, family_folders: dict[str, Path]) -> tuple[Any, Any]:
    """A family's model, loaded anew, in evaluation mode, and its tokenizer."""
    from transformers import AutoModel, AutoTokenizer

    folder = family_folders[family]
    return AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


# Linked texts, and what the tiny graph knows.

LINKED = [
    (
        "Measles comes with a rash and a high temperature",
        {"Measles": "D:1", "rash": "P:5", "high temperature": "P:1"},
    ),
    ("nothing is known of this", {}),
    ("flu", {"flu": "D:2"}),
]


@pytest.fixture
def linked_texts() -> tuple[list[str], list[list[Link]]]:
    """Three texts with three links, none, and one."""
    links = []
    for text, meant in LINKED:
        mentions = [Mention(text.index(words), text.index(words) + len(words), words) for words in meant]
        links.append([Link(m, entity, 0.9) for m, entity in zip(mentions, meant.values(), strict=True)])
    return [text for text, _ in LINKED], links


@pytest.fixture
def knowledge(tiny_graph: KnowledgeGraph, tiny_encoder: Encoder) -> Any:
    """The tiny graph, random vectors of its entities, and the tiny encoder."""
    from loregraft.fusion.knowledge import Knowledge
    from loregraft.kge.settings import KgeSettings
    from loregraft.kge.tables import Tables
    from loregraft.kge.vectors import Vectors

    settings = KgeSettings(model="transe", dim=8)
    tables = Tables.start(len(tiny_graph), len(tiny_graph.relation_ids), settings)
    vectors = Vectors(tables, tiny_graph.ids, tiny_graph.relation_ids, settings, "")
    return Knowledge(tiny_graph, vectors, tiny_encoder)


# A whole job, and the command line to run it with.

RECIPE = """\
name: Small world
out: out
threads: 1
encoder:
  path: encoder
graph:
  sources:
    - path: names.tsv
    - path: triples.tsv
vectors:
  model: distmult
  dim: 8
  epochs: 3
  workers: 1
pretrain:
  steps: 6
  batch: 16
evaluate:
  held_out: 0.2
  resamples: 200
"""


def write_small_world(folder: Path, encoder: Path) -> Path:
    """Write names.tsv, triples.tsv, encoder/ and recipe.yaml: 120 concepts with names of random words.

    Some lay names share a word with the preferred one; each definition mentions another concept.
    """
    random, words = Random(0), iter(_random_words())
    concepts = [f"C:{number:03}" for number in range(120)]
    preferred = [f"{next(words)} {next(words)}".capitalize() for _ in concepts]
    rows = ["id\tname\tkind\tdescription"]
    for number, (concept, name) in enumerate(zip(concepts, preferred, strict=True)):
        description = f"A {next(words)} that is near {random.choice(preferred)} and {next(words)}. It lasts."
        rows.append(f"{concept}\t{name}\tpreferred\t{description}")
        lay = next(words) if number % 3 else f"{next(words)} {name.split()[1]}"
        others = [(lay, "lay"), (f"{next(words)} {next(words)}", "exact"), (next(words), "exact")]
        rows += [f"{concept}\t{other}\t{kind}\t" for other, kind in others[: 2 + number % 2]]
    triples = [f"{concept}\tis_a\t{random.choice(concepts[:20])}" for concept in concepts[20:]]
    triples += [f"{concept}\tnear\t{random.choice(concepts)}" for concept in concepts]
    for name, lines in (("names.tsv", rows), ("triples.tsv", triples)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    shutil.copytree(encoder, folder / "encoder")
    return folder


def _random_words() -> list[str]:
    """Make words of two to four syllables, no two alike."""
    random = Random(1)
    words = ("".join(random.choices(_SYLLABLES, k=random.randint(2, 4))) for _ in range(4_000))
    return list(dict.fromkeys(words))


_SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstv" for vowel in "aeiou"]


@pytest.fixture
def small_world(tmp_path: Path, tiny_encoder_folder: Path) -> Path:
    """A folder with recipe.yaml and all that it names; a whole run takes a second or two."""
    return write_small_world(tmp_path, tiny_encoder_folder)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_folder: Path) -> Path:
    """A small world after one run by the real command; nobody may change it."""
    folder = write_small_world(tmp_path_factory.mktemp("finished"), tiny_encoder_folder)
    command = [sys.executable, "-m", "loregraft", "run", "recipe.yaml"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    (folder / "stdout").write_text(ran.stdout, encoding="utf-8")
    (folder / "stderr").write_text(ran.stderr, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.fixture
def finished_world(tmp_path: Path, _finished: Path) -> Path:
    """A copy of a small world in which `python -m loregraft run recipe.yaml` has ended well.

    What it printed lies beside the recipe in stdout and stderr.
    """
    return Path(shutil.copytree(_finished, tmp_path / "finished"))


@dataclass
class Ended:
    """What a command left: its exit code (minus the signal that ended it) and what it said."""

    code: int
    out: str
    err: str


@dataclass
class Started:
    """A command that runs."""

    process: int
    folder: Path
    wait_for: Callable[["Started"], Ended]

    @property
    def err(self) -> str:
        return (self.folder / "stderr").read_text(encoding="utf-8", errors="replace")

    def until(self, text: str, timeout_s: float = 60) -> bool:
        """Wait for a text on stderr; False if the command ended without saying it."""
        deadline = time.monotonic() + timeout_s
        while text not in self.err:
            if not Path(f"/proc/{self.process}/cmdline").read_bytes():  # a zombie has none
                return text in self.err
            assert time.monotonic() < deadline, self.err
            time.sleep(0.002)
        return True

    def end(self, signal_number: int = 0) -> Ended:
        """Send a signal, if one is given, and wait for the end."""
        if signal_number:
            os.kill(self.process, signal_number)
        return self.wait_for(self)


class Commands:
    """Runs `loregraft ...` as processes of their own, forked from a warm one (see cli/forks.py)."""

    def __init__(self, folder: Path) -> None:
        alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # no threads before the forks
        command = [sys.executable, str(Path(__file__).parent / "cli" / "forks.py")]
        self.server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **alone}
        )
        self._folder, self._count = folder, 0

    def start(self, *arguments: object, cwd: Path, file_bytes: int | None = None) -> Started:
        """Start a command in a folder; `file_bytes` limits every file it writes, like a full disk."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        request = {"cwd": str(cwd), "arguments": [str(argument) for argument in arguments]}
        request |= {"file_bytes": file_bytes}
        request |= {name: str(folder / name) for name in ("stdout", "stderr")}
        (folder / "stderr").touch()
        return Started(self._ask({"start": request}), folder, self._wait_for)

    def run(self, *arguments: object, cwd: Path, file_bytes: int | None = None) -> Ended:
        """Run a command to its end."""
        return self.start(*arguments, cwd=cwd, file_bytes=file_bytes).end()

    def _wait_for(self, started: Started) -> Ended:
        code = self._ask({"wait": started.process})
        out, err = (
            (started.folder / name).read_bytes().decode("utf-8", "replace") for name in ("stdout", "stderr")
        )
        return Ended(code, out, err)

    def _ask(self, request: dict[str, object]) -> int:
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """The command line: `commands.run("verify", "out/model", cwd=folder)`."""
    made = Commands(tmp_path_factory.mktemp("commands"))
    yield made
    made.server.kill()
    made.server.communicate()
