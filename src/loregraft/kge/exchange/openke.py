"""OpenKE (its PyTorch branch): the parameters of a model as JSON, beside the files that number ids.

Each model of OpenKE names its tables in its own way, and two of them turn the sign of the paper's score.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from torch import Tensor

from loregraft.artifact import fingerprint, writing
from loregraft.errors import BadInput, did_you_mean
from loregraft.kge.exchange.ids import BREAKING, escaped, said_of_escapes
from loregraft.kge.exchange.rows import text_rows
from loregraft.kge.exchange.told import Told, counts, said_of_backwards
from loregraft.kge.scorers.scorer import halves
from loregraft.kge.vectors import Vectors

PARAMETERS = "embedding.vec.json"
MARGIN, EPSILON = 6.0, 2.0
"""OpenKE's own defaults; they say how large a number is half a turn in its RotatE."""
Parameters = dict[str, Tensor]


def _plain(entities: Tensor, relations: Tensor) -> Parameters:
    return {"ent_embeddings": entities, "rel_embeddings": relations}


def _complex(entities: Tensor, relations: Tensor) -> Parameters:
    found = {}
    for what, table in {"ent": entities, "rel": relations}.items():
        found[f"{what}_re_embeddings"], found[f"{what}_im_embeddings"] = halves(table)
    return found


def _analogy(entities: Tensor, relations: Tensor) -> Parameters:
    """Turn relations round, as OpenKE's score is minus the paper's."""
    (real, number), (step, turn) = halves(entities), halves(-relations)
    return {**_plain(real, step), **_complex(number, turn)}


def _rescal(entities: Tensor, relations: Tensor) -> Parameters:
    """Turn matrices round, as OpenKE's score is minus the paper's."""
    return {"ent_embeddings": entities, "rel_matrices": -relations}


def _transh(entities: Tensor, relations: Tensor) -> Parameters:
    step, normal = halves(relations)
    return {**_plain(entities, step), "norm_vector": normal}


def _transr(entities: Tensor, relations: Tensor) -> Parameters:
    dim = entities.shape[1]
    return {**_plain(entities, relations[:, :dim]), "transfer_matrix": relations[:, dim:]}


def _rotate(entities: Tensor, relations: Tensor) -> Parameters:
    return _plain(entities, relations * ((MARGIN + EPSILON) / relations.shape[1] / math.pi))


MODELS: dict[str, tuple[str, Callable[[Tensor, Tensor], Parameters]]] = {
    "transe": ("TransE(..., dim={dim}, p_norm=2, norm_flag=False)", _plain),
    "transe_l1": ("TransE(..., dim={dim}, p_norm=1, norm_flag=False)", _plain),
    "transh": ("TransH(..., dim={dim}, p_norm=2, norm_flag=False)", _transh),
    "transr": ("TransR(..., dim_e={dim}, dim_r={dim}, p_norm=2, norm_flag=False)", _transr),
    "rescal": ("RESCAL(..., dim={dim})", _rescal),
    "distmult": ("DistMult(..., dim={dim})", _plain),
    "hole": ("HolE(..., dim={dim})", _plain),
    "complex": ("ComplEx(..., dim={half})", _complex),
    "analogy": ("Analogy(..., dim={quarter})", _analogy),
    "rotate": ("RotatE(..., dim={half}, margin=6.0, epsilon=2.0)", _rotate),
}
"""Scorers whose scores OpenKE gives too: how the model is made there, and its parameters."""


def write_openke(vectors: Vectors, path: Path) -> Told:
    """Write `embedding.vec.json`, `entity2id.txt` and `relation2id.txt`.

    Raises:
        BadInput: OpenKE has no model that scores as these vectors do.
    """
    model, tables = vectors.settings.model, vectors.tables
    if model not in MODELS:
        said = f"OpenKE has no model that scores as {model} does"
        raise BadInput(path, 0, said, f"It has {', '.join(MODELS)}. {did_you_mean(model, MODELS)}")
    made, parameters_of = MODELS[model]
    parameters = parameters_of(tables.entities.values, tables.relations.values[: tables.relation_count])
    key = fingerprint("exported", "openke", vectors.settings.model_dump(mode="json"), vectors.graph_key)
    notes = said_of_backwards(vectors)
    with writing(path, "exported", key, parents={"graph": vectors.graph_key}) as (building, facts):
        facts["format"] = "openke"
        for what, ids in {"entity": vectors.ids, "relation": vectors.relation_ids}.items():
            written = escaped(ids, BREAKING)
            notes += said_of_escapes(ids, written, "entities" if what == "entity" else "relations")
            _write_ids(building / f"{what}2id.txt", written)
        _write_parameters(building / PARAMETERS, parameters)
    dim = tables.entities.values.shape[1]
    how = made.format(dim=dim, half=dim // 2, quarter=dim // 4)
    return Told(counts(vectors), [*notes, f"in OpenKE: {how}.load_parameters('{PARAMETERS}')"])


def _write_ids(path: Path, ids: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(ids)}\n")
        file.writelines(f"{id}\t{number}\n" for number, id in enumerate(ids))


def _write_parameters(path: Path, parameters: Parameters) -> None:
    """Write what `json.dump` would, a row at a time."""
    with path.open("w", encoding="utf-8") as file:
        for place, (name, values) in enumerate(parameters.items()):
            file.write(", " if place else "{")
            file.write(f'"{name}.weight": [')
            for row, text in enumerate(text_rows(values, ", ")):
                file.write(f", [{text}]" if row else f"[{text}]")
            file.write("]")
        file.write("}\n")
