"""Read the UMLS Metathesaurus in its Rich Release Format: MRCONSO, MRSTY, MRDEF and MRREL, `.RRF`.

The format is that of the UMLS Reference Manual, chapter 3, Metathesaurus - Rich Release Format, and
of its page Abbreviations Used in Data Elements.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.readers.text.headers import first_line
from loregraft.kg.readers.text.lines import Row, in_batches, raise_or_collect, read_lines
from loregraft.kg.tables.columns import Columns, Table

LANGUAGES = {
    "ARA": "ar",
    "BAQ": "eu",
    "CHI": "zh",
    "CZE": "cs",
    "DAN": "da",
    "DUT": "nl",
    "ENG": "en",
    "EST": "et",
    "FIN": "fi",
    "FRE": "fr",
    "GER": "de",
    "GRE": "el",
    "HEB": "he",
    "HUN": "hu",
    "ITA": "it",
    "JPN": "ja",
    "KOR": "ko",
    "LAV": "lv",
    "NOR": "no",
    "POL": "pl",
    "POR": "pt",
    "RUS": "ru",
    "SCR": "hr",
    "SPA": "es",
    "SWE": "sv",
    "TUR": "tr",
    "UKR": "uk",
}
"""LAT -> the language of ISO 639-1."""
SHORT = frozenset("AA AB ACR AM CA2 CA3 CS DS ES HS MTH_ACR PS RAB SS SSN VAB".split())
"""The term types (TTY) of abbreviations, acronyms and short forms."""
LAY = ("CHV",)
"""The sources (SAB) of what patients say: the Consumer Health Vocabulary."""
SUPPRESSED = ("O", "E", "Y")
FIX = "Every column, also the last one, ends with '|'."

_CUI = re.compile(r"C\d{7}")


def read_umls(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the concepts of a folder (`META`, or the one that holds it), or what one of its files says.

    - MRCONSO: a CUI is an entity. Its preferred name in a language is the one with TS=P, STT=PF and
      ISPREF=Y; names of a `SHORT` term type are abbreviations, those of a `LAY` source lay, all others
      exact. The code in the source is an attribute `xref`: `SNOMEDCT_US:22298006`.
    - MRSTY: semantic types are types.
    - MRDEF: definitions are descriptions; the file does not say their language, which is taken to be
      English.
    - MRREL: `CUI2 RELA CUI1`, as the manual reads it: the relation is that of the second concept to
      the first; where RELA is empty, REL stands for it. The file has both directions of each.

    SAB is the source. All else (AUIs, term and string ids, relationship groups, restriction levels,
    content views) is not read. Left out and counted are rows that are `suppressed` (O, E or Y),
    relations `within_concept`, and those that say `not_related` (XR) or `deleted` (DEL).

    Raises:
        BadInput: A folder without such a file, a line with too few or too many columns, a wrong CUI,
            or no name, type, definition or relation.
    """
    return in_batches(_rows(path, problems))


def fits_umls(path: Path, head: str) -> bool:
    """Tell whether a file is named like those of the UMLS, or a folder has such files."""
    if path.is_dir():
        return bool(_files(path))
    return _kind(path) is not None and first_line(head).count("|") >= 6


