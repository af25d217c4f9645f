"""Numbers and labels as people read them, the same on the page, in Markdown and in the terminal.

Metrics are 0..1 in the results; accuracies become percent here and differences of them points.
"""

import re

from loregraft.report.results import Estimate

NOTHING = "–"
PERCENT_METRICS = frozenset({"acc", "accuracy", "hits", "precision", "recall", "f1"})
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, the escape character of terminals among them
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # they turn the reading order of what follows
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"  # not characters, or not UTF-8
)


def clean(text: str) -> str:
    """Replace characters that could act instead of being shown by the replacement character."""
    return _UNSAFE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """Clean a text and join its lines."""
    return clean(" ".join(text.split()))


def shorten(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters, the last one an ellipsis if anything was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def is_percent(metric: str) -> bool:
    """Tell whether a metric is shown as percent (`acc@5`), not as a bare number (`mrr`, `spearman`)."""
    return metric.lower().split("@")[0] in PERCENT_METRICS


def measure(value: float | None, metric: str) -> str:
    """Write a metric's value: `26.0%`, or `0.742` for what is no share."""
    if value is None:
        return NOTHING
    return f"{100 * value:.1f}%" if is_percent(metric) else _minus(f"{value:.3f}")


def change(value: float | None, metric: str) -> str:
    """Write a difference of two values with its sign: `+12.5 points` or `−0.004`."""
    return signed(value, metric) + (" points" if is_percent(metric) and value is not None else "")


def signed(value: float | None, metric: str) -> str:
    """Write a difference with its sign and without its unit; what rounds to zero has no sign."""
    if value is None:
        return NOTHING
    shown = f"{100 * value:+.1f}" if is_percent(metric) else f"{value:+.3f}"
    return _minus(shown) if shown.strip("+-0.") else shown.lstrip("+-")


def interval(found: Estimate, metric: str) -> str:
    """Write the interval of a value: `23.6 to 28.4`; empty where there is none."""
    if found.low is None or found.high is None:
        return ""
    scale, digits = (100, 1) if is_percent(metric) else (1, 3)
    return _minus(f"{scale * found.low:.{digits}f} to {scale * found.high:.{digits}f}")


def signed_interval(found: Estimate, metric: str) -> str:
    """Write the interval of a difference: `+10.1 to +14.9`; empty where there is none."""
    if found.low is None or found.high is None:
        return ""
    return f"{signed(found.low, metric)} to {signed(found.high, metric)}"


def count(value: float | None) -> str:
    """Write a number of things: `1,257`; a share of one keeps a decimal."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def duration(seconds: float | None) -> str:
    """Write a time: `45 s`, `9.6 min` or `2.3 h`."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def megabytes(value: float | None) -> str:
    """Write a size given in MB: `87 MB` or `1.9 GB`."""
    if value is None:
        return NOTHING
    return f"{value:.0f} MB" if value < 1000 else f"{value / 1000:.1f} GB"


def sentence_case(text: str) -> str:
    """Make a key a label: `names_removed` -> `Names removed`."""
    words = text.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _minus(text: str) -> str:
    return text.replace("-", "−")
