"""Entity vectors in the space of the word pieces: by a map from vectors of the graph, or from contexts.

Where `entity_input.py` gets its vectors; what becomes of them in the input is said there.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int32
from torch import Tensor, nn

from loregraft.encoder.hooks import encoder_of
from loregraft.encoder.load import longest_text
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Host
from loregraft.records import Link

CHUNK = 10_000
"""Entities whose names are tokenized at once."""
RIDGE = 1e-6
"""What keeps the map small where vectors say the same twice, as a share of their mean square."""
BATCH, LONGEST = 32, 512
"""Texts that are read at once, and their tokens at most."""


def fit_map(host: Host, knowledge: Knowledge) -> tuple[Float[Tensor, "width dim"], Float[Tensor, " width"]]:
    """Fit a weight and a constant that take vectors of the graph to the mean piece of the entity's names.

    By least squares over the entities that have a vector and a name; nothing is random.

    Raises:
        ValueError: No entity has both.
    """
    vectors, known = torch.from_numpy(knowledge.entity_vectors).double(), knowledge.vector_rows >= 0
    table = host.table.float().cpu()
    gram = torch.zeros(vectors.shape[1] + 1, vectors.shape[1] + 1, dtype=torch.float64)
    both = torch.zeros(len(gram), table.shape[1], dtype=torch.float64)
    for start in range(0, len(vectors), CHUNK):
        entities, means = _mean_pieces(host, knowledge, start, table)
        kept = known[entities]
        given = F.pad(vectors[torch.from_numpy(entities[kept]).long()], (0, 1), value=1.0)
        gram += given.T @ given
        both += given.T @ means[torch.from_numpy(kept)].double()
    if not gram[-1, -1]:
        raise ValueError("no entity has both a vector and a name; give vectors of this graph, or names")
    ridge = RIDGE * gram.diag().mean() * torch.eye(len(gram), dtype=torch.float64)
    found = torch.linalg.solve(gram + ridge, both).float()
    return found[:-1].T.contiguous(), found[-1].clone()


def _mean_pieces(
    host: Host, knowledge: Knowledge, start: int, table: Float[Tensor, "vocab width"]
) -> tuple[Int32[np.ndarray, " entities"], Float[Tensor, "entities width"]]:
    """Give the entities of a chunk that have a name, and the mean of the pieces of all their names."""
    graph = knowledge.graph
    first, end = np.searchsorted(graph.name_entities, [start, start + CHUNK]).tolist()
    names = graph.names["name"].slice(first, end - first).to_pylist()
    ids: list[list[int]] = host.tokenizer(names, add_special_tokens=False)["input_ids"] if names else []  # type: ignore[operator]
    of = np.repeat(graph.name_entities[first:end], [len(one) for one in ids])
    entities, place, count = np.unique(of, return_inverse=True, return_counts=True)
    pieces = table[torch.tensor([id for one in ids for id in one], dtype=torch.long)]
    sums = table.new_zeros(len(entities), table.shape[1]).index_add(0, torch.from_numpy(place), pieces)
    return entities.astype(np.int32), sums / torch.from_numpy(count)[:, None]


@torch.no_grad()
def vectors_from_contexts(
    model: nn.Module,
    tokenizer: object,
    texts: Sequence[str],
    links: Sequence[Sequence[Link]],
    knowledge: Knowledge,
    most: int = 256,
) -> tuple[list[str], Float[Tensor, "entities width"]]:
    """Form a vector of each entity from texts that mention it, the mention hidden behind one mask token.

    It is the sum of what the model makes of the mask, brought to length 1: a model with a masked-LM head,
    what goes into its decoder; an encoder without, its last hidden state. Only if the decoder's weights are
    the word embeddings, as they are in most such models, is that the space of the word pieces. Each link
    counts, whatever its score. Cost: one pass over a text for each of its links; memory does not grow with
    the texts.

    Args:
        links: Of each text; those without an entity of the graph are left out.
        most: Contexts of an entity, the first ones. Of these, one that lies beyond the encoder's length is
            left out, and no later one takes its place.

    Returns:
        The ids of the entities that have a context, in the order of the graph, and their vectors.

    Raises:
        ValueError: The tokenizer has no mask token, or vectors are not as wide as word embeddings.

    Reference:
        Ye et al. 2022, A Simple but Effective Pluggable Entity Lookup Table for Pre-trained Language Models,
        eq. 2, without its constant, which `EntityInput` sets.
    """
    mask: str | None = tokenizer.mask_token  # type: ignore[attr-defined]
    if mask is None:
        raise ValueError("the tokenizer has no mask token, behind which an entity could be hidden")
    contexts = _contexts(texts, links, knowledge, mask, most)
    sums: dict[int, Tensor] = {}
    training = model.training
    model.eval()
    try:
        while batch := list(islice(contexts, BATCH)):
            for entity, vector in _read(model, tokenizer, batch):
                sums[entity] = sums[entity] + vector if entity in sums else vector
    finally:
        model.train(training)
    entities = sorted(sums)
    width = int(encoder_of(model).get_input_embeddings().weight.shape[1])  # type: ignore[operator]
    vectors = torch.stack([sums[entity] for entity in entities]) if sums else torch.zeros(0, width)
    if vectors.shape[1] != width:
        found = f"the model gives vectors of {vectors.shape[1]} numbers, its word embeddings have {width}"
        raise ValueError(f"{found}; give the model with its masked-LM head")
    return [knowledge.graph.id_at(entity) for entity in entities], F.normalize(vectors, dim=-1)


def _contexts(
    texts: Sequence[str], links: Sequence[Sequence[Link]], knowledge: Knowledge, mask: str, most: int
) -> Iterator[tuple[int, str, int]]:
    """Yield the entity of each context, its text with the mask, and the character where the mask begins."""
    count: dict[int, int] = {}
    for text, row in zip(texts, links, strict=True):
        for link in row:
            entity = None if link.entity is None else knowledge.index(link.entity)
            if entity is None or count.get(entity, 0) == most:
                continue
            count[entity] = count.get(entity, 0) + 1
            start, end = link.mention.start, link.mention.end
            yield entity, text[:start] + mask + text[end:], start


def _read(
    model: nn.Module, tokenizer: object, contexts: Sequence[tuple[int, str, int]]
) -> list[tuple[int, Tensor]]:
    """Give what the model makes of each mask that its length lets it see."""
    encoder = encoder_of(model)
    encoded = tokenizer(  # type: ignore[operator]
        [text for _, text, _ in contexts],
        padding=True,
        truncation=True,
        max_length=min(LONGEST, longest_text(encoder.config, None)),
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    decoder: nn.Module | None = getattr(model, "get_output_embeddings", lambda: None)()
    kept: list[Tensor] = []
    device = next(model.parameters()).device
    ids = encoded["input_ids"].to(device)
    given = {"input_ids": ids, "attention_mask": encoded["attention_mask"].to(device)}
    if decoder is None:
        kept.append(encoder(**given).last_hidden_state)
    else:
        handle = decoder.register_forward_pre_hook(lambda module, inputs: kept.append(inputs[0]))
        try:
            model(**given)
        finally:
            handle.remove()
    masked = (encoded["input_ids"] == tokenizer.mask_token_id).tolist()  # type: ignore[attr-defined]
    found = []
    for row, (entity, _, character) in enumerate(contexts):
        for token, (start, end) in enumerate(encoded["offset_mapping"][row].tolist()):
            if masked[row][token] and start <= character < end:
                found.append((entity, kept[0][row, token].float().cpu()))
    return found
