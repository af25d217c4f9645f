"""Verbalize: a triple in words, in several ways, so that no single wording is learned for the fact.

Templates are made from the words of the relation. A relation that ends in a preposition or begins with "is"
or "has" reads as a sentence; any other is put as a noun.
"""

from dataclasses import dataclass

_VERBS = ("is", "has", "are", "was", "can", "does", "causes", "treats", "contains")
_PREPOSITIONS = ("of", "in", "by", "to", "with", "from", "at", "for", "on")

SENTENCES = ("{h} {r} {t}.", "it is known that {h} {r} {t}.", "{t}: {h} {r} it.")
NOUNS = ("the {r} of {h} is {t}.", "{h} has the {r} {t}.", "{t} is a {r} of {h}.")
PLAIN = ("{h}; {r}; {t}.",)
"""For all relations, last: reads badly and never wrongly."""
HELD_OUT = ("about {h}: {r} {t}.", "what {h} {r}? {t}.")
"""Wordings that are never trained on, so that a probe asks for the fact and not for its template."""


@dataclass(frozen=True)
class Sentence:
    """A triple in words.

    Attributes:
        text: The sentence.
        head: Characters of the head's name, start and end.
        relation: Of the relation's words.
        tail: Of the tail's name.
    """

    text: str
    head: tuple[int, int]
    relation: tuple[int, int]
    tail: tuple[int, int]


def templates_of(relation: str, *, held_out: bool = False) -> tuple[str, ...]:
    """Give the wordings of a relation: at least four, or those that are held out."""
    if held_out:
        return HELD_OUT
    words = relation.lower().split()
    reads = bool(words) and (words[0] in _VERBS or words[-1] in _PREPOSITIONS)
    return (*(SENTENCES if reads else NOUNS), *PLAIN)


def verbalize(head: str, relation: str, tail: str, template: str) -> Sentence:
    """Put a triple into a template with {h}, {r} and {t}, and tell where each part lies."""
    text, places = "", dict[str, tuple[int, int]]()
    rest = template
    values = {"h": head, "r": relation, "t": tail}
    while "{" in rest:
        before, after = rest.split("{", 1)
        name, rest = after.split("}", 1)
        text += before
        places[name] = (len(text), len(text) + len(values[name]))
        text += values[name]
    return Sentence(text + rest, places["h"], places["r"], places["t"])
