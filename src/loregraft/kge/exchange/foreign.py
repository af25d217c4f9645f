"""Vectors of another tool as they were read: rows and their ids in that tool's order, layout already ours."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from loregraft.errors import BadInput
from loregraft.kge.scorers import SCORERS


@dataclass(frozen=True)
class Foreign:
    """What a reader found.

    Attributes:
        entities: A row for each id.
        relations: Also a row for each id; with reciprocal relations those asked backwards stand after them.
        files: What was read.
    """

    ids: list[str]
    relation_ids: list[str]
    entities: Tensor
    relations: Tensor
    files: list[Path]

    @property
    def reciprocal(self) -> bool:
        """Tell whether relations asked backwards have rows of their own."""
        return len(self.relations) == 2 * len(self.relation_ids)


def check_rows(table: Tensor, path: Path, what: str) -> None:
    """Refuse what is no table of finite numbers.

    Raises:
        BadInput: It is so.
    """
    if table.ndim != 2 or not table.is_floating_point() or 0 in table.shape:
        kind = str(table.dtype).removeprefix("torch.")
        said = f"the {what} are no table of fractions but {kind} of the shape {tuple(table.shape)}"
        raise BadInput(path, 0, said, "Give the file that the training wrote.")
    wrong = (~table.isfinite().all(1)).nonzero().flatten()
    if len(wrong):
        said = f"row {wrong[0].item():,} of the {what} has a number that is none (NaN) or infinite"
        raise BadInput(path, 0, f"{said}, as have {len(wrong):,} rows in all", "Train the vectors again.")


def check_widths(entities: Tensor, relations: Tensor, path: Path, model: str) -> None:
    """Refuse tables that are not as wide as a scorer needs them, in our layout.

    Raises:
        BadInput: It is so.
    """
    scorer, width = SCORERS[model], entities.shape[1]
    wanted = scorer.relation_width(width)
    if width % scorer.multiple:
        said = f"entities are {width} numbers wide, and {model} needs a multiple of {scorer.multiple}"
        raise BadInput(path, 0, said, "Name the model that they were trained with.")
    if relations.shape[1] != wanted:
        said = f"relations are {relations.shape[1]} numbers wide beside entities of {width}"
        raise BadInput(
            path, 0, f"{said}, and {model} needs {wanted}", "Name the model that they were trained with."
        )


def check_count(table: Tensor, ids: list[str], path: Path, what: str) -> None:
    """Refuse a table with another number of rows than there are ids.

    Raises:
        BadInput: It is so.
    """
    if len(table) != len(ids):
        said = f"there are {len(table):,} rows of {what} and {len(ids):,} ids"
        raise BadInput(path, 0, said, "Give the ids that belong to these vectors.")
