"""Recipe files: read one, find those that come with the package, write a commented one to start from."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from loregraft.config import dump_settings, load_settings
from loregraft.disk import replace_file
from loregraft.errors import CannotWrite
from loregraft.recipe.settings import GraphSettings, Recipe, SourceSettings

HEAD = """\
# A loregraft recipe: every key with its default. Check it with
#   loregraft run {name} --dry-run
# and run it with
#   loregraft run {name}
"""


def read_recipe(path: Path | str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file and check every key; `overrides` are such as "pretrain.minutes=5".

    Raises:
        BadInput: With file, line, what was found and what would be right.
    """
    return load_settings(Recipe, Path(path), overrides)


def packaged_recipe(name: str) -> Path:
    """Give the path of a recipe that comes with the package, such as "demo"."""
    return Path(str(files("loregraft.recipe") / "recipes" / f"{name}.yaml"))


def write_recipe(path: Path, force: bool = False) -> None:
    """Write a commented recipe that names two TSV files to replace.

    Raises:
        CannotWrite: The file exists and `force` is not given, or the folder refuses.
    """
    if path.exists() and not force:
        raise CannotWrite(path, "the file exists", "Choose another name, or overwrite it with --force.")
    sources = (SourceSettings(path="names.tsv"), SourceSettings(path="triples.tsv"))
    recipe = Recipe(name="my-domain", out="out/my-domain", graph=GraphSettings(sources=sources))
    replace_file(path, HEAD.format(name=path.name) + dump_settings(recipe))
