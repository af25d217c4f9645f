"""Checks, costs and the recipe in the lower half of the page."""

import yaml

from loregraft.report.record import checks, costs, generators, recipe_yaml, vectors


def test_failures_come_first(results):
    found, more = checks(results)
    assert [check.level for check in found] == ["fail", "warn", "pass", "pass"]
    assert more == 0


def test_a_note_is_less_than_a_warning_and_more_than_nothing():
    levels = ("pass", "note", "warn", "fail")
    found, _ = checks({"graph": {"checks": [{"name": "x", "level": level} for level in levels]}})
    assert [check.level for check in found] == ["fail", "warn", "note", "pass"]


def test_an_unknown_level_has_not_passed():
    found, _ = checks({"graph": {"checks": [{"name": "x", "level": "fine"}]}})
    assert found[0].level == "warn"


def test_shares_add_up(results):
    assert sum(row[2].share or 0 for row in generators(results).rows) == 100.0
    assert abs(sum(row[2].share or 0 for row in costs(results).rows) - 100.0) < 1e-9


def test_vectors_are_shown_beside_popularity(results):
    found = vectors(results)
    assert [cell.text for cell in found.rows[0]] == ["has_phenotype", "12,775", "0.064", "0.024", "+0.040"]
    assert found.rows[0][-1].note == "−0.001 to +0.044"
    assert [cell.text for cell in found.rows[1]][:2] == ["all relations", "16,856"]
    assert found.caption == "Filtered MRR on held-out facts: transe, 128 numbers, trained in 11 s"
    assert not vectors({"vectors": {}}).rows and not vectors({}).rows


def test_recipe_reads_back_in_its_order(results):
    written = recipe_yaml(results)
    assert yaml.safe_load(written) == results["recipe"]
    assert written.index("name:") < written.index("graph:") < written.index("evaluate:")


def test_recipe_with_odd_values(tmp_path):
    assert str(tmp_path) in recipe_yaml({"recipe": {"out": tmp_path}})
    assert recipe_yaml({}) == ""
