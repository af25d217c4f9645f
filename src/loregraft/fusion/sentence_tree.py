"""Sentence tree: facts as branches of a mention, which the rest of the text neither sees nor makes room for.

The encoder runs as it is: who sees whom is its attention mask, and where a branch stands is its positions
(`encoder/soft.py`). No weights, no hooks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.tokens import NOWHERE, Span, Tokens
from loregraft.encoder.hooks import Changes
from loregraft.encoder.soft import additive
from loregraft.fusion.inputs import Inputs, padded
from loregraft.fusion.knowledge import Knowledge, choose_facts
from loregraft.fusion.method import Host, MethodSettings, Need

TRUNK, PADDING = -1, -2
"""What stands for the number of a branch where a token is in none."""


class SentenceTreeSettings(MethodSettings):
    """Which branches grow."""

    facts: int = Field(2, ge=1, description="branches of a mention at most, those that tell most first")
    relations: tuple[str, ...] = Field((), description="relations that may be branches, in words; none: all")


@dataclass(frozen=True)
class Branch:
    """A fact in tokens, and the mention that it hangs on.

    Attributes:
        row: The triple's row in the graph.
    """

    span: Span
    ids: list[int]
    row: int


@dataclass(frozen=True)
class Tree:
    """A text with its branches, as one row of tokens.

    Attributes:
        positions: Soft positions from 0: the trunk's as without branches, a branch's from its mention's end.
        of: The number of the branch that each token is in, or `TRUNK`.
    """

    tokens: Tokens
    positions: list[int]
    of: list[int]
    branches: list[Branch]


class SentenceTree(nn.Module):
    """Hangs facts on mentions.

    A branch goes in if the encoder has room for the whole of it beside the whole text, and positions for it;
    else it is left out, and a shorter one may still fit. A branch reaches the other tokens of the text only
    through its mention, so from the second layer on. The mask takes batch * seq * seq numbers of 32 bits.
    Encoders with relative positions, or with layers that look only so far, cannot do it and are refused.

    Raises:
        ValueError: The encoder cannot keep tokens from being seen.

    Reference:
        Liu et al. 2020, K-BERT: Enabling Language Representation with Knowledge Graph, the embedding and the
        seeing layer. Ours: facts are chosen in a stated order, where its code keeps them in a set; a mention
        may also be the tail of a fact; texts lose no end to branches; what is not seen gets the least number,
        not -10,000; padding sees padding; mentions may overlap, and a token then sees the branches of each.
    """

    needs: tuple[Need, ...] = ("graph",)

    def __init__(self, host: Host, knowledge: Knowledge, settings: SentenceTreeSettings) -> None:
        super().__init__()
        if host.soft_offset is None:
            found = f"sentence_tree cannot be used with {host.family}: tokens put into a text leak into it"
            raise ValueError(f"{found}, whatever mask and positions are given. Use facts_text instead")
        self.host, self.settings, self.offset = host, settings, host.soft_offset

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Grow the branches of each text; without any in the batch, it is the bare encoder's."""
        trees = [grow(one, self._branches(one, knowledge)) for one in tokens]
        branches = [tree.branches for tree in trees]
        if not any(branches):
            return padded(tokens, self.host.padding_id)
        positions = [[self.offset + place for place in tree.positions] for tree in trees]
        added = sum(len(branch.ids) for row in branches for branch in row)
        rows = [tree.tokens for tree in trees]
        inputs = padded(rows, self.host.padding_id, positions=positions, added=added)
        width = inputs.offsets.shape[1]
        mask = additive(torch.stack([visible(tree, width) for tree in trees]))
        inputs = replace(inputs, tensors=inputs.tensors | {"attention_mask": mask})
        entities = [dict.fromkeys(branch.span.entities[0] for branch in row) for row in branches]
        triples = [dict.fromkeys(branch.row for branch in row) for row in branches]
        return inputs.with_knowledge({}, entities=[*map(list, entities)], triples=[*map(list, triples)])

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Change nothing: all is in the mask and the positions."""
        return Changes()

    def _branches(self, one: Tokens, knowledge: Knowledge) -> list[Branch]:
        most, settings = self.host.max_tokens, self.settings
        room = most - len(one.ids)
        found: list[Branch] = []
        for span in one.spans:
            facts = knowledge.facts(span.entities[0])
            for fact in choose_facts(facts, settings.facts, settings.relations):
                ids = self.host.ids(fact.words)
                last_position = span.last - 1 + len(ids)
                if not ids or len(ids) > room or last_position >= most:
                    continue  # a shorter one may still fit
                room -= len(ids)
                found.append(Branch(span, ids, fact.row))
        return found


def grow(one: Tokens, branches: list[Branch]) -> Tree:
    """Put each branch after the last token of its mention; those of one place in their order."""
    ids: list[int] = []
    offsets: list[tuple[int, int]] = []
    positions: list[int] = []
    of: list[int] = []
    hanging: dict[int, list[int]] = {}
    for number, branch in enumerate(branches):
        hanging.setdefault(branch.span.last - 1, []).append(number)
    for place, (id, characters) in enumerate(zip(one.ids, one.offsets, strict=True)):
        ids.append(id)
        offsets.append(characters)
        positions.append(place)
        of.append(TRUNK)
        for number in hanging.get(place, ()):
            said = branches[number].ids
            ids += said
            offsets += [NOWHERE] * len(said)
            positions += [place + step for step in range(1, len(said) + 1)]
            of += [number] * len(said)
    return Tree(Tokens(ids, offsets, [], one.cut, one.lost), positions, of, branches)


def visible(tree: Tree, width: int) -> Bool[Tensor, "seq seq"]:
    """Tell who sees whom (query, key): trunk trunk, a branch itself, a mention and its branches each other.

    Args:
        width: Of the batch; what is beyond the tree is padding, and sees padding.
    """
    of = torch.full((width,), PADDING)
    of[: len(tree.of)] = torch.tensor(tree.of)
    seen = of[:, None] == of[None, :]
    trunk = (of == TRUNK).nonzero()[:, 0]
    for number, branch in enumerate(tree.branches):
        mention = trunk[branch.span.first : branch.span.last, None]
        own = (of == number).nonzero()[:, 0]
        seen[mention, own] = True
        seen[own[:, None], mention[:, 0]] = True
    return seen
