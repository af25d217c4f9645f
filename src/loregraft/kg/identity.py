"""Stable numbers for ids and facts: the same fact has the same triple id in every import and every graph.

Provenance, removal and leak checks name facts by these, never by row number.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_HEAD, _RELATION, _TAIL = (
    np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
_NEGATED = np.uint64(0xD6E8FEB86659FD93)


def hash_ids(ids: Iterable[str]) -> Hashes:
    """Hash ids to 64 bits each: the first eight bytes of BLAKE2b of the text, little-endian."""
    digests = b"".join(hashlib.blake2b(id.encode(), digest_size=8).digest() for id in ids)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def hash_triples(heads: Hashes, relations: Hashes, tails: Hashes, negated: bool = False) -> Hashes:
    """Combine the hashes of head, relation and tail to one of the fact.

    Two different facts among n collide with a probability of about n**2 / 2**65: one in 370,000 for
    ten million. The qualifiers and references of a statement do not count: they do not change which
    fact it is.
    """
    with np.errstate(over="ignore"):
        mixed = _mix(_mix(_mix(heads * _HEAD) + relations * _RELATION) + tails * _TAIL)
        return _mix(mixed + _NEGATED) if negated else mixed


def triple_id(head: str, relation: str, tail: str, negated: bool = False) -> str:
    """Give the id of a fact, 16 hexadecimal digits."""
    head_hash, relation_hash, tail_hash = hash_ids([head, relation, tail])[:, None]
    return format(int(hash_triples(head_hash, relation_hash, tail_hash, negated)[0]), "016x")


def _mix(values: Hashes) -> Hashes:
    """Spread every bit over all others (the finaliser of splitmix64: Steele, Lea, Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
