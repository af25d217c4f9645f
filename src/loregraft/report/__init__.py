"""Show what a run found: one self-contained HTML page, Markdown for a model card, lines for the terminal.

All three are pure functions over the plain `results` dict that the evaluation also writes as
`results.json`; nothing here reads a file, a clock or the network.
"""

from loregraft.report.markdown import render_markdown
from loregraft.report.page import render_page
from loregraft.report.terminal import summary

__all__ = ["render_markdown", "render_page", "summary"]
