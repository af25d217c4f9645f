"""What an export tells: what was written, how it is loaded, what the format cannot hold."""

from dataclasses import dataclass

from loregraft.kge.vectors import Vectors


@dataclass(frozen=True)
class Told:
    """What was written, and what must be said of it.

    Attributes:
        written: Number of rows by what they are.
        notes: Sentences without an end: what is lost or changed, how the files are loaded.
    """

    written: dict[str, int]
    notes: list[str]

    def __str__(self) -> str:
        """Give one line for the counts and one for each note."""
        counts = ", ".join(f"{count:,} {what}" for what, count in self.written.items())
        return "\n".join([counts, *(f"- {note}" for note in self.notes)])


def counts(vectors: Vectors) -> dict[str, int]:
    """Count what a format with entities and relations holds."""
    return {"entities": len(vectors), "relations": len(vectors.relation_ids)}


def said_of_backwards(vectors: Vectors) -> list[str]:
    """Say what is lost of reciprocal relations where a format has none."""
    if not vectors.tables.reciprocal:
        return []
    lost = f"the {len(vectors.relation_ids):,} vectors of relations asked backwards are not written"
    return [f"{lost}: tails score as they do here, heads are asked with the relations asked forwards"]
