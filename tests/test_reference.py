"""The reference pages say what the code says."""

import json
from pathlib import Path

from pydantic import BaseModel

from loregraft.config import dump_settings
from loregraft.fusion.wrap import METHODS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.text.settings import TextKgeSettings
from loregraft.linking.settings import LinkSettings
from loregraft.pretrain.make import OBJECTIVES
from loregraft.pretrain.settings import MixSettings
from loregraft.recipe.settings import GraphSettings, Recipe, SourceSettings
from loregraft.tasks.settings import TaskSettings
from loregraft.training.settings import LoopSettings

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
PAGE, SETTINGS = REFERENCE / "recipe.md", REFERENCE / "settings.md"
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


SETTINGS_HEAD = """\
# All settings

What `--set KEY=VALUE` or a file of settings changes, with defaults. An unknown key, or a value out of
range, is refused. This page is written by `python tests/test_reference.py`.

"""


def settings_page() -> str:
    """Give the page of the settings that are not a recipe's."""
    parts = [
        part("Texts into an encoder: `loregraft pretrain`", MixSettings),
        "### Objectives\n\nSet as `options.NAME.KEY`.\n\n",
        *objectives(),
        part("The training loop: `loop.KEY`", LoopSettings, 3),
        part("Heads: `loregraft.tasks`", TaskSettings),
        "## Methods: `loregraft.fusion`\n\nGiven to `wrap` as `settings`.\n\n",
        *(part(f"`{name}`", kind[0], 3) for name, kind in METHODS.items()),
        part("Vectors: `loregraft kge train`", KgeSettings),
        part("Vectors from texts: `loregraft kge train-text`", TextKgeSettings),
        part("Links: `loregraft link build`", LinkSettings),
    ]
    return SETTINGS_HEAD + "".join(parts).rstrip() + "\n"


def objectives() -> list[str]:
    """Give a part for each kind of settings; objectives that share one share the part."""
    kinds = {
        kind.settings: [n for n, k in OBJECTIVES.items() if k.settings is kind.settings]
        for kind in OBJECTIVES.values()
    }
    return [part(", ".join(f"`{name}`" for name in names), kind, 4) for kind, names in kinds.items()]


def part(title: str, settings: type[BaseModel], depth: int = 2) -> str:
    """Give a table of settings."""
    rows = [f"{'#' * depth} {title}", "", "| key | default | |", "|---|---|---|"]
    for name, field in settings.model_fields.items():
        value = field.get_default(call_default_factory=True)
        changed = value.model_dump(exclude_defaults=True) if isinstance(value, BaseModel) else value
        shown = json.dumps(changed).strip('"')
        rows.append(f"| `{name}` | {shown} | {(field.description or '').replace('|', '/')} |")
    return "\n".join(rows) + "\n\n"


def test_every_setting_says_what_it_is() -> None:
    assert not [line for line in settings_page().splitlines() if line.endswith("|  |")]


def test_the_page_of_settings_is_up_to_date() -> None:
    assert SETTINGS.read_text(encoding="utf-8") == settings_page()


def test_the_recipe_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SETTINGS.write_text(settings_page(), encoding="utf-8")
