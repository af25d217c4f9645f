"""Arrows point left: a file imports its own folder and those to its left, and light rooms stay light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import loregraft.errors

SOURCE = Path(loregraft.errors.__file__).parent
ORDER = (
    *("errors", "records", "metrics", "config", "disk", "artifact"),
    *(
        "kg",
        "training",
        "encoder",
        "kge",
        "linking",
        "corpus",
        "fusion",
        "pretrain",
        "distill",
        "tasks",
        "qa",
    ),
    *("translate", "media", "evaluate", "explain", "report", "recipe", "serve", "cli"),
    *("__init__", "__main__"),
)
LIGHT = ("errors", "records", "metrics", "config", "disk", "artifact", "kg", "cli")
"""Rooms that never load torch by being imported: commands about graphs and `--help` start at once."""
OWNERS = {"transformers": ("encoder", "translate", "media")}
"""The rooms that are the only door to a package."""


def problems(source: Path) -> list[str]:
    """List the imports under `source` that break a rule, as `file:line: what`."""
    found = []
    for file in sorted(source.rglob("*.py")):
        path = file.relative_to(source)
        room = path.parts[0].removesuffix(".py")
        if room not in ORDER:
            found.append(f"{path}: the room {room!r} is not in the order")
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        first_statements = set(map(id, executed(tree)))
        for node in ast.walk(tree):
            for module in modules(node, ("loregraft", *path.parts[:-1])):
                fault = why_not(room, module, at_import=id(node) in first_statements)
                found += [f"{path}:{node.lineno}: {fault}"] if fault else []
    return found


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when a file is imported: not the bodies of functions, nor `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from executed(child)


def modules(node: ast.AST, package: tuple[str, ...]) -> list[str]:
    """Give the full names that an import statement asks for; no names for other statements."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        parts = package[: len(package) - node.level + 1] if node.level else ()
        start = ".".join((*parts, *([node.module] if node.module else [])))
        return [f"{start}.{alias.name}" for alias in node.names]
    return []


def why_not(room: str, module: str, at_import: bool) -> str | None:
    parts = module.split(".")
    if parts[0] == "loregraft":
        target = parts[1] if len(parts) > 1 and parts[1] in ORDER else "__init__"
        if ORDER.index(target) > ORDER.index(room):
            return f"{room} may not import {module}: {target} is to its right"
    if parts[0] == "torch" and at_import and room in LIGHT:
        return f"{room} may not load torch by being imported"
    if parts[0] in OWNERS and room not in OWNERS[parts[0]]:
        return f"{room} may not import {parts[0]}: only {', '.join(OWNERS[parts[0]])} may"
    return None


def test_arrows_point_left():
    assert problems(SOURCE) == []


@pytest.mark.parametrize(
    ("file", "code", "fault"),
    [
        ("kg/graph.py", "from loregraft.linking.linker import link", "linking is to its right"),
        ("kg/graph.py", "import loregraft.cli.main", "cli is to its right"),
        ("kg/graph.py", "from ..kge import scorers", "kge is to its right"),
        ("kg/readers/tsv.py", "from ...kge import scorers", "kge is to its right"),
        ("records.py", "from loregraft import artifact", "artifact is to its right"),
        ("errors.py", "from .records import Triple", "records is to its right"),
        ("metrics.py", "from loregraft import KnowledgeGraph", "__init__ is to its right"),
        ("kge/rank.py", "def late():\n    from loregraft.qa import paths", "qa is to its right"),
        ("kg/store.py", "import torch", "may not load torch"),
        ("cli/kge.py", "try:\n    from torch import nn\nexcept ImportError:\n    pass", "may not load torch"),
        ("config.py", "class Late:\n    import torch.nn", "may not load torch"),
        ("kge/text.py", "from transformers import AutoModel", "only encoder, translate, media may"),
        ("cli/demo.py", "def late():\n    import transformers", "only encoder, translate, media may"),
        ("plugins/new.py", "", "not in the order"),
    ],
)
def test_a_wrong_import_is_found(tmp_path, file, code, fault):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    assert len(problems(tmp_path)) == 1
    assert fault in problems(tmp_path)[0]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("kg/graph.py", "from loregraft.errors import BadInput\nfrom loregraft.kg.names import fold_name"),
        ("kg/readers/tsv.py", "from ..names import fold_name\nfrom ...errors import BadInput"),
        ("kg/store.py", "def load():\n    import torch"),
        ("kg/store.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torch import Tensor"),
        ("encoder/load.py", "import torch\nfrom transformers import AutoModel"),
        ("__init__.py", "from loregraft.cli import main"),
    ],
)
def test_a_right_import_is_left_alone(tmp_path, file, code):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    assert problems(tmp_path) == []


def test_importing_loregraft_loads_nothing_heavy():
    code = "import sys, loregraft; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not {"torch", "transformers", "pyarrow", "numpy"} & set(ran.stdout.split())
