"""A query is answered from the folder alone, within its limits, and nothing but that happens."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from loregraft.artifact import CARD, verify
from loregraft.errors import BadInput, WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.sparql import query as sparql
from loregraft.kg.sparql.query import INDEX, Answer, Limits, as_table, query, read_query, sparql_index
from loregraft.kg.store import save_graph

PHENOTYPES = "SELECT ?name { <D:2> id:has_phenotype ?p . ?p rdfs:label ?name } ORDER BY ?name"

GROWING = "'a'"
"""A text that grows to 40 to the 7th letters."""
for _ in range(7):
    GROWING = f"REPLACE({GROWING}, 'a', '{'a' * 40}')"
WIDE = f"REPLACE(REPLACE(REPLACE('a', 'a', '{'a' * 100}'), 'a', '{'a' * 100}'), 'a', '{'a' * 100}')"
"""A text of a million letters."""
CODE = """
import sys
from pathlib import Path
from loregraft.kg.sparql.query import query
query(Path(sys.argv[1]), "ASK {}")
"""


@pytest.fixture
def folder(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    return tmp_path / "graph"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A graph of 300 triples, so that a product of three of them has 27 million rows."""
    from loregraft.kg.tables.columns import Columns

    ids = [f"E:{number}" for number in range(300)]
    columns = Columns("triples", {"head": ids, "relation": ["r:r"] * 300, "tail": ids[1:] + ids[:1]})
    folder = tmp_path_factory.mktemp("large") / "graph"
    save_graph(KnowledgeGraph.gather([columns]), folder, "key")
    return folder


def test_select_gives_ids_names_and_what_is_said_of_triples(folder):
    assert query(folder, PHENOTYPES).rows == (("Cephalalgia",), ("Fatigue",), ("Fever",))
    said = "SELECT ?t ?ref { ?s rdf:reifies <<( <D:1> ?r ?t )>> ; lg:reference ?ref } ORDER BY ?t"
    assert query(folder, said) == Answer(
        ("t", "ref"), (("D:4", "PMID:1"), ("P:1", "PMID:3"), ("P:5", "PMID:4"))
    )
    in_graph = "SELECT (COUNT(*) AS ?n) { GRAPH ?source { ?h ?r ?t } }"
    assert query(folder, in_graph).rows == ((11,),)


def test_what_is_false_is_asked_for_by_its_reification_only(folder):
    assert query(folder, "ASK { <D:2> id:has_phenotype <P:5> }").rows == ((False,),)
    assert query(folder, "ASK { GRAPH ?g { <D:2> id:has_phenotype <P:5> } }").rows == ((False,),)
    false = "SELECT ?h ?t { ?s rdf:reifies <<( ?h ?r ?t )>> ; lg:negated true }"
    assert query(folder, false).rows == (("D:2", "P:5"),)


def test_construct_and_describe_give_triples(folder):
    made = query(folder, "CONSTRUCT { ?b id:seen_in ?a } WHERE { ?a id:is_a ?b }")
    assert made.columns == ("head", "relation", "tail")
    assert sorted(made.rows) == [
        ("D:4", "seen_in", "D:1"),
        ("D:4", "seen_in", "D:2"),
        ("P:2", "seen_in", "P:3"),
    ]
    assert ("D:4", "http://www.w3.org/2000/01/rdf-schema#label", "Viral infection") in query(
        folder, "DESCRIBE <D:4>"
    ).rows


def test_cells_have_the_type_of_their_values(folder):
    asked = 'SELECT (1 AS ?a) (2.5 AS ?b) (true AS ?c) ("x"@en AS ?d) ("NaN"^^xsd:double AS ?e) ?f {}'
    assert query(folder, asked).rows == ((1, 2.5, True, "x", "NaN", None),)


def test_a_cell_is_a_number_only_where_its_text_says_one(tmp_path):
    from loregraft.kg.tables.columns import Columns

    said = {
        "9" * 400: "integer",
        "9" * 5_000: "integer",
        "1_0": "integer",
        "+07": "integer",
        "\u0663": "integer",
        "1_0.5": "decimal",
        ".5": "decimal",
        "1e400": "double",
        "-2.5E3": "double",
        "infinity": "double",
        " 1": "integer",
    }
    columns = {"entity": ["a:a"] * len(said), "property": ["n:n"] * len(said)}
    columns |= {"value": list(said), "datatype": list(said.values())}
    save_graph(KnowledgeGraph.gather([Columns("attributes", columns)]), tmp_path / "graph", "key")
    found = {row[0] for row in query(tmp_path / "graph", "SELECT ?n { ?a <n:n> ?n }").rows}
    texts = {"9" * 5_000, "1_0", "\u0663", "1_0.5", "INF", " 1"}
    assert found == {10**400 - 1, 7, 0.5, -2500.0} | texts


