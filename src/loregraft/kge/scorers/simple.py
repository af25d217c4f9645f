"""SimplE and CP: an entity has one vector as head and one as tail.

SimplE (Kazemi and Poole 2018) averages the product for a relation and the one for its inverse. CP
(Hitchcock 1927; as Lacroix et al. 2018 use it) has the first of the two only.
The vector as head stands first.
"""

import torch
from torch import Tensor

from loregraft.kge.scorers.scorer import Scorer, Start, halves, summed_to


def swap(x: Tensor) -> Tensor:
    """Change the roles of head and tail."""
    first, second = halves(x)
    return torch.cat([second, first], -1)


def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give the mean of <head of h, r, tail of t> and <tail of h, inverse of r, head of t>."""
    return (swap(h * r) * t).sum(-1) / 2


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give x r with its halves changed, halved."""
    return swap(x * r) / 2


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    back = swap(gradient) / 2
    return back * r, summed_to(back * x, r)


def score_cp(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give <head of h, r, tail of t>."""
    return (halves(h)[0] * r * halves(t)[1]).sum(-1)


def query_cp(x: Tensor, r: Tensor) -> Tensor:
    """Give what meets the tails' second half."""
    found = halves(x)[0] * r
    return torch.cat([torch.zeros_like(found), found], -1)


def query_cp_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    back = halves(gradient)[1]
    by_x = back * r
    return torch.cat([by_x, torch.zeros_like(by_x)], -1), summed_to(back * halves(x)[0], r)


def head_query_cp(x: Tensor, r: Tensor) -> Tensor:
    """Give what meets the heads' first half."""
    return swap(query_cp(swap(x), r))


def head_query_cp_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    by_x, by_r = query_cp_backward(swap(gradient), swap(x), r)
    return swap(by_x), by_r


SIMPLE = Scorer(
    name="simple",
    paper="Kazemi and Poole 2018, SimplE Embedding for Link Prediction in Knowledge Graphs",
    measure="dot",
    score=score,
    query=query,
    query_backward=query_backward,
    inverse=swap,
    relation_start=Start(0.5).draw,
    multiple=2,
)
CP = Scorer(
    name="cp",
    paper="Lacroix et al. 2018, Canonical Tensor Decomposition for Knowledge Base Completion",
    measure="dot",
    score=score_cp,
    query=query_cp,
    query_backward=query_cp_backward,
    head_query=head_query_cp,
    head_query_backward=head_query_cp_backward,
    relation_width=lambda dim: dim // 2,
    relation_start=Start(0.5).draw,
    multiple=2,
)
