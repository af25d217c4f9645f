"""PyKEEN: the state of a model, in the folder of a `TriplesFactory` that has the ids and no triple.

PyKEEN keeps real and imaginary part of a number side by side, and RotatE's relations as complex numbers of
modulus 1. Its relations asked backwards follow each its own: r, r backwards, s, s backwards.
"""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from loregraft.artifact import fingerprint, writing
from loregraft.errors import BadInput, did_you_mean
from loregraft.kge.exchange.foreign import Foreign, check_count, check_rows, check_widths
from loregraft.kge.exchange.ids import BREAKING, escaped, read_numbered, said_of_escapes
from loregraft.kge.exchange.state import FIX, read_state
from loregraft.kge.exchange.told import Told, counts
from loregraft.kge.scorers.rotate import turn
from loregraft.kge.scorers.scorer import halves
from loregraft.kge.vectors import Vectors

STATE = "state.pt"
FACTORY = "base.pth"
ENTITIES = "entity_representations.0._embeddings.weight"
RELATIONS = "relation_representations.0._embeddings.weight"
HEADER = ("id", "label")
MODULUS_ROOM = 1e-3
"""How far from 1 the modulus of a RotatE relation may be."""

MODELS = {
    "transe": "TransE(scoring_fct_norm=2, embedding_dim={dim}, ...)",
    "transe_l1": "TransE(scoring_fct_norm=1, embedding_dim={dim}, ...)",
    "distmult": "DistMult(regularizer=None, embedding_dim={dim}, ...)",
    "rescal": "RESCAL(embedding_dim={dim}, ...)",
    "hole": "HolE(embedding_dim={dim}, ...)",
    "complex": "ComplEx(regularizer=None, embedding_dim={half}, ...)",
    "rotate_l2": "RotatE(embedding_dim={half}, ...)",
}
"""Scorers whose scores PyKEEN gives too, and how the model is made there.

Not `rotate`: PyKEEN's RotatE takes the length of the whole difference, whatever norm it is given.
"""
COMPLEX = ("complex", "rotate_l2")


def write_pykeen(vectors: Vectors, path: Path) -> Told:
    """Write `state.pt` and what `TriplesFactory.from_path_binary` reads: the ids, and no triple.

    Reciprocal relations are kept, as those of a factory with `create_inverse_triples`.

    Raises:
        BadInput: PyKEEN has no model that scores as these vectors do.
    """
    model, tables = vectors.settings.model, vectors.tables
    how = _made(model, path)
    entities, relations = tables.entities.values, tables.relations.values
    if model in COMPLEX:
        entities, relations = _beside(entities), _beside(turn(relations) if model != "complex" else relations)
    if tables.reciprocal:
        relations = torch.stack(relations.chunk(2), 1).flatten(0, 1)
    key = fingerprint("exported", "pykeen", vectors.settings.model_dump(mode="json"), vectors.graph_key)
    notes: list[str] = []
    with writing(path, "exported", key, parents={"graph": vectors.graph_key}) as (building, facts):
        facts["format"] = "pykeen"
        torch.save({ENTITIES: entities.clone(), RELATIONS: relations.clone()}, building / STATE)
        for what, ids in {"entity": vectors.ids, "relation": vectors.relation_ids}.items():
            written = escaped(ids, BREAKING)
            notes += said_of_escapes(ids, written, "entities" if what == "entity" else "relations")
            _write_ids(building / f"{what}_to_id.tsv.gz", written)
        _write_factory(building, vectors)
    dim = tables.entities.values.shape[1]
    told = counts(vectors) | ({"relations backwards": len(vectors.relation_ids)} if tables.reciprocal else {})
    return Told(told, [*notes, f"in PyKEEN: {how.format(dim=dim, half=dim // 2)}", *_loading(model)])


def _made(model: str, path: Path) -> str:
    if model not in MODELS:
        said = f"PyKEEN has no model that scores as {model} does, or keeps it in another way"
        raise BadInput(
            path, 0, said, f"What can be taken over: {', '.join(MODELS)}. {did_you_mean(model, MODELS)}"
        )
    return MODELS[model]


def _loading(model: str) -> list[str]:
    strict = ", strict=False" if model == "rescal" else ""
    factory = "with triples_factory=TriplesFactory.from_path_binary(FOLDER)"
    return [factory, f"then model.load_state_dict(torch.load('{STATE}'){strict})"]


def _beside(x: Tensor) -> Tensor:
    """Put real and imaginary part of each number side by side."""
    return torch.stack(halves(x), -1).flatten(1)


