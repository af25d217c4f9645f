"""loregraft grafts a knowledge graph onto a pretrained encoder, and proves whether it helped.

The names below are the library; each is loaded when it is first used, so that importing loregraft
costs nothing.
"""

import importlib

_WHERE = {
    "KnowledgeGraph": "loregraft.kg.graph",
    "open_graph": "loregraft.kg.store",
    "check_graph": "loregraft.kg.check.checks",
    "load_encoder": "loregraft.encoder.load",
    "encode": "loregraft.encoder.encode",
    "Linker": "loregraft.linking.linker",
    "Recipe": "loregraft.recipe.settings",
    "read_recipe": "loregraft.recipe.files",
    "run_recipe": "loregraft.recipe.run",
    "verify": "loregraft.artifact",
    "LoregraftError": "loregraft.errors",
}

__all__ = list(_WHERE)
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'loregraft' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
