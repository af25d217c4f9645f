"""Questions to vectors and back: groups of questions that are asked in the same way.

A scorer with a vector for each relation asks all tails at once and all heads at once; one with a
matrix for each takes one relation at a time.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loregraft.kge.questions import Questions
from loregraft.kge.scorers.scorer import Ask, Scorer
from loregraft.kge.tables import Tables


@dataclass(frozen=True)
class Group:
    """Questions in a row that are asked in the same way.

    Attributes:
        number: Its place among the groups of the batch.
        rows: Which questions.
        relations: Row of the table of relations for each, or one row for all.
        heads: Heads are asked for, by the inverse of the relation.
    """

    number: int
    rows: slice
    relations: Tensor
    heads: bool


def grouped(tables: Tables, questions: Questions) -> tuple[Questions, list[Group]]:
    """Sort questions into groups; gives them in their new order, and the groups."""
    count = tables.relation_count
    by_relation = tables.scorer.by_relation
    backwards = np.zeros(len(questions), np.int64) if tables.reciprocal else questions.sides // count
    keys = questions.sides if by_relation else backwards
    order = np.argsort(keys, kind="stable")
    ordered, keys, backwards = questions.take(order), keys[order], backwards[order]
    relations = torch.from_numpy(ordered.sides if tables.reciprocal else ordered.sides % count)
    starts = np.flatnonzero(np.r_[True, np.diff(keys) != 0]) if len(keys) else np.zeros(0, np.int64)
    ends = np.r_[starts[1:], len(keys)][: len(starts)]
    groups = []
    for number, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        rows = relations[start : start + 1 if by_relation else end]
        groups.append(Group(number, slice(start, end), rows, bool(backwards[start])))
    return ordered, groups


@dataclass(frozen=True)
class Asked:
    """A group's relation as it is asked, and what its gradient goes back through."""

    group: Group
    relation: Tensor
    raw: Tensor

    @classmethod
    def of(cls, tables: Tables, group: Group) -> "Asked":
        """Take the relation from the table, through the core where there is one."""
        raw = tables.relations.rows(group.relations)
        relation = raw if tables.core is None else tables.scorer.compose(raw, tables.core.values)
        return cls(group, relation, raw)

    def query(self, scorer: Scorer, x: Tensor) -> Tensor:
        """Give the vectors that meet candidates."""
        if not self.group.heads:
            return scorer.query(x, self.relation)
        if scorer.head_query is not None:
            return scorer.head_query(x, self.relation)
        assert scorer.inverse is not None
        return scorer.query(x, scorer.inverse(self.relation))

    def query_backward(self, scorer: Scorer, gradient: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give the gradients by x and by the relation."""
        if not self.group.heads:
            return ask_backward(scorer, "query", gradient, x, self.relation)
        if scorer.head_query is not None:
            return ask_backward(scorer, "head_query", gradient, x, self.relation)
        inverse = scorer.inverse
        assert inverse is not None
        if scorer.query_backward is None:  # a user's inverse need not be its own gradient
            return by_autograd(lambda x, r: scorer.query(x, inverse(r)), gradient, x, self.relation)
        by_x, by_r = ask_backward(scorer, "query", gradient, x, inverse(self.relation))
        return by_x, inverse(by_r)


def ask_backward(scorer: Scorer, form: str, gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """Give the gradients of a scorer's function: in closed form, or by autograd where it has none."""
    backward = getattr(scorer, f"{form}_backward")
    if backward is not None:
        found: tuple[Tensor, Tensor] = backward(gradient, x, r)
        return found
    return by_autograd(getattr(scorer, form), gradient, x, r)


def by_autograd(ask: Ask, gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """Give the gradients of a function without a closed form; zeros by what it does not use."""
    with torch.enable_grad():
        x, r = x.detach().requires_grad_(), r.detach().requires_grad_()
        by_x, by_r = torch.autograd.grad(
            ask(x, r), (x, r), gradient, allow_unused=True, materialize_grads=True
        )
    return by_x, by_r
