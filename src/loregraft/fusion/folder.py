"""A fused model as a folder: a stock model that opens without loregraft, and `knowledge/` beside it.

`knowledge/` holds the method's name, settings and own weights. The graph and its vectors are not in it: they
are given anew when it is opened, so that the graph of today counts.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from loregraft.artifact import Json, fingerprint, read_card, writing
from loregraft.disk import write_json
from loregraft.encoder.load import read_stock, sha256_weights
from loregraft.errors import WrongArtifact
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import METHODS, FusedModel, wrap
from loregraft.linking.linker import Linker

KIND = "fused"
PART, METHOD, WEIGHTS = "knowledge", "method.json", "method.safetensors"


def save_fused(fused: FusedModel, folder: Path) -> None:
    """Write a fused model into a folder, which is whole or is not there.

    Raises:
        CannotWrite: No permission, a full disk, or something there that loregraft did not write.
    """
    settings: dict[str, Json] = fused.settings.model_dump(mode="json")
    vectors = fingerprint_vectors(fused.knowledge) if "vectors" in fused.method.needs else ""
    weights = {name: value.detach().contiguous() for name, value in fused.own_state().items()}
    key = fingerprint(KIND, 1, fused.name, settings, vectors, sha256_weights(fused.state_dict()))
    with writing(folder, KIND, key, settings=settings) as (target, facts):
        fused.model.save_pretrained(target)  # type: ignore[operator]
        fused.tokenizer.save_pretrained(target)  # type: ignore[attr-defined]
        part = target / PART
        part.mkdir()
        told: dict[str, Json] = {"method": fused.name, "settings": settings, "vectors": vectors}
        write_json(part / METHOD, told)
        save_file(weights, part / WEIGHTS)
        facts["method"], facts["weights"] = fused.name, sum(value.numel() for value in weights.values())


def load_fused(folder: Path, knowledge: Knowledge, linker: Linker | None = None) -> FusedModel:
    """Open a folder of `save_fused`, in evaluation mode.

    Args:
        knowledge: Of the graph as it is now; vectors must be those that the method learned with.

    Raises:
        WrongArtifact: It is no such folder, or damaged, or its method learned with other vectors.
        ValueError: The knowledge lacks what the method needs.
    """
    read_card(folder, KIND)
    part = folder / PART
    try:
        told = json.loads((part / METHOD).read_text(encoding="utf-8"))
        weights = load_file(part / WEIGHTS)
        settings = METHODS[told["method"]][0].model_validate(told["settings"])
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        found = f"the part {PART!r} cannot be read ({type(error).__name__}: {error})"
        raise WrongArtifact(folder, found, "Save the fused model again.") from error
    given = fingerprint_vectors(knowledge)
    if told["vectors"] and given and told["vectors"] != given:
        found = "its method learned with other entity vectors than these"
        raise WrongArtifact(folder, found, "Give the vectors that it was trained with, or train it again.")
    model, tokenizer = read_stock(folder)
    fused = wrap(model, tokenizer, knowledge, method=told["method"], settings=settings, linker=linker)
    fused.load_own_state(weights)
    return fused.eval()


def fingerprint_vectors(knowledge: Knowledge) -> str:
    """Give a hash of what the entity vectors are; "" where there are none."""
    if knowledge.vectors is None:
        return ""
    values = np.asarray(knowledge.vectors.tables.entities.values)
    return fingerprint(hashlib.sha256(values.tobytes()).hexdigest(), knowledge.vectors.ids)
