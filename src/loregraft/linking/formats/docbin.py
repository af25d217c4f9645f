"""Read and write spaCy's DocBin, so that annotated texts go to and come from spaCy's pipelines.

All mentions are in the span group `links`, which may overlap, the longest that do not also in `doc.ents`.
"""

import importlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from loregraft.disk import whole_file
from loregraft.errors import BadInput, MissingExtra
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.writers.telling import Told, told
from loregraft.linking.formats.records import Annotated, Gold, in_order, mention_at
from loregraft.records import Document

ANY, ALL = "links", "composite_links"
"""The span groups: of mentions of which any id is right, and of those of which all are meant together."""
ID = "loregraft_id"
FIX = "Write it with spacy.tokens.DocBin.to_disk, and read it with the version that wrote it."

_WORD = re.compile(r"\w+|[^\w\s]|\s+")


def read_docbin(
    path: Path, problems: list[BadInput] | None = None, left_out: Counter[str] | None = None
) -> Iterator[Annotated]:
    """Yield the documents of a DocBin with their links; with `doc.ents` where there are none.

    The file is read as a whole. A document without our id gets its number, from 1.

    Args:
        problems: Where a document goes that cannot be read; None stops at the first.
        left_out: Not used: nothing is left out on purpose.

    Raises:
        MissingExtra: spaCy is not installed.
        BadInput: It is no DocBin.
    """
    spacy = _spacy()
    path = Path(path)
    if not path.is_file():
        raise BadInput(path, 0, "there is no such file", "Check the path.")
    try:
        docs = spacy.tokens.DocBin(store_user_data=True).from_disk(path)
        vocab = spacy.blank("xx").vocab
        yield from (_annotated(path, doc, number) for number, doc in enumerate(docs.get_docs(vocab), start=1))
    except BadInput as problem:
        raise_or_collect(problem, problems)
    except Exception as error:  # zlib, msgpack and spaCy have an error each
        found = f"no DocBin ({type(error).__name__}: {error!s:.80})"
        raise_or_collect(BadInput(path, 0, found, FIX), problems)


def write_docbin(annotated: Iterable[Annotated], path: Path) -> Told:
    """Write a DocBin. Tokens are cut at the ends of mentions, so that each mention is whole tokens.

    Cannot hold scores, what else is said, and which of several records of one place an id belongs to:
    they become one. All documents are held until the file is written.

    Raises:
        MissingExtra: spaCy is not installed.
    """
    spacy = _spacy()
    written: Counter[str] = Counter(documents=0, mentions=0)
    lost: Counter[str] = Counter()
    vocab = spacy.blank("xx").vocab
    docs = spacy.tokens.DocBin(
        attrs=["ORTH", "SPACY", "ENT_IOB", "ENT_TYPE", "ENT_KB_ID"], store_user_data=True
    )
    for one in annotated:
        docs.add(_doc(one, vocab))
        written["documents"] += 1
        written["mentions"] += len(one.gold)
        lost["things said of documents"] += len(one.more) + bool(one.language)
        lost["scores"] += sum(gold.score != 1.0 for gold in one.gold)
        lost["things said of mentions"] += sum(len(gold.more) for gold in one.gold)
    with whole_file(path) as building:
        building.write_bytes(docs.to_bytes())
    return told(written, lost)


def fits_docbin(path: Path, head: str) -> bool:
    """Tell whether the name ends in .spacy and the content is packed."""
    return path.suffix == ".spacy" and head.startswith("x")


def _spacy() -> Any:
    try:
        return importlib.import_module("spacy")
    except ImportError as error:
        raise MissingExtra("spacy", "spacy") from error


def _doc(one: Annotated, vocab: Any) -> Any:
    spacy = _spacy()
    text = one.document.text
    words, spaces, starts = _tokens(text, one.gold)
    doc = spacy.tokens.Doc(vocab, words=words, spaces=spaces)
    assert doc.text == text
    doc.user_data[ID] = one.document.id
    groups: dict[str, list[Any]] = {ANY: [], ALL: []}
    firsts: list[Any] = []
    for gold in one.gold:
        first = starts[gold.mention.start]
        last = starts.get(gold.mention.end, len(words))
        spans = [
            spacy.tokens.Span(doc, first, last, label=gold.type, kb_id=id) for id in gold.entities or ("",)
        ]
        groups[ALL if gold.composite else ANY] += spans
        firsts.append(spans[0])
    for name, spans in groups.items():
        doc.spans[name] = spans
    doc.set_ents(spacy.util.filter_spans(firsts))
    return doc


def _tokens(text: str, gold: Sequence[Gold]) -> tuple[list[str], list[bool], dict[int, int]]:
    """Cut a text into words at the ends of mentions too.

    Returns:
        The words, whether a space follows each, and the token that begins at a character.
    """
    ends = {place for one in gold for place in (one.mention.start, one.mention.end)}
    cuts = sorted({0, len(text), *ends, *(match.start() for match in _WORD.finditer(text))})
    words: list[str] = []
    spaces: list[bool] = []
    starts: dict[int, int] = {}
    for start, end in pairwise(cuts):
        part = text[start:end]
        if part == " " and words and not spaces[-1] and not ({start, end} & ends):
            spaces[-1] = True  # a single space belongs to the word before it
            continue
        starts[start] = len(words)
        words.append(part)
        spaces.append(False)
    return words, spaces, starts


def _annotated(path: Path, doc: Any, number: int) -> Annotated:
    text, gold = doc.text, []
    groups = {name: doc.spans[name] for name in (ANY, ALL) if name in doc.spans}
    for name, spans in (groups or {ANY: doc.ents}).items():
        by_place: dict[tuple[int, int, str], list[str]] = {}
        for span in spans:
            place = (span.start_char, span.end_char, span.label_)
            ids = by_place.setdefault(place, [])
            ids += [span.kb_id_] if span.kb_id_ and span.kb_id_ not in ids else []
        for (start, end, type), ids in by_place.items():
            mention = mention_at(path, 0, text, start, end, None)
            gold.append(Gold(mention, tuple(ids), name == ALL and len(ids) > 1, type=type))
    return Annotated(Document(str(doc.user_data.get(ID, number)), text), in_order(gold))
