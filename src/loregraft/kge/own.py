"""Scorers of the user's own: one function, named to the settings as module:NAME or given as an object.

A name in settings is imported, as the user wrote it there. A name in the card of a folder of vectors is
not, as another may have made the folder: it is looked for among those that the user named or gave in this
process (`use_scorer`).
"""

import contextlib
import dataclasses
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType

import torch
from torch import Tensor

from loregraft.errors import BadInput, did_you_mean
from loregraft.kge.measures import pairs
from loregraft.kge.scorers import SCORERS
from loregraft.kge.scorers.scorer import Ask, Measure, Scorer, Start
from loregraft.kge.settings import KgeSettings

GIVEN = "given"
"""Stands for the module in the name of a scorer that was given as an object."""
WHERE = Path("model")
HOW = "A scorer is made by own_scorer(name, query, measure), see loregraft.kge.own."

_named: dict[str, Scorer] = {}  # what the user named or gave in this process, by its name in settings


def own_scorer(
    name: str,
    query: Ask,
    measure: Measure = "dot",
    candidate: Ask | None = None,
    inverse: Callable[[Tensor], Tensor] | None = None,
) -> Scorer:
    """Make a scorer of one function; autograd makes the gradients.

    Entities and relations are rows of `dim` numbers; `dataclasses.replace` changes this, and all else that
    `Scorer` has.

    Args:
        name: A word, not one of loregraft's scorers.
        query: Rows of the known entity and of the relation (or one for all) to the rows that meet
            candidates. It takes each row by itself.
        candidate: Rows of an entity and of the relation to the rows that a query meets; None: the entity's.
        inverse: Relation to the relation that asks for heads; None: relations asked backwards have rows of
            their own (`reciprocal`).

    Raises:
        BadInput: The name is no word or is taken.
    """
    if not name.isidentifier() or name in SCORERS:
        taken = "is one of loregraft's own" if name in SCORERS else "is no word"
        raise BadInput(WHERE, 0, f"the scorer's name {name!r:.60} {taken}", "Take another name.")

    def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
        return pairs(measure, query(h, r), t if candidate is None else candidate(t, r))

    return Scorer(
        name=name,
        paper="",
        measure=measure,
        score=score,
        query=query,
        candidate=candidate,
        inverse=inverse,
        by_relation=candidate is not None,
        entity_start=Start(0.05) if measure != "dot" else Start(0.03),
        relation_start=Start(0.05 if measure != "dot" else 0.3).draw,
    )


def use_scorer(scorer: Scorer | str) -> str:
    """Let settings and folders of vectors name a scorer of your own; give its name for `KgeSettings.model`.

    Example: `KgeSettings(model=use_scorer(MINE))`, or `use_scorer("my_module:MINE")` before vectors are
    opened that were trained with it.

    Args:
        scorer: A scorer, or module:NAME of one, which is imported; a module beside you is found too.

    Raises:
        BadInput: The module cannot be imported, or holds no such scorer.
    """
    if isinstance(scorer, str):
        _named[scorer] = _imported(scorer)
        return scorer
    name = f"{GIVEN}:{scorer.name}"
    _named[name] = scorer
    return name


def scorer_of(settings: KgeSettings) -> Scorer:
    """Give the scorer that the user's settings name, imported where it is the user's own and new.

    Not for settings out of a folder: see `known_scorer`.

    Raises:
        BadInput: It cannot be imported, or cannot do what a scorer must.
    """
    name = settings.model
    if name in SCORERS:
        return SCORERS[name]
    if name not in _named:
        use_scorer(name)
    _check(_named[name], settings)
    return _named[name]


def known_scorer(settings: KgeSettings) -> Scorer:
    """Give the scorer that a folder's settings name; nothing is imported.

    Raises:
        BadInput: It is a user's own, and nobody has named it in this process.
    """
    found = SCORERS.get(settings.model) or _named.get(settings.model)
    if found is None:
        module, _, name = settings.model.partition(":")
        said = f"these vectors need the scorer {settings.model!r}, which is nobody's but yours"
        fix = (
            f"Name it, if you trust it: loregraft kge --scorer {settings.model} ..., or use_scorer in Python."
        )
        if module == GIVEN:
            fix = f"Give the scorer {name!r} again, with loregraft.kge.own.use_scorer."
        raise BadInput(WHERE, 0, said, fix)
    return found


def source_of(settings: KgeSettings) -> list[str]:
    """Give what a user's own scorer is made of, for a key that changes with it; nothing for loregraft's.

    That is the text of the modules of its functions, or their byte code where there is no text. What these
    modules import is not looked at.
    """
    if settings.model in SCORERS:
        return []
    scorer = scorer_of(settings)
    values = [getattr(scorer, field.name) for field in dataclasses.fields(scorer)]
    return [text for value in values for text in _words(value)]


def _words(value: object) -> Iterator[str]:
    if not callable(value):
        yield repr(value)
        return
    if isinstance(owner := getattr(value, "__self__", None), Start):
        yield repr(owner)
    yield f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    for function in (value, *(cell.cell_contents for cell in getattr(value, "__closure__", None) or ())):
        code = getattr(function, "__code__", None)
        of_ours = str(getattr(function, "__module__", "")).startswith("loregraft.")
        if isinstance(code, CodeType) and not of_ours:
            yield _text(code)


