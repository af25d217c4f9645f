"""A SPARQL endpoint: the real oxigraph server on loopback, and a stand-in that misbehaves."""

import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import read
from loregraft.kg.readers.rdf import endpoint
from loregraft.kg.readers.rdf.endpoint import MEDIA_TYPE, read_endpoint
from loregraft.kg.readers.rdf.syntaxes import read_trig

DATA = """@prefix x: <http://x/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix lg: <urn:loregraft:> .
x:a rdfs:label "Flu"@en . x:r a rdfs:Property ; rdfs:domain x:T ; rdfs:label "treats"@en .
x:a x:r x:b {| lg:source "S" ; lg:confidence 0.5 |} .
x:a x:mass 4.5 . x:c x:r x:d . x:d x:r x:e . x:e x:r x:f .
x:g { x:b rdfs:label "Cold"@en . x:b x:r x:c }
"""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(endpoint, "BACKOFF_S", 0.01)


def facts(batches):
    found = []
    for batch in batches:
        columns = {name: pa.array(values).to_pylist() for name, values in batch.rows.items()}
        for number in range(len(batch)):
            found.append((batch.table, *sorted((name, column[number]) for name, column in columns.items())))
    return sorted(found, key=repr)


# The real server.


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An oxigraph server with DATA in it."""
    command = Path(sys.executable).parent / "oxigraph"
    if not command.exists() and not shutil.which("oxigraph"):
        pytest.skip("the package oxigraph, which has the server, is not installed")
    folder = tmp_path_factory.mktemp("oxigraph")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    program = str(command if command.exists() else shutil.which("oxigraph"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", "--location", str(folder / "store"), "--bind", address], stdout=log, stderr=log
        )
    try:
        _fill(f"http://{address}/store", process, folder / "log")
        yield f"http://{address}/query"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _fill(address, process, log):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(
        address, DATA.encode(), {"Content-Type": "application/trig"}, method="POST"
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            opener.open(request, timeout=10).close()
            return
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read()) from error
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


@pytest.mark.parametrize("page", [1, 2, 3, 10_000])
def test_an_endpoint_says_what_the_file_says(server, tmp_path, monkeypatch, page):
    monkeypatch.setattr(endpoint, "PAGE_ROWS", page)
    path = tmp_path / "a.trig"
    path.write_text(DATA, encoding="utf-8")
    assert facts(read_endpoint(server)) == facts(read_trig(path))


def test_a_graph_from_an_address(server):
    graph = KnowledgeGraph.gather(read(server))
    assert set(graph.ids) == {f"http://x/{letter}" for letter in "abcdef"}
    assert set(graph.triples["source"].to_pylist()) == {"S", "http://x/g", server}


def test_what_a_server_refuses_is_told_at_once(server):
    with pytest.raises(BadInput, match=r"404.*Check the address"):
        list(read_endpoint(server.replace("/query", "/nothing")))


# A stand-in that answers as told.


class StandIn(http.server.BaseHTTPRequestHandler):
    """Gives one answer after another: status, headers and body."""

    def do_GET(self):
        self.server.asked.append(self.path)
        script = self.server.script
        status, headers, body = script.pop(0) if len(script) > 1 else script[0]
        if status == 0:
            self.server.ends.wait(10)
            return
        self.send_response(status)
        for name, value in {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def stand_in():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.script, server.asked, server.ends = [], [], threading.Event()
    server.daemon_threads = False  # so that closing it waits for all of them
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.address = f"http://127.0.0.1:{server.server_port}/sparql"
    yield server
    server.ends.set()
    server.shutdown()
    thread.join()
    server.server_close()


def page(*triples):
    def node(value):
        return {"type": "uri", "value": value}

    rows = [{name: node(value) for name, value in zip("spog", triple, strict=False)} for triple in triples]
    return 200, {}, json.dumps({"head": {"vars": list("spog")}, "results": {"bindings": rows}}).encode()


EMPTY = page()
ONE = page(("x:a", "x:r", "x:b"))


def heads(batches):
    return [head for batch in batches for head in pa.array(batch.rows["head"]).to_pylist()]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(stand_in, status):
    busy = (status, {"Retry-After": "0"}, b"")
    stand_in.script = [busy, EMPTY, busy, busy, ONE, busy, EMPTY]
    assert heads(read_endpoint(stand_in.address)) == ["x:a"]
    assert len(stand_in.asked) == 7


def test_a_server_that_stays_busy_is_given_up(stand_in):
    stand_in.script = [(503, {}, b"")]
    problems = []
    assert list(read_endpoint(stand_in.address, problems)) == []
    assert len(stand_in.asked) == endpoint.ATTEMPTS
    assert problems[0].line == 0 and "503" in problems[0].found and "5 times in a row" in problems[0].found
    assert problems[0].fix == "Try again later."


def test_a_silent_server_is_given_up(stand_in, monkeypatch):
    monkeypatch.setattr(endpoint, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(endpoint, "ATTEMPTS", 2)
    stand_in.script = [(0, {}, b"")]
    with pytest.raises(BadInput, match=r"did not answer within 0\.05 s|cannot be reached \(timed out"):
        list(read_endpoint(stand_in.address))


def test_a_body_that_is_cut_off_is_asked_for_again_and_then_told(stand_in):
    status, _, body = ONE
    cut = (status, {"Content-Length": str(len(body)), "Connection": "close"}, body[:-9])
    stand_in.script = [EMPTY, cut, ONE, EMPTY]
    assert heads(read_endpoint(stand_in.address)) == ["x:a"]
    stand_in.script = [EMPTY, cut]
    with pytest.raises(BadInput, match="the answer is cut off, 5 times"):
        list(read_endpoint(stand_in.address))
    stand_in.script = [EMPTY, (200, {}, body[:-9])]
    with pytest.raises(BadInput, match=r"from row 1 on is cut off or no SPARQL result.*Try again"):
        list(read_endpoint(stand_in.address))
    stand_in.script = [(200, {}, b'{"head": {}, "boolean": true}')]
    with pytest.raises(BadInput, match=r"row 1 .*it has no rows"):
        list(read_endpoint(stand_in.address))


def test_what_came_before_a_problem_is_kept(stand_in):
    stand_in.script = [EMPTY, ONE, (400, {}, b"")]
    problems = []
    assert heads(read_endpoint(stand_in.address, problems)) == ["x:a"]
    assert len(problems) == 1 and "400" in problems[0].found
    assert problems[0].fix == "Check the address, and that it needs no password."


def test_another_kind_of_answer_is_refused(stand_in):
    stand_in.script = [(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>")]
    with pytest.raises(BadInput, match=r"answers with text/html.*Give the address of a SPARQL endpoint"):
        list(read_endpoint(stand_in.address))


def test_a_redirection_is_told_and_not_followed(stand_in):
    stand_in.script = [(302, {"Location": f"{stand_in.address}/else"}, b"")]
    with pytest.raises(BadInput, match=r"302.*elsewhere.*Give that address if you trust it: http://127"):
        list(read_endpoint(stand_in.address))
    assert len(stand_in.asked) == 1


def test_a_page_of_absurd_size_is_refused(stand_in, monkeypatch):
    monkeypatch.setattr(endpoint, "MAX_BYTES", 10)
    stand_in.script = [ONE]
    with pytest.raises(BadInput, match="a page of more than 10 bytes"):
        list(read_endpoint(stand_in.address))


def test_a_triple_that_the_default_graph_also_shows_comes_once(stand_in):
    both = page(("x:a", "x:r", "x:b"), ("x:a", "x:r", "x:b", "x:g"), ("x:a", "x:r", "x:c"))
    stand_in.script = [EMPTY, both, EMPTY]
    batches = list(read_endpoint(stand_in.address))
    assert sorted(heads(batches)) == ["x:a", "x:a"]
    assert [list(batch.rows["source"]) for batch in batches if "source" in batch.rows] == [["x:g"]]


@pytest.mark.parametrize(
    "address", ["ftp://x/", "http://", "file:///etc/passwd", "http://x:y/", "http://a b/"]
)
def test_only_addresses_of_the_web_are_asked(address):
    with pytest.raises(BadInput, match="no address of a SPARQL endpoint"):
        list(read_endpoint(address))


def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(BadInput, match="a user or a #") as caught:
        list(read_endpoint("http://me:secret@127.0.0.1/"))
    assert "secret" not in str(caught.value)


def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
        with pytest.raises(BadInput, match=r"cannot be reached.*Check the address"):
            list(read_endpoint(address))


def test_a_server_that_ignores_the_offset_is_noticed(stand_in):
    stand_in.script += [EMPTY, page(("x:a", "x:r", "x:b"), ("x:c", "x:r", "x:d"))]
    with pytest.raises(BadInput, match=r"from 3 on are those before .* ignores OFFSET\. Export"):
        list(read_endpoint(stand_in.address))
    problems = []
    stand_in.script[:] = [EMPTY, page(("x:a", "x:r", "x:b"))]
    assert heads(read_endpoint(stand_in.address, problems)) == ["x:a"]
    assert len(problems) == 1


def test_a_server_that_drips_is_given_up(monkeypatch):
    monkeypatch.setattr(endpoint, "TIMEOUT_S", 0.05)
    answer = _Dripping()
    with pytest.raises(endpoint._Again, match="did not end its answer"):
        endpoint._body(answer, "http://x/")
    assert answer.given < 1_000


class _Dripping:
    """An answer that comes byte by byte, and never ends."""

    headers: ClassVar = {}
    given = 0

    def read1(self, size):
        time.sleep(0.01)
        self.given += 1
        return b" "

    def read(self, size):
        return b"".join(self.read1(1) for _ in range(min(size, 3_000)))
