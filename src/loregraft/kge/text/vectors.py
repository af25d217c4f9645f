"""Text vectors: two encoders, and the matrix of a graph's entities that one of them read, as a folder.

`questions/` and `entities/` are plain Hugging Face folders; neither needs loregraft.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Float, Float32
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from loregraft.artifact import Json, read_card, writing
from loregraft.encoder.load import Encoder, load_encoder, save_encoder
from loregraft.errors import BadInput, WrongArtifact, did_you_mean
from loregraft.kge.text.encode import encode_texts
from loregraft.kge.text.settings import TextKgeSettings
from loregraft.kge.text.texts import Texts

KIND = "text-vectors"
TENSORS = "vectors.safetensors"
AGAIN = "Train them again with: loregraft kge train-text"


@dataclass(frozen=True)
class TextVectors:
    """What was learnt of a graph's texts.

    Attributes:
        questions: Reads an entity's text with a relation.
        entities: Reads an entity's text.
        matrix: What `entities` made of each entity: a unit vector, or zeros where there is no text.
        graph_key: Of the card of the graph they were trained on.
    """

    questions: Encoder
    entities: Encoder
    matrix: Float[Tensor, "entities dim"]
    texts: Texts
    ids: list[str]
    relation_ids: list[str]
    settings: TextKgeSettings
    graph_key: str

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        counts = f"{len(self):,} entities of {self.matrix.shape[1]} numbers"
        return f"TextVectors({counts}, {len(self.relation_ids):,} relations)"

    def answers(self, text: str, relation: str, *, heads: bool = False) -> Float32[np.ndarray, " entities"]:
        """Give the cosine of every entity as tail of (text, relation, ?) or head of (?, relation, text).

        Args:
            text: Of any entity, be it in the graph or not: name, colon, description.
            relation: Its id.

        Raises:
            BadInput: There is no such relation.
        """
        if relation not in self.relation_ids:
            found = f"there is no relation {relation!r:.60}"
            raise BadInput(Path("vectors"), 0, found, did_you_mean(relation, self.relation_ids))
        side = self.relation_ids.index(relation) + (len(self.relation_ids) if heads else 0)
        question = encode_texts(self.questions, [self.texts.ask(text, side)], self.settings)[0]
        return np.asarray(self.matrix.numpy() @ question)


def save_text_vectors(vectors: TextVectors, folder: Path, key: str, facts: Mapping[str, Json]) -> None:
    """Write text vectors as a folder, whole or not at all.

    Raises:
        CannotWrite: No permission, or the disk is full.
    """
    settings: dict[str, Json] = vectors.settings.model_dump(mode="json")
    parents = {"graph": vectors.graph_key, "encoder": vectors.questions.sha256}
    seed = vectors.settings.seed
    with writing(folder, KIND, key, settings=settings, seed=seed, parents=parents) as (target, told):
        told.update(facts)
        for name, encoder in (("questions", vectors.questions), ("entities", vectors.entities)):
            (target / name).mkdir()
            save_encoder(encoder, target / name, vectors.settings.max_tokens)
        save_file({"entities": vectors.matrix.contiguous()}, target / TENSORS)
        texts = vectors.texts
        for name, ids, own in (
            ("entities", vectors.ids, texts.entities),
            ("relations", vectors.relation_ids, texts.relations),
        ):
            pq.write_table(pa.table({"id": ids, "text": list(own)}), target / f"{name}.parquet")


def open_text_vectors(folder: Path) -> TextVectors:
    """Open a folder of text vectors; the matrix is mapped, not read.

    Raises:
        WrongArtifact: The folder is no text vectors, or is damaged.
    """
    card = read_card(folder, KIND)
    try:
        settings = TextKgeSettings.model_validate(dict(card.settings))
        matrix = load_file(folder / TENSORS)["entities"]
        tables = [pq.read_table(folder / f"{name}.parquet") for name in ("entities", "relations")]
        (ids, texts), (relation_ids, words) = (
            (table["id"].to_pylist(), table["text"].to_pylist()) for table in tables
        )
        questions, entities = (load_encoder(folder / name) for name in ("questions", "entities"))
    except (OSError, ValueError, KeyError, SafetensorError, BadInput) as error:
        raise WrongArtifact(folder, f"cannot be read: {error}", f"{AGAIN}.") from error
    if matrix.shape != torch.Size([len(ids), entities.dim]):
        raise WrongArtifact(folder, "ids and vectors do not fit each other", f"{AGAIN}.")
    key = card.parents.get("graph", "")
    return TextVectors(questions, entities, matrix, Texts(texts, words), ids, relation_ids, settings, key)