def test_an_index_waits_for_the_card_that_is_there_now(folder):
    """Whoever waited for the lock of a card that was replaced meanwhile locks the new one."""
    import fcntl

    sparql_index(folder)
    ready, order = threading.Event(), []
    with (folder / CARD).open("rb") as old:
        fcntl.flock(old, fcntl.LOCK_EX)

        def wait():
            ready.set()
            with sparql._one_at_a_time(folder):
                order.append("index")

        waiting = threading.Thread(target=wait)
        waiting.start()
        ready.wait()
        time.sleep(0.2)
        (folder / "new").write_bytes((folder / CARD).read_bytes())
        new = (folder / "new").open("rb")
        fcntl.flock(new, fcntl.LOCK_EX)
        (folder / "new").replace(folder / CARD)
    time.sleep(0.2)
    order.append("edit")
    new.close()
    waiting.join(timeout=20)
    assert order == ["edit", "index"]
    (folder / CARD).unlink()
    with pytest.raises(WrongArtifact, match="there is no card"), sparql._one_at_a_time(folder):
        pass


def test_the_index_is_made_once_and_reading_it_changes_nothing(folder):
    query(folder, PHENOTYPES)
    before = {path: path.stat().st_mtime_ns for path in (folder / INDEX).iterdir()}
    query(folder, PHENOTYPES)
    assert {path: path.stat().st_mtime_ns for path in (folder / INDEX).iterdir()} == before
    assert verify(folder / INDEX) == []
    assert verify(folder) == []


def test_the_index_is_made_anew_for_another_graph_or_when_damaged(folder, tmp_path):
    index = sparql_index(folder)
    first = (index / CARD).stat().st_ino
    damaged = max(index.glob("*.sst"), key=lambda path: path.stat().st_size)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    assert query(folder, PHENOTYPES).rows[0] == ("Cephalalgia",)
    assert (index / CARD).stat().st_ino != first
    other = KnowledgeGraph.gather([*_one_triple()])
    save_graph(other, tmp_path / "other", "other")
    shutil.copytree(index, tmp_path / "other" / INDEX)
    assert query(tmp_path / "other", "ASK { <a:a> <r:r> <b:b> }").rows == ((True,),)
    assert query(tmp_path / "other", PHENOTYPES).rows == ()


def _one_triple():
    from loregraft.kg.tables.columns import Columns

    yield Columns("triples", {"head": ["a:a"], "relation": ["r:r"], "tail": ["b:b"]})


def test_a_kill_while_the_index_is_made_leaves_none_or_a_whole_one(folder):
    command = [sys.executable, "-c", CODE, str(folder)]
    started = time.monotonic()
    subprocess.run(command, check=True)
    took = time.monotonic() - started
    for share in (0.5, 0.6, 0.7, 0.8, 0.9):
        shutil.rmtree(folder / INDEX)
        process = subprocess.Popen(command)
        time.sleep(took * share)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (folder / INDEX).exists() or verify(folder / INDEX) == []
        assert verify(folder) == []
        assert query(folder, PHENOTYPES).rows[0] == ("Cephalalgia",)


