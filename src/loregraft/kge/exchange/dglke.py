"""DGL-KE: `<dataset>_<MODEL>_entity.npy` and `_relation.npy`, beside tables of ids and `config.json`.

Complex numbers stand as ours do, real parts first. Angles of RotatE are kept times (gamma + 2) / (dim pi), so
that gamma is needed to read them.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from loregraft.artifact import Json, fingerprint, writing
from loregraft.disk import write_json
from loregraft.errors import BadInput, did_you_mean
from loregraft.kge.exchange.foreign import Foreign, check_count, check_rows, check_widths
from loregraft.kge.exchange.ids import BREAKING, escaped, read_numbered, said_of_escapes
from loregraft.kge.exchange.told import Told, counts, said_of_backwards
from loregraft.kge.vectors import Vectors

DATASET = "graph"
EPSILON = 2.0
GAMMA = 0.0
"""Scores are gamma less a length. With 0 they are ours, and `dglke_predict`, which takes 0 for raw scores
whatever the training had, reads the angles right."""
CONFIG = "config.json"
MODELS = {
    "transe": "TransE_l2",
    "transe_l1": "TransE_l1",
    "distmult": "DistMult",
    "complex": "ComplEx",
    "rescal": "RESCAL",
    "rotate": "RotatE",
    "simple": "SimplE",
}
"""Scorer -> DGL-KE's name. Its TransR sums absolute values, ours takes the length."""
ALSO = {"transe": ("TransE_l2", "TransE")}
"""Further names that DGL-KE has for one of them."""


def write_dglke(vectors: Vectors, path: Path) -> Told:
    """Write the two matrices, `entities.tsv`, `relations.tsv` and `config.json`.

    Raises:
        BadInput: DGL-KE has no model that scores as these vectors do.
    """
    model, tables = vectors.settings.model, vectors.tables
    name = _name(model, path)
    entities, relations = tables.entities.values, tables.relations.values[: tables.relation_count]
    if model == "rotate":
        relations = relations * _half_turn(GAMMA, relations.shape[1])
    key = fingerprint("exported", "dglke", vectors.settings.model_dump(mode="json"), vectors.graph_key)
    notes = said_of_backwards(vectors)
    with writing(path, "exported", key, parents={"graph": vectors.graph_key}) as (building, facts):
        facts["format"] = "dglke"
        for what, table in {"entity": entities, "relation": relations}.items():
            np.save(building / f"{DATASET}_{name}_{what}.npy", np.asarray(table), allow_pickle=False)
        for what, ids in {"entities": vectors.ids, "relations": vectors.relation_ids}.items():
            written = escaped(ids, BREAKING)
            notes += said_of_escapes(ids, written, what)
            _write_ids(building / f"{what}.tsv", written)
        write_json(building / CONFIG, _config(name, entities.shape[1]))
    return Told(counts(vectors), notes)


def _name(model: str, path: Path) -> str:
    if model not in MODELS:
        said = f"DGL-KE has no model that scores as {model} does"
        raise BadInput(path, 0, said, f"It has {', '.join(MODELS)}. {did_you_mean(model, MODELS)}")
    return MODELS[model]


def _config(name: str, width: int) -> dict[str, Json]:
    """Say what `dglke_predict` needs to know."""
    double = {"double_ent": name in ("RotatE", "SimplE"), "double_rel": name == "SimplE"}
    size = width // 2 if double["double_ent"] else width
    files = {"emap_file": "entities.tsv", "rmap_file": "relations.tsv"}
    return {"dataset": DATASET, "model": name, "emb_size": size, "gamma": GAMMA, **double, **files}


def _half_turn(gamma: float, dim: int) -> float:
    return (gamma + EPSILON) / dim / math.pi


def _write_ids(path: Path, ids: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{number}\t{id}\n" for number, id in enumerate(ids))


def read_dglke(folder: Path, model: str) -> Foreign:
    """Read what DGL-KE saved, with `entities.tsv` and `relations.tsv` (index, tab, id) put beside it.

    Raises:
        BadInput: A file is missing or is not what it should be.
    """
    _name(model, folder)
    names = ALSO.get(model, (MODELS[model],))
    files = {what: _only(folder, names, what) for what in ("entity", "relation")}
    entities, relations = (_load(path) for path in files.values())
    tables = [_ids_file(folder, what) for what in ("entities", "relations")]
    ids, relation_ids = (read_numbered(path) for path in tables)
    for table, own, file, what in (
        (entities, ids, files["entity"], "entities"),
        (relations, relation_ids, files["relation"], "relations"),
    ):
        check_rows(table, file, what)
        check_count(table, own, file, what)
    check_widths(entities, relations, files["relation"], model)
    read = [*files.values(), *tables]
    if model == "rotate":
        relations = relations / _half_turn(_gamma(folder / CONFIG), relations.shape[1])
        read.append(folder / CONFIG)
    return Foreign(ids, relation_ids, entities, relations, read)


def _only(folder: Path, names: Sequence[str], what: str) -> Path:
    """Find the one matrix of a model."""
    found = sorted(path for name in names for path in folder.glob(f"*_{name}_{what}.npy"))
    if len(found) == 1:
        return found[0]
    others = ", ".join(path.name for path in sorted(folder.glob("*.npy"))[:5]) or "no .npy file"
    said = f"there are {len(found)} files *_{names[0]}_{what}.npy; the folder has {others}"
    raise BadInput(folder, 0, said, "Give the folder that DGL-KE saved, and its model with --model.")


def _ids_file(folder: Path, what: str) -> Path:
    for path in (folder / f"{what}.tsv", folder / f"{what}.dict"):
        if path.is_file():
            return path
    fix = f"Copy {what}.tsv or {what}.dict there, which DGL-KE keeps with its data."
    raise BadInput(folder, 0, f"there is no {what}.tsv", fix)


def _load(path: Path) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise ValueError(f"it holds {getattr(array, 'dtype', 'several arrays')}")
    except (OSError, ValueError, EOFError) as error:
        said = f"this is no matrix of numbers ({error!s:.120})"
        raise BadInput(path, 0, said, "Give the file that DGL-KE saved.") from error
    wide = np.dtype(np.float32) if array.dtype.kind == "f" else array.dtype.newbyteorder("=")
    return torch.from_numpy(array.astype(wide))


def _gamma(path: Path) -> float:
    try:
        gamma = json.loads(path.read_text(encoding="utf-8"))["gamma"]
        if isinstance(gamma, bool) or not isinstance(gamma, int | float) or not 0 <= gamma < math.inf:
            raise ValueError(f"gamma is {gamma!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = f"gamma, without which angles have no size, cannot be read ({type(error).__name__}: {error})"
        raise BadInput(
            path, 0, said, "Put the config.json there that DGL-KE saved beside the vectors."
        ) from error
    return float(gamma)
