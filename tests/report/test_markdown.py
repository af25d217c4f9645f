"""The Markdown for a model card."""

import pytest

from loregraft.errors import LoregraftError
from loregraft.report import render_markdown


def test_short_and_complete(several_seeds):
    written = render_markdown(several_seeds)
    assert len(written.splitlines()) < 80
    for expected in (
        "## Did the knowledge help? Knowledge helped",
        "> Not for medical use.",
        "| **grafted** | **26.0%** (23.6 to 28.4) |",
        "| grafted − untouched | +1.0 (−1.5 to +3.5) | no evidence |",
        "- Times untouched: 1.93×",
        "Reproduce: `loregraft run recipes/demo.yaml`",
    ):
        assert expected in written


def test_tables_have_equal_columns(several_seeds):
    block = []
    for line in [*render_markdown(several_seeds).splitlines(), ""]:
        if line.startswith("|"):
            block.append(line.count("|"))
        elif block:
            assert len(set(block)) == 1
            block = []


def test_no_evidence_is_said_plainly(unhelpful):
    written = render_markdown(unhelpful)
    assert "## Did the knowledge help? No evidence that the knowledge helped" in written
    assert "Do not count on the graph" in written


def test_labels_cannot_act(results):
    label = "a|b\n# c <img src=x> [d](http://e) `f`"
    written = render_markdown(
        results | {"tasks": [results["tasks"][0] | {"title": label}], "notices": [label]}
    )
    assert "a\\|b \\# c \\<img src=x\\> \\[d\\](http://e) \\`f\\`" in written
    assert "<img" not in written.replace("\\<img", "")


def test_nothing_still_renders():
    assert "No verdict" in render_markdown({})


def test_newer_schema_is_refused():
    with pytest.raises(LoregraftError, match="newer loregraft"):
        render_markdown({"schema": 9})
