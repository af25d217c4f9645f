"""Read ConceptNet's assertions (`conceptnet-assertions-5.7.0.csv`): five columns cut at tabs.

The columns are the URI of the assertion, relation, start, end, and JSON; the format is that of the
pages Downloads, URI hierarchy and Relations of ConceptNet's wiki.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.triples import pack_qualifiers, pack_references
from loregraft.kg.readers.text.headers import first_line
from loregraft.kg.readers.text.lines import Row, in_batches, raise_or_collect, read_lines
from loregraft.kg.readers.text.objects import parse_object
from loregraft.kg.tables.columns import Columns, Table

SYMMETRIC = (
    "Antonym",
    "DistinctFrom",
    "EtymologicallyRelatedTo",
    "LocatedNear",
    "RelatedTo",
    "SimilarTo",
    "Synonym",
)
"""The relations that ConceptNet's wiki calls symmetric."""
EXTERNAL = "/r/ExternalURL"
MAX_KNOWN = 1 << 20
"""Ids that are remembered at most."""
FIX = "Write URI, relation, start, end and JSON with one tab between them."

_NEGATED = re.compile(r"/r/Not([A-Z]\w*)")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def read_conceptnet(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the assertions, and a name for each term and relation.

    - Ids are ConceptNet's own: `/c/en/ice_cream/n`. The name is the third part with spaces for
      underscores, in the language of the second part.
    - `/r/NotDesires` and its like are negated triples of `/r/Desires`.
    - Confidence is 1 - 2**-weight: weight 1, which is usual, gives 0.5, weight 2 gives 0.75, and more
      never reaches 1. The weight itself is a qualifier.
    - `dataset` is the source, `license` the licence, the contributors of `sources` the references.
    - `/r/ExternalURL` is an attribute `xref` of the term.

    Not read are the URI of the assertion, the sentence it was made from (`surfaceText`), and the
    process and activity of a source. Of the terms seen so far at most `MAX_KNOWN` are remembered, so
    that a name may be given again; the graph keeps one.

    Raises:
        BadInput: A line has not five columns, a column is no such URI, the last one is no JSON object,
            or the weight is no number from 0 on.
    """
    return in_batches(_rows(path, problems))


def fits_conceptnet(path: Path, head: str) -> bool:
    """Tell whether the first line has five columns that begin as those of an assertion do."""
    cells = first_line(head).split("\t")
    begins = ("/a/", "/r/", "/c/", "", "{")
    return len(cells) == len(begins) and all(map(str.startswith, cells, begins))


def _rows(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    known: set[str] = set()
    for number, line in read_lines(path, problems):
        try:
            rows = _assertion(line)
        except ValueError as error:
            found, fix = error.args if len(error.args) == 2 else (str(error), FIX)
            raise_or_collect(BadInput(path, number, f"{found} in {line!r:.80}", fix), problems)
            continue
        for table, row in rows:
            if table in ("names", "relations"):
                if row[0] in known:
                    continue
                if len(known) >= MAX_KNOWN:
                    known.clear()
                known.add(str(row[0]))
            yield table, row


def _assertion(line: str) -> list[tuple[Table, Row]]:
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != 5:
        raise ValueError(f"expected 5 columns, found {len(cells)}", FIX)
    _, relation, start, end, packed = cells
    if not relation.startswith("/r/") or len(relation) < 4:
        raise ValueError(f"the relation {relation!r:.40} does not begin with /r/", FIX)
    said = _said(packed)
    source = _text(said, "dataset")
    names = [_name(start)]
    if relation == EXTERNAL:
        return [*names, ("attributes", (start, "xref", end, "anyURI", "", "", source))]
    names.append(_name(end))
    negated = _NEGATED.fullmatch(relation)
    relation = f"/r/{negated[1]}" if negated else relation
    weight = said.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < 1e9:
        raise ValueError(f"the weight is {weight!r:.40}", "Write a number that is not negative.")
    has_weight = "weight" in said
    row = (
        start,
        relation,
        end,
        negated is not None,
        _contributors(said),
        pack_qualifiers({"weight": weight} if has_weight else {}),
        1 - 2.0 ** -float(weight) if has_weight else 1.0,
        "",
        "",
        _text(said, "license"),
        "",
        source,
    )
    return [*names, _relation(relation), ("triples", row)]


def _said(packed: str) -> dict[str, Any]:
    try:
        return parse_object(packed)
    except ValueError as error:
        fix = 'Write an object such as {"weight": 1.0} in the last column.'
        raise ValueError(str(error), fix) from error


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"{key!r} is {value!r:.40}", "Write it as a text.")
    return value


def _contributors(said: dict[str, Any]) -> str:
    sources = said.get("sources", [])
    if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
        raise ValueError(f"'sources' is {sources!r:.40}", "Write a list of objects.")
    return pack_references(dict.fromkeys(_text(source, "contributor") for source in sources))


def _name(id: str) -> tuple[Table, Row]:
    parts = id.split("/")
    if len(parts) < 4 or parts[0] or parts[1] != "c" or not parts[2] or not parts[3].strip("_ "):
        raise ValueError(f"{id!r:.40} is no term", "Write terms like /c/en/ice_cream.")
    return "names", (id, parts[3].replace("_", " ").strip(), "preferred", parts[2])


@functools.lru_cache(maxsize=1_024)
def _relation(id: str) -> tuple[Table, Row]:
    name = id.rsplit("/", 1)[1]
    words = _CAPITAL.sub(" ", name).lower()
    return "relations", (id, words, "en", "", name in SYMMETRIC)
