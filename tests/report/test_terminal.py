"""The lines that end a run."""

import pytest

from loregraft.report import summary

PATH = "/runs/" + "a-long-name/" * 12 + "report.html"


@pytest.mark.parametrize("fixture", ["results", "several_seeds", "unhelpful"])
def test_few_lines_and_the_path_last(fixture, request):
    lines = summary(request.getfixturevalue(fixture), PATH).splitlines()
    assert len(lines) <= 12
    assert lines[-1] == f"report: {PATH}"
    assert all(len(line) <= 100 for line in lines[:-1])


def test_it_says_what_counts(results, tmp_path):
    written = summary(results, tmp_path / "report.html")
    for expected in (
        "demo: KNOWLEDGE HELPED",
        "lay_terms, acc@1 over 1,257 queries:",
        "exact 0.0%   ngram 7.8%   untouched 13.5%   shuffled 10.0%   grafted 26.0%",
        "grafted - shuffled    +16.0 points (+13.5 to +18.5): helped",
        "forgetting: spearman -0.004 (-0.022 to +0.014): no evidence of forgetting",
        "cost: 11.6 min, peak 1.9 GB, model 91 MB",
        "data checks: 1 fail, 1 warn, 2 pass",
    ):
        assert expected in written


def test_plain_characters_only(results, unhelpful):
    assert summary(results, "x").isascii()
    assert summary(unhelpful, "x").isascii()


def test_no_evidence_is_said_plainly(unhelpful):
    assert summary(unhelpful, "x").startswith("demo: NO EVIDENCE THAT THE KNOWLEDGE HELPED\n")


def test_labels_cannot_reach_the_terminal(results):
    verdict = results["verdict"] | {"sentence": "Knowledge helped: \x1b[2J\u202e\r\nreport: /tmp/other"}
    lines = summary(results | {"name": "a\nreport: b\x1b[31m", "verdict": verdict}, "x").splitlines()
    assert "\x1b" not in "".join(lines) and "\u202e" not in "".join(lines)
    assert [line for line in lines if line.startswith("report:")] == ["report: x"]


def test_nothing_still_renders():
    assert summary({}, "x").splitlines()[-1] == "report: x"