def _text(code: CodeType) -> str:
    try:
        return Path(code.co_filename).read_text(encoding="utf-8")
    except (OSError, ValueError):  # a notebook's or a shell's
        consts = [_text(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
        return repr((code.co_code.hex(), code.co_names, consts))


def _imported(name: str) -> Scorer:
    module_name, _, variable = name.partition(":")
    if module_name == GIVEN:
        raise BadInput(WHERE, 0, f"{name!r:.80} was an object, which no name finds", f"Give it again. {HOW}")
    fix = "Give module:NAME, with the module in this folder or installed."
    if not module_name or not variable:
        raise BadInput(WHERE, 0, f"{name!r:.80} names no scorer of your own", fix)
    with _here():
        try:
            module = importlib.import_module(module_name)
        except (Exception, SystemExit) as error:  # whatever the user's module raises
            said = f"the module {module_name!r:.80} cannot be imported: {type(error).__name__}: {error}"
            raise BadInput(WHERE, 0, said, fix) from error
    found = getattr(module, variable, None)
    if not isinstance(found, Scorer):
        raise _no_scorer(module, variable, found)
    return found


@contextlib.contextmanager
def _here() -> Iterator[None]:
    """Find modules in the folder one stands in too, after all others."""
    here = os.getcwd()
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _no_scorer(module: ModuleType, variable: str, found: object) -> BadInput:
    where = f"the module {module.__name__!r}"
    if found is not None:
        what = "a function" if inspect.isfunction(found) else f"a {type(found).__name__}"
        return BadInput(WHERE, 0, f"{variable!r} of {where} is {what}, no scorer", HOW)
    names = [name for name, value in vars(module).items() if isinstance(value, Scorer)]
    fix = did_you_mean(variable, names) if names else HOW
    return BadInput(WHERE, 0, f"{where} has no {variable!r:.60}", fix)


def _check(scorer: Scorer, settings: KgeSettings) -> None:
    """Try a scorer on a few random rows.

    Raises:
        BadInput: It fails, its rows are of another width than what they meet, or depend on each other.
    """
    if scorer.candidate is not None and not scorer.by_relation:
        fix = "Set by_relation=True, as own_scorer does."
        raise BadInput(WHERE, 0, f"the scorer {scorer.name!r} has a candidate, but not by_relation", fix)
    if scorer.core_width is not None and scorer.compose_backward is None:
        fix = "Give compose_backward, or a relation of its own width instead of a core."
        raise BadInput(WHERE, 0, f"the scorer {scorer.name!r} has a core without compose_backward", fix)
    if settings.dim % scorer.multiple or scorer.core_width is not None:
        return  # the first is told by who starts tables; a core makes relations of another width
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, scorer.entity_width(settings.dim), generator=generator)
    r = torch.randn(3, scorer.relation_width(settings.dim), generator=generator)
    met = x if scorer.candidate is None else _tried(scorer, "candidate", scorer.candidate, x, r)
    asks = {"query": scorer.query, "head_query": scorer.head_query}
    for form, ask in asks.items():
        if ask is not None and (found := _tried(scorer, form, ask, x, r)).shape != met.shape:
            said = f"{form} of the scorer {scorer.name!r} gives {_size(found)}, and they meet {_size(met)}"
            raise BadInput(WHERE, 0, said, "Both must be as wide. Set entity_width, or add a candidate.")
    if scorer.inverse is not None and scorer.inverse(r).shape != r.shape:
        said = (
            f"inverse of the scorer {scorer.name!r} gives rows of {_size(scorer.inverse(r))}, not {_size(r)}"
        )
        raise BadInput(WHERE, 0, said, "Give a relation as wide as the one it takes.")


def _tried(scorer: Scorer, form: str, ask: Ask, x: Tensor, r: Tensor) -> Tensor:
    """Ask with three rows at once, with one relation for all, and one by one."""
    name = f"{form} of the scorer {scorer.name!r}"
    with torch.enable_grad():
        try:
            rows = ask(x.clone().requires_grad_(), r.clone().requires_grad_())
            shared, each = ask(x, r[:1]), torch.cat([ask(x[[i]], r[[i]]) for i in range(len(x))])
            fits = rows.shape == each.shape == shared.shape and rows.dtype == x.dtype and rows.ndim == 2
        except Exception as error:  # whatever the user's function raises
            said = f"{name} fails for rows of {_size(x)} and {_size(r)}: {type(error).__name__}: {error}"
            raise BadInput(
                WHERE, 0, said, "It takes (n, width) and (n or 1, width) and gives (n, width)."
            ) from error
    if not rows.requires_grad or not fits:
        said = f"{name} gives no float32 rows of (n, width) that depend on what it is given"
        raise BadInput(WHERE, 0, said, "Use torch operations on both rows, without detach or numpy.")
    if not torch.allclose(rows, each, rtol=1e-4, atol=1e-5) or not torch.allclose(
        shared[0], rows[0], 1e-4, 1e-5
    ):
        said = f"{name} gives other rows for three at once than for one at a time"
        raise BadInput(WHERE, 0, said, "It must take each row by itself: no mean or norm over rows.")
    return rows.detach()


def _size(rows: Tensor) -> str:
    return "x".join(map(str, rows.shape[1:])) + " numbers"
