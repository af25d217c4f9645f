"""Scorers: one file per paper, and the choice of one by name."""

from loregraft.kge.scorers.analogy import ANALOGY
from loregraft.kge.scorers.complex import COMPLEX
from loregraft.kge.scorers.distmult import DISTMULT
from loregraft.kge.scorers.hole import HOLE
from loregraft.kge.scorers.rescal import RESCAL
from loregraft.kge.scorers.rotate import ROTATE, ROTATE_L2
from loregraft.kge.scorers.scorer import Scorer
from loregraft.kge.scorers.simple import CP, SIMPLE
from loregraft.kge.scorers.transd import TRANSD
from loregraft.kge.scorers.transe import TRANSE, TRANSE_L1
from loregraft.kge.scorers.transh import TRANSH
from loregraft.kge.scorers.transr import TRANSR
from loregraft.kge.scorers.tucker import TUCKER

SCORERS: dict[str, Scorer] = {
    "transe": TRANSE,
    "transe_l1": TRANSE_L1,
    "transh": TRANSH,
    "transr": TRANSR,
    "transd": TRANSD,
    "rescal": RESCAL,
    "distmult": DISTMULT,
    "hole": HOLE,
    "complex": COMPLEX,
    "analogy": ANALOGY,
    "simple": SIMPLE,
    "cp": CP,
    "rotate": ROTATE,
    "rotate_l2": ROTATE_L2,
    "tucker": TUCKER,
}
"""Name -> scorer."""
