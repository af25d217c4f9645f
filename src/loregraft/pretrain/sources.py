"""What a model is made from, read from files: encoder, graph, texts, and perhaps a linker and vectors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loregraft.artifact import fingerprint, read_card
from loregraft.encoder.load import Encoder, load_encoder
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.store import open_graph
from loregraft.kge.vectors import open_vectors
from loregraft.linking.linker import Linker
from loregraft.linking.texts.sources import open_sources, read_sources
from loregraft.pretrain.make import OBJECTIVES


@dataclass(frozen=True)
class Sources:
    """What a model is made from.

    Attributes:
        texts: Of the domain.
        keys: What the texts, graph and others are, by name: a fingerprint of each.
        linker: Gives one when the texts are linked; None: they are read without links.
        replay: General texts, whose words are predicted too, so that less is forgotten.
    """

    encoder: Encoder
    knowledge: Knowledge
    texts: Sequence[str]
    keys: Mapping[str, str]
    linker: Callable[[], Linker] | None = None
    replay: Sequence[str] = ()


def open_all(
    encoder: Path,
    graph: Path,
    texts: Sequence[Path],
    objectives: Sequence[str],
    *,
    linker: Path | None = None,
    vectors: Path | None = None,
    replay: Sequence[Path] = (),
) -> Sources:
    """Open what objectives need; where they read links and no linker is given, the graph's names make one.

    Args:
        linker: Used by letters alone, also where it was built with an encoder; opened when texts are linked.

    Raises:
        BadInput: A text cannot be read, or there is no such encoder.
        WrongArtifact: A folder is damaged or of another kind.
    """
    opened, keys = open_graph(graph), {"graph": read_card(graph, "graph").key}
    found = None if vectors is None else open_vectors(vectors)
    if vectors is not None:
        keys["vectors"] = read_card(vectors).key
    linking: Callable[[], Linker] | None = None
    if linker is not None:
        linking = partial(Linker.load, linker, graph_key=keys["graph"])
        keys["linker"] = read_card(linker).key
    elif any("links" in OBJECTIVES[name].needs for name in objectives if name in OBJECTIVES):
        linking = partial(Linker.build, opened)
    read, general = _read(texts), _read(replay)
    keys["texts"] = fingerprint(read)
    if replay:
        keys["replay"] = fingerprint(general)
    return Sources(load_encoder(encoder), Knowledge(opened, found), read, keys, linking, general)


def _read(files: Sequence[Path]) -> list[str]:
    return [row.text for row in read_sources(open_sources(list(files)))] if files else []