def _rows(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    if not path.exists():
        raise BadInput(path, 0, "there is no such file or folder", "Check the path.")
    files = _files(path) if path.is_dir() else [path]
    if not files:
        fix = f"Give the folder META of a UMLS subset, with {', '.join(f'{kind}.RRF' for kind in FILES)}."
        raise BadInput(path, 0, "a folder without MRCONSO.RRF and its like", fix)
    for file in files:
        kind = _kind(file)
        if kind is None:
            name = file.name.partition(".")[0]
            found = f"there is no file of the UMLS called {file.name!r:.60}"
            raise BadInput(file, 0, found, did_you_mean(name, FILES))
        yield from _file(file, kind, problems)


def _files(folder: Path) -> list[Path]:
    """Give the known files of a folder, or of META in it, the names first."""
    for place in (folder, folder / "META"):
        files = [file for file in sorted(place.glob("MR*.RRF*")) if _kind(file)]
        if files:
            return sorted(files, key=lambda file: list(FILES).index(_kind(file) or ""))
    return []


def _kind(file: Path) -> str | None:
    match = re.fullmatch(r"(MR[A-Z]+)\.RRF(\.(gz|bz2|xz|zst))?", file.name, re.IGNORECASE)
    kind = match[1].upper() if match else ""
    return kind if kind in FILES else None


def _file(path: Path, kind: str, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    width, make = FILES[kind]
    concept, codes = "", set[Row]()
    for number, line in read_lines(path, problems):
        cells = line.split("|")
        if len(cells) != width + 1 or cells[-1].strip():
            found = f"expected {width} columns, found {len(cells) - 1} in {line!r:.80}"
            raise_or_collect(BadInput(path, number, found, FIX), problems)
            continue
        try:
            if not _CUI.fullmatch(cells[0]):
                raise ValueError(f"{cells[0]!r:.40} is no CUI", "Write a C and seven digits.")
            rows = make(cells)
        except ValueError as error:
            found, fix = error.args
            raise_or_collect(BadInput(path, number, f"{found} in {line!r:.80}", fix), problems)
            continue
        if cells[0] != concept:
            concept, codes = cells[0], set()
        for table, row in rows:
            if table == "attributes" and row[0]:  # many names of a concept have one code
                if row in codes:
                    continue
                codes.add(row)
            yield table, row


def _concept_name(cells: list[str]) -> list[tuple[Table, Row]]:
    cui, language, status, _, string_type, _, preferred = cells[:7]
    source, term_type, code, name, suppress = cells[11], cells[12], cells[13], cells[14], cells[16]
    if not name.strip():
        raise ValueError("no name", "Write the name (STR) in column 15, or remove the line.")
    if suppress in SUPPRESSED:
        return [("attributes", _left_out("suppressed", cui))]
    kind = "exact"
    if (status, string_type, preferred) == ("P", "PF", "Y"):
        kind = "preferred"
    elif term_type in SHORT:
        kind = "abbreviation"
    elif source in LAY:
        kind = "lay"
    rows: list[tuple[Table, Row]] = [
        ("names", (cui, name, kind, LANGUAGES.get(language, language.lower()), source))
    ]
    if code and code != "NOCODE":
        xref = code if ":" in code else f"{source}:{code}"
        rows.append(("attributes", (cui, "xref", xref, "", "", "", source)))
    return rows


def _semantic_type(cells: list[str]) -> list[tuple[Table, Row]]:
    if not cells[3].strip():
        raise ValueError("no semantic type", "Write the type (STY) in column 4, or remove the line.")
    return [("entities", (cells[0], cells[3]))]


def _definition(cells: list[str]) -> list[tuple[Table, Row]]:
    cui, source, text, suppress = cells[0], cells[4], cells[5], cells[6]
    if not text.strip():
        raise ValueError("no definition", "Write the definition (DEF) in column 6, or remove the line.")
    if suppress in SUPPRESSED:
        return [("attributes", _left_out("suppressed", cui))]
    return [("descriptions", (cui, text, "en", source))]


def _relation(cells: list[str]) -> list[tuple[Table, Row]]:
    first, kind, second, name, source, suppress = (cells[place] for place in (0, 3, 4, 7, 10, 14))
    if not _CUI.fullmatch(second):
        raise ValueError(f"{second!r:.40} is no CUI", "Write a C and seven digits in column 5.")
    if not kind.strip():
        raise ValueError("no relation", "Write the relation (REL) in column 4, or remove the line.")
    reasons = {
        "suppressed": suppress in SUPPRESSED,
        "within_concept": first == second,
        "not_related": kind == "XR",
        "deleted": kind == "DEL",
    }
    for reason, holds in reasons.items():
        if holds:
            return [("attributes", _left_out(reason, f"{second} {first}"))]
    return [("triples", (second, name or kind, first, False, "", "", 1.0, "", "", "", "", source))]


def _left_out(reason: str, what: str) -> Row:
    return ("", reason, what, "", "", "", "")


FILES: dict[str, tuple[int, Callable[[list[str]], list[tuple[Table, Row]]]]] = {
    "MRCONSO": (18, _concept_name),
    "MRSTY": (6, _semantic_type),
    "MRDEF": (8, _definition),
    "MRREL": (16, _relation),
}
"""File -> how many columns it has, and what makes rows of a line; in the order in which they are read."""
