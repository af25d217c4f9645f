"""Metrics: pure functions over plain arrays. All lie in 0..1, higher is better, unless said."""

import numpy as np
from jaxtyping import Float, Shaped


def ranks_from_scores(
    scores: Float[np.ndarray, "queries candidates"], gold: Shaped[np.ndarray, " queries"]
) -> Float[np.ndarray, " queries"]:
    """Rank each query's right candidate, from 1; among equal scores it takes the mean rank ("realistic").

    Raises:
        ValueError: A score is NaN, which has no rank.
    """
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {scores.size} scores are NaN and have no rank")
    own = scores[np.arange(len(gold)), gold][:, None]
    above = (scores > own).sum(axis=1)
    equal = (scores == own).sum(axis=1)
    return above + (equal + 1) / 2.0


def hits_at(ranks: Float[np.ndarray, "*shape"], k: int) -> Float[np.ndarray, "*shape"]:
    """Tell for each rank whether it is at most k, as 0.0 or 1.0; the mean is Hits@k (Acc@k)."""
    return (ranks <= k).astype(np.float64)


def reciprocal(ranks: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Give 1 / rank. Its mean is the MRR."""
    return 1.0 / ranks


def spearman(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> float:
    """Correlate two rankings, -1..1; ties share their mean rank. 0 where one side does not vary.

    Reference:
        Spearman 1904, The Proof and Measurement of Association between Two Things.
    """
    from scipy.stats import rankdata

    a, b = rankdata(first), rankdata(second)
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