def test_two_at_a_time_make_one_index(folder):
    command = [sys.executable, "-c", CODE, str(folder)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert verify(folder / INDEX) == []


@pytest.mark.parametrize(
    ("text", "limits", "found"),
    [
        ("SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", Limits(time_s=1), "more than 1 s"),
        ("SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", Limits(), "more than 10,000 rows"),
        ("SELECT * { ?a ?b ?c } LIMIT 11", Limits(rows=10), "more than 10 rows"),
        (f"SELECT ({WIDE} AS ?x) {{ ?a ?b ?c }}", Limits(), "the answer has more than 64 MB"),
        ("CONSTRUCT { ?a ?b ?c } WHERE { ?a ?b ?c }", Limits(rows=10), "more than 10 rows"),
        (f"SELECT ({GROWING} AS ?x) {{}}", Limits(memory_mb=700), "more than 700 MB of memory"),
        ("SELECT * {" + "{" * 20_000 + "}" * 20_000 + "}", Limits(), "nested too deeply"),
    ],
)
def test_a_query_over_its_limits_is_stopped_in_time(large, text, limits, found):
    sparql_index(large)
    started = time.monotonic()
    with pytest.raises(BadInput, match=found) as caught:
        query(large, text, limits)
    assert time.monotonic() - started < 20
    assert (caught.value.line, caught.value.fix[-1]) == (0, ".")


def test_rows_up_to_the_limit_are_given(large):
    assert len(query(large, "SELECT * { ?a <r:r> ?c }", Limits(rows=300)).rows) == 300


@pytest.mark.parametrize("limits", [{"rows": 0}, {"time_s": float("nan")}, {"time_s": float("inf")}])
def test_limits_are_above_0_and_finite(limits):
    with pytest.raises(ValueError, match="above 0 and finite"):
        Limits(**limits)


def test_what_is_not_sparql_is_named_by_line(folder, tmp_path):
    with pytest.raises(BadInput, match="this is not SPARQL") as caught:
        query(folder, "SELECT *\n{ ?s ?p ?o FILTER }", path=tmp_path / "a.rq")
    assert (caught.value.line, caught.value.path) == (2, tmp_path / "a.rq")
    with pytest.raises(WrongArtifact, match="no card"):
        query(tmp_path / "absent", "ASK {}")


@contextlib.contextmanager
def counting_server():
    """Give an address on loopback, and the list that gets one entry for each connection."""
    hits = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    hits.append(1)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"<http://127.0.0.1:{server.getsockname()[1]}/>", hits
        server.shutdown(socket.SHUT_RDWR)


def test_no_query_reaches_a_server(folder):
    import pyoxigraph

    with counting_server() as (address, hits):
        for form in (
            "SELECT * { SERVICE ADDRESS { ?s ?p ?o } }",
            "SELECT * {SERVICESILENTADDRESS{?s ?p ?o}}",
            "SELECT * {?a ?b ?c FILTER(?a!=5||?c<5)SERVICE#>\nADDRESS{?s ?p ?o}}",
            "PREFIX a: <http://h:1> SELECT * { ?u ?v ?w . ?u !a: ?w ; (a:|!a:) ?w . a: (a:)* a:SERVICE "
            "ADDRESS {?x ?y ?z } }",
            "SELECT * { VALUES ?v { '''a' } ?s ?p ?o SERVICE ADDRESS { ?x ?y ?z } } #\\z'''\n",
            "LOAD ADDRESS",
            "SELECT * FROM ADDRESS { ?s ?p ?o }",
            "DESCRIBE ADDRESS",
        ):
            with contextlib.suppress(BadInput):
                query(folder, form.replace("ADDRESS", address))
        assert hits == []
        # Were it not for the guard, most would have reached it.
        store = pyoxigraph.Store()
        store.add(pyoxigraph.Quad(*[pyoxigraph.NamedNode("a:a")] * 3))
        with contextlib.suppress(OSError):
            list(store.query(f"SELECT * {{?a ?b ?c FILTER(?a=?a||?c<5)SERVICE#>\n{address}{{?s ?p ?o}}}}"))
        assert hits == [1]


def test_a_file_with_a_query(tmp_path):
    (tmp_path / "a.rq").write_bytes(b"\xef\xbb\xbfASK {}\n")
    assert read_query(tmp_path / "a.rq") == "ASK {}\n"
    (tmp_path / "b.rq").write_bytes(b"ASK\n{\xff}")
    with pytest.raises(BadInput, match="byte 0xff is not UTF-8") as caught:
        read_query(tmp_path / "b.rq")
    assert (caught.value.line, caught.value.fix) == (2, "Save the file as UTF-8.")


def test_a_table_is_aligned_and_shows_no_control_characters():
    answer = Answer(("id", "name"), (("P:1", "发热"), ("P:20", "a\x1b[31m\n"), (None, True), ("x" * 90, 1.5)))
    lines = as_table(answer).splitlines()
    assert lines[0] == "id" + " " * 60 + "name"
    assert lines[1].endswith("  发热") and lines[3].strip() == "true"
    assert lines[2] == "P:20" + " " * 58 + "a [31m"
    assert lines[4] == "x" * 59 + "…  1.5"


def test_the_command_prints_a_table_or_json(folder, tmp_path):
    command = [sys.executable, "-m", "loregraft", "kg", "query", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(*arguments):
        return subprocess.run(
            [*command, *arguments], capture_output=True, text=True, env=environment, check=False
        )

    assert run(PHENOTYPES).stdout == "name\nCephalalgia\nFatigue\nFever\n"
    (tmp_path / "a.rq").write_text(PHENOTYPES, encoding="utf-8")
    told = json.loads(run("--file", str(tmp_path / "a.rq"), "--json").stdout)
    assert told == {"columns": ["name"], "rows": [["Cephalalgia"], ["Fatigue"], ["Fever"]]}
    odd = run("SELECT ('a\\u009B\\u202E' AS ?x) {}", "--json").stdout
    assert (odd.isascii(), json.loads(odd)["rows"]) == (True, [["a\u009b\u202e"]])
    for timeout in ("nan", "inf", "-1"):
        wrong = run(PHENOTYPES, "--timeout", timeout)
        assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False), wrong.stderr
    refused = run("DROP ALL")
    assert refused.returncode == 2
    assert "DROP changes the graph, which is refused" in refused.stderr
    assert run().returncode == 2


def test_ctrl_c_ends_a_query_and_does_not_promise_to_go_on(large, commands, tmp_path):
    sparql_index(large)
    product = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
    running = commands.start("kg", "query", large, product, cwd=tmp_path)
    children = Path(f"/proc/{running.process}/task/{running.process}/children")
    deadline = time.monotonic() + 60
    while not children.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    ended = running.end(signal.SIGINT)
    assert (ended.code, ended.out, ended.err) == (130, "", "interrupted; nothing half-written is left\n")


def test_the_child_needs_no_torch_and_no_arrow(folder):
    code = "import sys, runpy; runpy.run_path(sys.argv[1]); print({'torch', 'pyarrow'} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code, sparql.sparql_child.__file__],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "set()\n"
