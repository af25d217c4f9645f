"""`loregraft kg export`: a graph in another format, and what that cannot hold, in words and as data."""

import json

from loregraft.kg.store import save_graph


def test_what_went_in_and_what_did_not_is_told(commands, tmp_path, tiny_graph):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    ended = commands.run("kg", "export", "graph", "a.csv", "--format", "csv", cwd=tmp_path)
    left_out = {"names": 29, "descriptions": 8, "attributes": 2, "types": 12}
    said = ", ".join(f"{count} {what}" for what, count in left_out.items())
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == f"wrote a.csv: 12 triples; left out: {said}\n"
    ended = commands.run(
        "kg", "export", "graph", "a.csv", "--format", "csv", "--force", "--json", cwd=tmp_path
    )
    assert json.loads(ended.out) == {"format": "csv", "written": {"triples": 12}, "left_out": left_out}


def test_an_unknown_format_and_a_file_that_is_there_are_wrong_use(commands, tmp_path, tiny_graph):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    ended = commands.run("kg", "export", "graph", "a.xml", "--format", "rdfxm", cwd=tmp_path)
    assert ended.code == 2 and "there is no format 'rdfxm' to write" in ended.err and "rdfxml" in ended.err
    (tmp_path / "a.xml").write_text("")
    ended = commands.run("kg", "export", "graph", "a.xml", "--format", "rdfxml", cwd=tmp_path)
    assert ended.code == 2 and "--force" in ended.err
