"""Only SPARQL that reads this graph comes through, however it is written."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.sparql.guard import MAX_CHARACTERS, guard
from loregraft.kg.sparql.names import KNOWN

FINE = [
    "SELECT ?service ?from WHERE { ?service ?load ?from }",
    "PREFIX ex: <http://x/> SELECT * { ?s ex:from ex:service, ex:load }",
    'SELECT * { ?s ?p "SERVICE <http://x> { }" }',
    "SELECT * { ?s ?p '''LOAD\n<http://x> ' '' FROM''' }",
    'SELECT * { ?s ?p """a "" \\""" SERVICE""" }',
    "SELECT * { ?s <http://x/SERVICE/load> ?o } # SERVICE <http://x> { }",
    "# FROM\nASK { }",
    "select * where { ?s a ?o filter(?s<?o && ?o>=?s) }",
    "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }",
    "DESCRIBE <HP:1>",
    'SELECT * { ?s ?p "\\u0053ERVICE" , <\\u0053ERVICE:1> }',
    "SELECT * { ?r <urn:p> <<( ?s ?p ?o )>> . ?s <urn:a>*/^<urn:b>? ?x }",
    "SELECT (COUNT(*) AS ?n) { ?s ?p 1.5e3, .5, 2. } GROUP BY ?s HAVING(?n > 1) ORDER BY DESC(?n) LIMIT 5",
    "PREFIX ex: <http://x/> SELECT * { ?s rdfs:label ?n . ex:SERVICE ex:service%41\\-b id:FROM }",
    "SELECT * { VALUES ?v {'''''a''\"b\"'''\"c\"\"\"'d\\u00e9\\n\\\\'''} }",
    'VERSION "1.2" BASE <http://x/a/b> PREFIX a: <c> BASE <d#> PREFIX : <> ASK { a:b :c <e> }',
    'SELECT * { ?s ?p "x"@en-GB, "1"^^<urn:t>, true, _:b.1, [] }',
    "BASE <http://x/> PREFIX : <y#> SELECT * { :a\\-b :b :c.d }",
]

REFUSED = {
    "SELECT * { SERVICE <http://x> { ?s ?p ?o } }": "SERVICE",
    "SELECT * { service silent ?s { ?s ?p ?o } }": "service",
    "SELECT * {SERVICESILENT<http://x>{?s ?p ?o}}": "SERVICESILENT",
    "PREFIX ex: <http://x/> SELECT * {SERVICEex:a{?s ?p ?o}}": "SERVICEex",
    "PREFIX SERVICE: <u:> PREFIX : <http://x/> SELECT * {SERVICE:a{?s ?p ?o}}": "SERVICE",
    "PREFIX ex: <http://x/> SELECT * {?s ?p trueSERVICEex:a{?s ?p ?o}}": "trueSERVICEex",
    "SELECT * {?s ?p 1SERVICE<http://x>{?s ?p ?o}}": "SERVICE",
    "SELECT * {?s ?p 1e1SERVICE<http://x>{?s ?p ?o}}": "SERVICE",
    "SELECT * {?s ?p ?o #\rSERVICE <http://x>{?s ?p ?o}\n}": "SERVICE",
    "SELECT * { ?s ?p ?o } ; LOAD <http://x>": "LOAD",
    "SELECT * FROM <http://x> { ?s ?p ?o }": "FROM",
    "SELECT *FROMNAMED<http://x>{ ?s ?p ?o }": "FROMNAMED",
    "ASK FROM NAMED <http://x> { }": "FROM",
    "LOAD <http://x>": "LOAD",
    "INSERT DATA { <a:b> <a:b> <a:b> }": "INSERT",
    "PREFIX a: <a:> DELETE WHERE { ?s ?p ?o }": "DELETE",
    "CLEAR ALL": "CLEAR",
    "DROP GRAPH <a:b>": "DROP",
    "CREATE GRAPH <a:b>": "CREATE",
    "COPY DEFAULT TO <a:b>": "COPY",
    "MOVE DEFAULT TO <a:b>": "MOVE",
    "ADD DEFAULT TO <a:b>": "ADD",
    "WITH <a:b> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }": "WITH",
}


@pytest.mark.parametrize("text", FINE)
def test_a_query_that_only_looks_bad_comes_through_as_it_is(text):
    import pyoxigraph

    store = pyoxigraph.Store()
    meant, found = store.query(text, prefixes=KNOWN), store.query(guard(text))
    if isinstance(meant, pyoxigraph.QuerySolutions):
        assert list(map(str, found)) == list(map(str, meant))


