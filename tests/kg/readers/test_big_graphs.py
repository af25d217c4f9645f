"""The readers of big graphs hold a few rows at a time, however long the file is."""

import sys

import pytest

from loregraft.kg.readers import READERS, conceptnet
from loregraft.kg.readers.text import lines

LINES = 50_000
WIKIDATA = (
    '{{"type":"item","id":"Q{0}","labels":{{"en":{{"language":"en","value":"thing {0}"}}}},"claims":{{"P31":['
    '{{"rank":"normal","mainsnak":{{"snaktype":"value","property":"P31","datavalue":{{"type":"wikibase-entityid",'
    '"value":{{"id":"Q5"}}}}}}}}]}}}},'
)
FORMATS = {
    "wikidata": ("a.json", WIKIDATA),
    "umls": ("MRCONSO.RRF", "C{0:07}|ENG|P|L1|PF|S1|Y|A1|||||PT|D{0}|thing {0}|0|N||"),
    "conceptnet": ("a.csv", '/a/{0}\t/r/IsA\t/c/en/thing_{0}\t/c/en/thing\t{{"weight": 1.0}}'),
    "lexicon": ("AFINN.txt", "word{0}\t1.5"),
    "neo4j_json": (
        "a.json",
        '{{"type":"node","id":"{0}","labels":["Thing"],"properties":{{"name":"thing {0}"}}}}',
    ),
    "neo4j_csv": ("a.csv", "{0},thing {0},Thing"),
}


@pytest.mark.parametrize("format", FORMATS)
def test_memory_does_not_grow_with_the_file(format, tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "BATCH_ROWS", 500)
    monkeypatch.setattr(conceptnet, "MAX_KNOWN", 500)
    name, line = FORMATS[format]
    path = tmp_path / name
    with path.open("w") as file:
        file.write(":ID,name,:LABEL\n" if format == "neo4j_csv" else "")
        file.writelines(line.format(number + 1) + "\n" for number in range(LINES))
    entities, most = 0, 0
    start = sys.getallocatedblocks()
    for batch in READERS[format](path, None):
        entities += len(batch) if batch.table == "names" else 0
        most = max(most, sys.getallocatedblocks() - start)
    assert entities >= LINES
    assert most < LINES / 2  # a reader that held a single object for each line would have more
