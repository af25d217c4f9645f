"""Relation: how two mentions in a text are related, one of the labels that were learnt.

relations = RelationClassifier.learn(wrap(model, tokenizer, Knowledge(graph)), read_pairs(path))
relations.score(read_pairs(other), without=["no_relation"]).micro_f1
"""

from typing import final

from loregraft.records import Link, Mention
from loregraft.tasks.heads import PairHead
from loregraft.tasks.labeller import Labeller
from loregraft.tasks.pairs import Pair
from loregraft.tasks.reading import Item


@final
class RelationClassifier(Labeller[Pair]):
    """Gives labels to pairs of mentions; see `Labeller`.

    A mention that lies partly beyond what is read counts by what is seen of it; one that lies beyond as a
    whole counts as zeros. Such pairs are counted (`Prediction.unseen`, `Score.unseen`, the card's facts).
    """

    kind, head_of = "relation-classifier", PairHead

    @staticmethod
    def item(one: Pair) -> Item:
        """Read the two mentions; a pair that knows its entities needs no linker."""
        places = (one.head, one.tail)
        if one.entities is None:
            return Item(one.text, one.label, places)
        links = tuple(
            Link(Mention(start, end, one.text[start:end]), entity, 1.0)
            for (start, end), entity in zip(places, one.entities, strict=True)
            if entity is not None
        )
        return Item(one.text, one.label, places, links)
