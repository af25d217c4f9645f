"""Write text that is not trusted so that a terminal or a page shows it and obeys nothing in it."""

_JOINERS = "\u200c\u200d"
"""Some scripts cannot be written without these; they do no harm."""


def printable(text: str) -> str:
    """Write what a terminal would obey or hide (escape codes, marks of direction) as an escape."""
    return "".join(
        letter
        if letter.isprintable() or letter in _JOINERS
        else letter.encode("unicode_escape", "surrogatepass").decode()
        for letter in text
    )