def test_names_are_written_in_full_and_mean_the_same():
    """With CONSTRUCT the parser tells what it has read."""
    import pyoxigraph

    text = r"""BASE <http://x/a/b> PREFIX a: <c> PREFIX ex: <http://h\u00e9/> BASE <d#> PREFIX : <#e>
    CONSTRUCT { a:b a: :c . ex:SERVICE ex:a\-b%41 ex:c.d . <e> id:from id:%C3, rdf: .
    ex: ex:p '''a
    "b" \u00e9\t\\\\''\'''', "''", ''@en, 'x'^^ex:t } WHERE {}"""
    store = pyoxigraph.Store()
    meant, found = set(store.query(text, prefixes=KNOWN)), set(store.query(guard(text)))
    assert found == meant and len(found) == 8
    assert "http://hé/SERVICE" in {triple.subject.value for triple in found}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("PREFIX a: <http://h:1>\nASK { a: a:* a:SERVICE <http://x> { ?x ?y ?z } }", "'a:SERVICE' means"),
        ("ASK {\n?s ?p '''a' SERVICE <http://x> { } \\z''' }", r"the escape '\\\\z'"),
        ("ASK {\n?s ?p '''a' SERVICE <http://x> { } \\uD800''' }", r"the escape '\\\\uD800'"),
        ("ASK {\n?s ?p '''a' SERVICE <http://x> { } \\u12''' }", r"the escape '\\\\u'"),
        ("ASK {\n?s ?p '\\U00110000' }", "the escape"),
        ("ASK {\nex:a ?p ?o }", "the prefix 'ex' is not declared"),
        ("ASK {\n:a ?p ?o }", "the prefix '' is not declared"),
        ("BASE <http://x/>\nPREFIX a: b:c ASK {}", "PREFIX without a name or an address"),
        ("BASE <http://x/>\nPREFIX SELECT <http://x> ASK {}", "PREFIX without a name or an address"),
        ("#\nPREFIX a: <b> ASK {}", "'<b>' is no address"),
        ("#\nPREFIX a: <http://h:x/> ASK {}", "is no address"),
    ],
)
def test_what_the_parser_could_read_otherwise_is_refused(text, found):
    with pytest.raises(BadInput, match=found) as caught:
        guard(text)
    assert (caught.value.line, caught.value.fix[-1] in ".?") == (2, True)


def test_a_query_that_is_not_utf_8_is_refused():
    with pytest.raises(BadInput, match="not UTF-8"):
        guard("ASK { ?s ?p '\udcff' }")


@pytest.mark.parametrize("text", REFUSED)
def test_what_reaches_out_or_changes_is_refused(text):
    with pytest.raises(BadInput) as caught:
        guard(text)
    assert repr(REFUSED[text]) in caught.value.found or REFUSED[text] in caught.value.found.split()
    assert caught.value.line == (1 if "\n" not in text else caught.value.line)
    assert caught.value.fix.endswith((".", "?"))


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("SELECT *\n{ \\u0053ERVICE <http://x> {} }", 2, r"the escape '\\\\u0053' outside a string"),
        ("SELECT *\n{ ?s ?p 'open }", 2, "a string without an end"),
        ("SELECT *\n\n{ ?s ?p `x` }", 3, "the character '`'"),
        ("SELECT *\n{ ?s\u00a0?p ?o }", 2, r"the character '\\xa0'"),
        ("FILTER SELECT", 1, "the query starts with FILTER"),
        ("PREFIX a: <a:>", 0, "there is no query in it"),
        ("", 0, "there is no query in it"),
        ("SELECT * { ?s ?p ?o } OPTIONEL { }", 1, "SPARQL has no word 'OPTIONEL'"),
        (" " * (MAX_CHARACTERS + 1), 0, "a query of 262,145 characters"),
    ],
)
def test_the_error_says_where_and_what(text, line, found):
    with pytest.raises(BadInput, match=found) as caught:
        guard(text)
    assert (caught.value.line, caught.value.fix[-1] in ".?") == (line, True)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * {?a ?b ?c FILTER(?c<5)SERVICE#>\n<ADDRESS>{?s ?p ?o}}",
        'SELECT * {?a ?b ?c FILTER(?c<\'>"""\')SERVICE<ADDRESS>{?s ?p ?o}#"""\n}',
        'SELECT * {?a ?b ?c FILTER(5<5)#>"""\nSERVICE<ADDRESS>{?s ?p ?o}#"""\n}',
        "SELECT * {?a ?b ?c FILTER(5<<'>)SERVICE<ADDRESS>{?s ?p ?o}#'\n}",
        "SELECT * {?a ?b ?c FILTER(5<<('>)SERVICE<ADDRESS>{?s ?p ?o}#'\n}",
    ],
)
def test_an_address_that_may_be_a_comparison_is_only_an_address(text):
    """The grammar's longest token is an address; the parser of pyoxigraph takes `<` for "less"."""
    import pyoxigraph

    with pytest.raises(SyntaxError):
        pyoxigraph.Store().query(guard(text))


PIECES = [
    *(
        "SERVICE",
        "<http://127.0.0.1:9/>",
        "{",
        "}",
        "(",
        ")",
        "<",
        ">",
        "<=",
        "<<(",
        "'",
        '"',
        '"""',
        "'''",
        "#",
    ),
    *("\n", " ", "?a", "5", "FILTER", "ex:a", "\\", "?s ?p ?o", ".", "SELECT * {", "true", "PREFIX ex: <e:>"),
    *("s:SERVICE ", "h:SERVICE", "h:", "s:p*", "}}", "\\z", "\\uD800", "VALUES ?v {", "?s ?p", "''", "'a'"),
]


def test_the_guard_takes_time_linear_in_the_length():
    for piece in ("a.", "ex:a.", "rdf:a.", "\\u0061", "'''a'''", "<", '"" ', "_:a. ", "?a<", "a" * 50 + " "):
        text = f"SELECT * {{ {piece * (100_000 // len(piece))} }}"
        started = time.process_time()
        with contextlib.suppress(BadInput):
            guard(text)
        assert time.process_time() - started < 4, piece


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_whatever_comes_through_asks_no_server(pieces):
    """An address that answers nothing makes a call fail at once, with an error that is not of syntax."""
    import pyoxigraph

    try:
        names = "PREFIX h: <http://h:1> PREFIX s: <http://h/> PREFIX ex: <e:> "
        safe = guard(names + "SELECT * {?s ?p ?o " + "".join(pieces) + "}")
    except BadInput:
        return
    store = pyoxigraph.Store()
    store.add(pyoxigraph.Quad(*[pyoxigraph.NamedNode("u:u")] * 3))
    try:
        list(store.query(safe))
    except SyntaxError:
        return
    except OSError as error:
        raise AssertionError(safe) from error