def _apart(x: Tensor) -> Tensor:
    """Put real parts first."""
    return torch.cat([x[:, ::2], x[:, 1::2]], 1)


def _write_ids(path: Path, ids: Sequence[str]) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(enumerate(ids))


def _write_factory(folder: Path, vectors: Vectors) -> None:
    sizes = {"num_entities": len(vectors), "num_relations": len(vectors.relation_ids)}
    state = {**sizes, "create_inverse_triples": vectors.tables.reciprocal, "metadata": {}}
    torch.save(state, folder / FACTORY)
    with gzip.open(folder / "numeric_triples.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("head\trelation\ttail\n")


def read_pykeen(folder: Path, model: str) -> Foreign:
    """Read the state of a PyKEEN model, with the tables of ids of its `TriplesFactory` beside it.

    The tables may be in `training_triples/`, where PyKEEN's pipeline saves them.

    Raises:
        BadInput: A file is missing or is not what it should be.
    """
    _made(model, folder)
    path = _state_file(folder)
    entities, relations = _tables(read_state(path), path)
    id_files = [_ids_file(folder, what) for what in ("entity", "relation")]
    ids, relation_ids = (read_numbered(file, HEADER) for file in id_files)
    check_rows(entities, path, "entities")
    check_rows(relations, path, "relations")
    check_count(entities, ids, path, "entities")
    if len(relations) == 2 * len(relation_ids):
        relations = torch.cat([relations[::2], relations[1::2]])
    else:
        check_count(relations, relation_ids, path, "relations")
    if model in COMPLEX:
        entities, relations = _numbers(entities, path), _numbers(relations, path)
    if model == "rotate_l2":
        relations = _angles(relations, path)
    check_widths(entities, relations, path, model)
    return Foreign(ids, relation_ids, entities, relations, [path, *id_files])


def _state_file(folder: Path) -> Path:
    found = sorted(path for end in ("pt", "pth") for path in folder.glob(f"*.{end}") if path.name != FACTORY)
    if len(found) == 1:
        return found[0]
    if not found and (folder / "trained_model.pkl").exists():
        said = "a whole model is a pickle, which may run anything, and is not opened"
        raise BadInput(folder / "trained_model.pkl", 0, said, FIX)
    said = f"there are {len(found)} files .pt or .pth that may be the state of the model, and one is needed"
    raise BadInput(folder, 0, said, FIX)


def _ids_file(folder: Path, what: str) -> Path:
    name = f"{what}_to_id.tsv.gz"
    for path in (folder / name, folder / "training_triples" / name):
        if path.is_file():
            return path
    fix = "In PyKEEN, write it with: training.to_path_binary(FOLDER)."
    raise BadInput(folder, 0, f"there is no {name}", fix)


def _tables(state: dict[str, Tensor], path: Path) -> tuple[Tensor, Tensor]:
    """Give the two tables of a state, and refuse one of a model with more."""
    tables = {key: value for key, value in state.items() if ".regularizer." not in key}
    for key in (ENTITIES, RELATIONS):
        if key not in tables:
            said = f"the state has no {key}; it has {', '.join(sorted(tables)[:4]) or 'nothing'}"
            raise BadInput(path, 0, said, "Name the model that it is the state of.")
    if more := sorted(set(tables) - {ENTITIES, RELATIONS}):
        said = f"the state has {more[0]} too, and {len(more)} such in all: it is of a model with more tables"
        raise BadInput(path, 0, said, f"Models that can be taken over: {', '.join(MODELS)}.")
    parts = (tables[key] for key in (ENTITIES, RELATIONS))
    first, second = (part.detach().float() if part.is_floating_point() else part for part in parts)
    return first, second


def _numbers(table: Tensor, path: Path) -> Tensor:
    if table.shape[1] % 2:
        said = f"rows of {table.shape[1]} numbers are no complex vectors"
        raise BadInput(path, 0, said, "Name the model that it is the state of.")
    return _apart(table)


def _angles(relations: Tensor, path: Path) -> Tensor:
    """Give the phases of numbers of modulus 1."""
    real, imaginary = halves(relations)
    wrong = (torch.hypot(real, imaginary) - 1).abs().amax(1) > MODULUS_ROOM
    if wrong.any():
        said = f"{int(wrong.sum()):,} relations are no rotations: their numbers have another modulus than 1"
        raise BadInput(path, 0, said, "Name the model that it is the state of; this may be complex.")
    return torch.atan2(imaginary, real)
