"""Classify: what a text is, one of the labels that were learnt.

classifier = Classifier.learn(wrap(model, tokenizer, Knowledge(graph), linker=linker), examples)
classifier.predict(["Measles comes with a rash"])[0].label
"""

from typing import final

from loregraft.tasks.examples import Example
from loregraft.tasks.heads import TextHead
from loregraft.tasks.labeller import Labeller
from loregraft.tasks.reading import Item


@final
class Classifier(Labeller[Example | str]):
    """Gives labels to texts; see `Labeller`."""

    kind, head_of = "classifier", TextHead

    @staticmethod
    def item(one: Example | str) -> Item:
        """Read the whole text."""
        return Item(one) if isinstance(one, str) else Item(one.text, one.label)
