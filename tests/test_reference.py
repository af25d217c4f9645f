"""The reference pages say what the code says."""

from pathlib import Path

from loregraft.config import dump_settings
from loregraft.recipe.settings import GraphSettings, Recipe, SourceSettings

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "recipe.md"
HEAD = """\
# The recipe

Every key with its default, as `loregraft init` writes them. Paths count from the recipe's folder; `out`
from the folder you stand in. An unknown key is refused with the nearest that exist. This page is written by
`python tests/test_reference.py`.

"""


def page() -> str:
    """Give the page of all keys."""
    recipe = Recipe(graph=GraphSettings(sources=(SourceSettings(path="names.tsv"),)))
    return f"{HEAD}```yaml\n{dump_settings(recipe)}```\n"


def test_the_recipe_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
