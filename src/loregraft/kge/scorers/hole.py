"""HolE: the relation meets the circular correlation of head and tail (Nickel et al. 2016, eq. 3 and 4)."""

import torch
from torch import Tensor

from loregraft.kge.scorers.scorer import Scorer, Start, summed_to


def convolve(x: Tensor, y: Tensor) -> Tensor:
    """Give sum_i x_i y_(k-i), indexes modulo the width, through the Fourier transform."""
    return torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(y), n=x.shape[-1])


def correlate(x: Tensor, y: Tensor) -> Tensor:
    """Give sum_i x_i y_(k+i), indexes modulo the width."""
    return torch.fft.irfft(torch.fft.rfft(x).conj() * torch.fft.rfft(y), n=x.shape[-1])


def mirror(r: Tensor) -> Tensor:
    """Give r with index k moved to -k."""
    return r.flip(-1).roll(1, -1)


def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give sum_k r_k sum_i h_i t_(k+i)."""
    return (r * correlate(h, t)).sum(-1)


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give the circular convolution of x and r."""
    return convolve(x, r)


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    return correlate(r, gradient), summed_to(correlate(x, gradient), r)


HOLE = Scorer(
    name="hole",
    paper="Nickel et al. 2016, Holographic Embeddings of Knowledge Graphs",
    measure="dot",
    score=score,
    query=query,
    query_backward=query_backward,
    inverse=mirror,
    entity_start=Start(0.05),
    relation_start=Start(0.1).draw,
)
