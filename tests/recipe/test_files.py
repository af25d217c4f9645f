"""Recipe files: read, found in the package, written to start from."""

from pathlib import Path

import pytest

from loregraft.config import dump_settings
from loregraft.errors import BadInput, CannotWrite, MissingExtra
from loregraft.recipe.files import packaged_recipe, read_recipe, write_recipe
from loregraft.recipe.settings import Recipe
from loregraft.recipe.sources import find_source


def test_a_recipe_is_read_with_overrides(small_world):
    recipe = read_recipe(small_world / "recipe.yaml", ["pretrain.minutes=5", "seed=7"])
    assert (recipe.name, recipe.pretrain.minutes, recipe.pretrain.steps, recipe.seed) == (
        "Small world",
        5,
        6,
        7,
    )
    assert [source.path for source in recipe.graph.sources] == ["names.tsv", "triples.tsv"]


def test_what_is_not_in_the_file_is_the_default(small_world):
    recipe = read_recipe(small_world / "recipe.yaml")
    assert recipe.linking == Recipe().linking
    assert recipe.evaluate.valid == Recipe().evaluate.valid


@pytest.mark.parametrize("name", ["demo", "demo-20-minutes", "own-tsv"])
def test_recipes_come_with_the_package(name):
    assert read_recipe(packaged_recipe(name)).graph.sources


def test_a_written_recipe_reads_back_with_every_key_and_its_comment(tmp_path):
    path = tmp_path / "deep" / "recipe.yaml"
    write_recipe(path)
    recipe, text = read_recipe(path), path.read_text(encoding="utf-8")
    assert [source.path for source in recipe.graph.sources] == ["names.tsv", "triples.tsv"]
    assert text.startswith("# A loregraft recipe")
    assert "loregraft run recipe.yaml --dry-run" in text
    assert dump_settings(recipe) in text


def test_a_recipe_is_not_overwritten_unless_forced(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("mine")
    with pytest.raises(CannotWrite, match=r"the file exists.*--force"):
        write_recipe(path)
    assert path.read_text() == "mine"
    write_recipe(path, force=True)
    assert read_recipe(path).name == "my-domain"


def test_sources_lie_beside_the_recipe_or_in_a_package_or_anywhere(tmp_path):
    (tmp_path / "names.tsv").write_text("id\tname\n")
    assert find_source("names.tsv", tmp_path) == tmp_path / "names.tsv"
    assert find_source(str(tmp_path / "names.tsv"), Path("elsewhere")) == tmp_path / "names.tsv"
    found = find_source("package:loregraft/evaluate/general_pairs.tsv", tmp_path)
    assert found.is_file() and found.name == "general_pairs.tsv"


def test_a_package_is_found_without_being_imported(tmp_path, monkeypatch):
    (tmp_path / "trap").mkdir()
    (tmp_path / "trap" / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "trap" / "data").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_source("package:trap/data", Path()).parent.name == "trap"


@pytest.mark.parametrize("path", ["nothing.tsv", "package:loregraft/nothing", "/nowhere/at/all"])
def test_a_missing_source_is_named(tmp_path, path):
    with pytest.raises(BadInput, match=r"there is no such file\. Correct the path"):
        find_source(path, tmp_path)


@pytest.mark.parametrize(
    "path", ["package:", "package:no_such_package/x", "package:json.tool/x", "package:../x"]
)
def test_a_missing_package_says_what_to_install(tmp_path, path):
    with pytest.raises(MissingExtra, match=r"pip install 'loregraft\[demo\]'"):
        find_source(path, tmp_path)
