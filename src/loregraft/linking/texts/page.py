"""Show linked texts as HTML that needs nothing else: in a notebook, or as a page of many.

What stands in the page is the text alone; ids are drawn by the style, labels come up on hover, so that what
is copied out of it is the text.
"""

import html
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from loregraft.kg.show.printable import printable
from loregraft.linking.texts.rows import TextRow
from loregraft.linking.texts.spans import Begin, walk
from loregraft.records import Link

SHOWN_ID = 40
"""Characters of an id that stand behind a mention; all of it is in the title."""
_SHEETS = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def spans_html(text: str, links: Sequence[Link], labels: Mapping[str, str]) -> str:
    """Show a text with its links in colour, as HTML: `IPython.display.HTML(spans_html(...))`.

    Links inside others are drawn inside them; of two that cross, the one that ends later is cut in two.

    Args:
        labels: Names of the entities by id, shown on hover; those that are not in it are shown by id alone.

    Raises:
        ValueError: A link is empty, or not in the text.
    """
    return f"<style>{sheet('spans')}</style>{marked(text, links, labels)}"


def marked(text: str, links: Sequence[Link], labels: Mapping[str, str]) -> str:
    """Give a text with links in `mark` elements, for a page with the sheet `spans`; see `spans_html`."""
    parts: list[str] = []
    begun: list[int] = []
    for part in walk(text, links):
        if isinstance(part, str):
            parts.append(_escaped(part))
        elif isinstance(part, Begin):
            begun.append(len(parts))
            parts.append("")  # only at its end is it known whether it is cut there
        else:
            parts[begun.pop()] = _mark(part.link, labels, part.last)
            parts.append("</mark>")
    return f'<div class="loregraft-text" dir="auto">{"".join(parts)}</div>'


def page_head(title: str) -> str:
    """Give what stands in a page before its first text."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(printable(title))} – loregraft links</title>
<link rel="icon" href="data:,">
<style>
{sheet("page")}{sheet("spans")}</style>
</head>
<body>
<h1>Entities in texts</h1>
<p>Point at a mention to see the name of its entity, the whole id and the probability of the link.</p>
"""


def page_text(number: int, row: TextRow, links: Sequence[Link], labels: Mapping[str, str]) -> str:
    """Give a text of a page, with its id, or its number where it has none."""
    name = f"{number:,}" if row.id is None else html.escape(printable(str(row.id)))
    return f"<article><h2><bdi>{name}</bdi></h2>{marked(row.text, links, labels)}</article>\n"


def page_foot(texts: int, links: int) -> str:
    """Give what stands in a page after its last text."""
    return f"<footer><p>{texts:,} texts, {links:,} links</p></footer>\n</body>\n</html>\n"


@cache
def sheet(name: str) -> str:
    """Give a style sheet of this folder."""
    return (_SHEETS / f"{name}.css").read_text(encoding="utf-8")


def _mark(link: Link, labels: Mapping[str, str], last: bool) -> str:
    """Begin a mention; the id is drawn at its end, so not where it is cut."""
    if link.entity is None:
        title, id = f"no entity of the graph, {link.score:.2f}", "none"
    else:
        known = labels.get(link.entity, link.entity)
        name = f"{known} ({link.entity})" if known != link.entity else known
        title, id = f"{name}, {link.score:.2f}", link.entity
    hue = zlib.crc32(id.encode("utf-8", "surrogatepass")) % 360
    short = id if len(id) <= SHOWN_ID else f"{id[: SHOWN_ID - 1]}…"
    drawn = f' data-id="{html.escape(printable(short))}"' if last else ' class="cut"'
    return f'<mark style="--hue:{hue}" title="{html.escape(printable(title))}"{drawn}>'


def _escaped(text: str) -> str:
    """Escape a text; a return would be read as a line end, and a NUL is no character of a page."""
    return html.escape(text).replace("\r", "&#13;").replace("\0", "\ufffd")
