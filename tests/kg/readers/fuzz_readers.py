"""Feed a reader broken files: `fuzz_readers.py FORMAT SECONDS` ends with 0 when none broke it.

Whatever the file holds, a reader yields rows, raises BadInput, or adds to its list of problems.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["loregraft"]):
    from loregraft.errors import BadInput
    from loregraft.kg.graph import KnowledgeGraph
    from loregraft.kg.readers import READERS, recognise

FORMAT, SECONDS = sys.argv[1], sys.argv[2]
SEEDS = Path(sys.argv[3]) if len(sys.argv) > 3 else None
PATH = Path(tempfile.mkdtemp()) / "fuzz"


def one_input(data: bytes) -> None:
    """Read the bytes, strictly and leniently."""
    PATH.write_bytes(data)
    for problems in (None, []):
        try:
            KnowledgeGraph.gather(READERS[FORMAT](PATH, problems))
        except BadInput:
            pass
    try:
        recognise(PATH)
    except BadInput:
        pass


folders = [str(SEEDS)] if SEEDS else []
options = [f"-max_total_time={SECONDS}", "-max_len=2048", "-rss_limit_mb=1024", "-timeout=5", "-verbosity=0"]
atheris.Setup([sys.argv[0], *options, *folders], one_input)
atheris.Fuzz()
