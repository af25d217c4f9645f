"""The verdict in words and the five figures."""

from loregraft.report.verdict import is_significant, read_verdict, tiles


def test_the_sentence_does_not_repeat_the_headline(results):
    verdict = read_verdict(results)
    assert verdict.headline == "Knowledge helped"
    assert verdict.sentence.startswith("+12.5 points")
    assert verdict.not_run[0].startswith("continued pre-training")


def test_five_figures(results):
    found = tiles(results)
    assert [tile.value for tile in found] == ["+12.5", "+16.0", "1.93×", "−0.004", "11.6 min"]
    assert [tile.unit for tile in found] == ["points", "points", "", "", ""]
    assert found[0].note == "helped; 95% interval +10.0 to +15.0"
    assert found[4].note == "peak 1.9 GB, model 91 MB"


def test_five_figures_of_nothing():
    assert [tile.value for tile in tiles({})] == ["–"] * 5


def test_no_multiple_of_zero(results):
    results["tasks"][0]["arms"]["untouched"]["value"] = 0.0
    assert tiles(results)[2].value == "–"


def test_significant_means_against_every_control(results):
    first, second = results["tasks"]
    assert is_significant(first, "grafted")
    assert not is_significant(second, "grafted")
    assert not is_significant(first, "exact"), "an arm that is contrasted with nothing proves nothing"
    first["contrasts"][1]["verdict"] = "no evidence"
    assert not is_significant(first, "grafted")
