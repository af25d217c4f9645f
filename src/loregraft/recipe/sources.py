"""Where a recipe's paths lie: beside the recipe, or inside an installed package that is never imported."""

import importlib.util
from pathlib import Path

from loregraft.errors import BadInput, MissingExtra

PACKAGE = "package:"


def find_file(path: str, beside: Path) -> Path:
    """Turn a recipe's path of a file into one on this machine, as `find_source` does.

    Raises:
        MissingExtra: The package is not installed.
        BadInput: There is no such file, or it is a folder.
    """
    found = find_source(path, beside)
    if not found.is_file():
        raise BadInput(found, 0, "this is a folder, not a file", "Name a file inside it in the recipe.")
    return found


def find_source(path: str, beside: Path) -> Path:
    """Turn a recipe's path into one on this machine.

    Args:
        path: Absolute, relative to `beside`, or `package:NAME/inner/path`.
        beside: The folder of the recipe.

    Raises:
        MissingExtra: The package is not installed.
        BadInput: There is no such file or folder.
    """
    if path.startswith(PACKAGE):
        name, _, inner = path.removeprefix(PACKAGE).partition("/")
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtra(name, "demo")
        found = Path(next(iter(spec.submodule_search_locations))) / inner
    else:
        found = beside / path
    if not found.exists():
        raise BadInput(
            found, 0, "there is no such file", "Correct the path; one in a recipe counts from the recipe."
        )
    return found
