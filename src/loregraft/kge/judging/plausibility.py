"""How plausible a triple is: one score, whichever end is asked for.

With reciprocal relations a triple has two scores, as an answer to (head, relation, ?) and to
(?, relation, tail). A question for an end takes its own; what judges whole triples takes the mean.
"""

import numpy as np
from jaxtyping import Float64

from loregraft.kge.questions import Triples
from loregraft.kge.tables import Tables
from loregraft.kge.vectors import score_triples

AT_ONCE = 65_536


def plausibility(tables: Tables, triples: Triples) -> Float64[np.ndarray, " triples"]:
    """Give the score of triples, the mean of both sides; higher is better, no fixed range."""
    found, count = np.zeros(len(triples)), tables.relation_count
    for start in range(0, len(triples), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        heads, relations, tails = triples.heads[rows], triples.relations[rows], triples.tails[rows]
        found[rows] = score_triples(tables, heads, relations, tails)
        if tables.reciprocal:
            found[rows] = (found[rows] + score_triples(tables, tails, relations + count, heads)) / 2
    return found
