"""`loregraft link run`: what it reads, writes and shows, and what it says of what cannot be read."""

import gzip
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loregraft.linking.linker import Linker

TEXTS = ["Fever came.", "Nothing.", "bronchial asthma and fever"]
WANTED = [["P:1"], [], ["D:3", "P:1"]]
ROWS = [{"id": number, "body": text} for number, text in enumerate(TEXTS)]


@pytest.fixture
def folder(tiny_graph, tmp_path):
    Linker.build(tiny_graph).with_settings(nil=0.0).save(tmp_path / "linker")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    return tmp_path


def entities(lines):
    return [[link["entity"] for link in json.loads(line)["links"]] for line in lines]


def test_every_format_is_read(folder, commands):
    (folder / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, ROWS)).encode()))
    (folder / "a.csv").write_text("id,body\n" + "".join(f"{row['id']},{row['body']}\n" for row in ROWS))
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "a.parquet")
    files = ("texts.txt", "a.jsonl.gz", "a.csv", "a.parquet")
    ran = commands.run("link", "run", "linker", *files, "--column", "body", cwd=folder)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert entities(lines) == WANTED * 4
    assert [json.loads(line).get("id") for line in lines] == [None] * 3 + [0, 1, 2, "0", "1", "2", 0, 1, 2]
    assert "12 texts, 12 links" in ran.err and "could not be read" not in ran.err


def test_every_format_is_written_and_nothing_is_replaced_unasked(folder, commands):
    for name in ("a.jsonl", "a.jsonl.gz", "a.parquet", "a.html"):
        ran = commands.run("link", "run", "linker", "texts.txt", "--out", f"new/{name}", cwd=folder)
        assert (ran.code, ran.out) == (0, ""), ran.err
    assert entities((folder / "new" / "a.jsonl").read_text().splitlines()) == WANTED
    assert entities(gzip.decompress((folder / "new" / "a.jsonl.gz").read_bytes()).splitlines()) == WANTED
    links = pq.read_table(folder / "new" / "a.parquet")["links"].to_pylist()
    assert [[link["entity"] for link in row] for row in links] == WANTED
    page = (folder / "new" / "a.html").read_text()
    assert page.count("<article>") == 3 and re.search(
        'title="Bronchial asthma \\(D:3\\)', page, re.IGNORECASE
    )

    again = ("link", "run", "linker", "texts.txt", "--out", "new/a.jsonl")
    refused = commands.run(*again, cwd=folder)
    assert refused.code == 2 and "it exists already" in refused.err and "--force" in refused.err
    assert commands.run(*again, "--force", cwd=folder).code == 0


def test_the_same_links_on_several_workers(folder, commands):
    alone, together = (
        commands.run("link", "run", "linker", "texts.txt", "--workers", workers, cwd=folder)
        for workers in (1, 2)
    )
    assert together.code == 0, together.err
    assert alone.out == together.out


def test_rows_that_cannot_be_read_are_counted_and_the_first_named(folder, commands):
    bad = [b"no JSON", b'{"id": 1}', b"caf\xe9", b'{"text": 1}', b"{"]
    (folder / "a.jsonl").write_bytes(b"\n".join([*bad[:2], b'{"text": "Fever"}', *bad[2:]]))
    (folder / "binary.txt").write_bytes(b"\0\1")
    ran = commands.run("link", "run", "linker", "a.jsonl", "binary.txt", "texts.txt", cwd=folder)
    assert ran.code == 0 and entities(ran.out.splitlines()) == [["P:1"], *WANTED]
    assert re.findall(r"^a\.jsonl, line (\d)", ran.err, re.MULTILINE) == ["1", "2", "4"]
    assert "6 rows could not be read" in ran.err and "binary.txt" not in ran.err


def test_where_nothing_can_be_read_nothing_is_written(folder, commands):
    (folder / "binary.txt").write_bytes(b"\0\1")
    (folder / "old.jsonl").write_text("old")
    ran = commands.run("link", "run", "linker", "binary.txt", "--out", "old.jsonl", "--force", cwd=folder)
    assert ran.code == 1 and "1 row could not be read" in ran.err
    assert "binary.txt, line 1: a NUL byte: this is a binary file, not text" in ran.err
    assert (folder / "old.jsonl").read_text() == "old"
    (folder / "empty.txt").write_text("")
    empty = commands.run("link", "run", "linker", "empty.txt", cwd=folder)
    assert (empty.code, empty.out) == (1, "") and "0 texts, 0 links" in empty.err


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["none.txt"], "there is no such file"),
        (["a.csv"], "there are 'id', 'body'"),
        (["texts.txt", "--out", "a.xlsx"], "End it with one of .jsonl, .jsonl.gz, .parquet, .html"),
        (["texts.txt", "--out", "a.jsonl", "--json"], "--json is for what is printed"),
        (["b.jsonl", "--out", "b.jsonl", "--force"], "it is what is read"),
    ],
)
def test_what_is_wrong_is_said_before_a_linker_is_opened(folder, commands, arguments, found):
    (folder / "a.csv").write_text("id,body\n1,x\n")
    (folder / "b.jsonl").write_text('{"text": "Fever"}')
    ran = commands.run("link", "run", "no-linker", *arguments, cwd=folder)
    assert ran.code == 2 and found in ran.err


def test_a_kill_leaves_the_older_file(folder, commands):
    (folder / "many.txt").write_text("Fever came.\n" * 200_000)
    (folder / "a.jsonl").write_text("old")
    started = commands.start("link", "run", "linker", "many.txt", "--out", "a.jsonl", "--force", cwd=folder)
    building = folder / ".a.jsonl.writing"
    while not (building.exists() and building.stat().st_size):
        assert started.err.count("error") == 0
    assert started.end(signal.SIGKILL).code == -signal.SIGKILL
    assert (folder / "a.jsonl").read_text() == "old"


def on_a_terminal(folder, *arguments, **streams):
    """Run a command with a terminal for some streams; give its exit code and what was shown there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "loregraft", "link", "run", "linker", *arguments]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    environment.pop("NO_COLOR", None)
    streams = {name: theirs if where == "terminal" else where for name, where in streams.items()}
    shown = []

    def collect():
        while True:
            try:
                shown.append(os.read(ours, 65_536))
            except OSError:  # the other side is closed
                return

    reader = threading.Thread(target=collect)
    reader.start()
    ended = subprocess.run(command, cwd=folder, env=environment, check=False, **streams)
    os.close(theirs)
    reader.join()
    os.close(ours)
    return ended.returncode, b"".join(shown).decode()


def test_a_terminal_shows_the_links_in_colour(folder):
    code, shown = on_a_terminal(folder, "texts.txt", stdout="terminal", stderr=subprocess.DEVNULL)
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert code == 0 and "\x1b[36m" in shown
    assert re.fullmatch(r"\[Fever\|P:1 \d\.\d\d\] came\.\r\nNothing\.\r\n\[.*\] and \[fever\|.*\r\n", plain)
    _, as_json = on_a_terminal(folder, "texts.txt", "--json", stdout="terminal", stderr=subprocess.DEVNULL)
    assert entities(as_json.splitlines()) == WANTED


def test_a_bar_on_a_terminal_does_not_get_into_the_output(folder):
    (folder / "bad.jsonl").write_text("no JSON\n")
    with (folder / "links.jsonl").open("w") as file:
        code, shown = on_a_terminal(folder, "bad.jsonl", "texts.txt", stdout=file, stderr="terminal")
    assert code == 0 and entities((folder / "links.jsonl").read_text().splitlines()) == WANTED
    assert "left" in shown and "bad.jsonl, line 1: no JSON" in shown and "1 row could not be read" in shown


def test_links_that_nest_and_cross_are_shown_in_a_line():
    from loregraft.cli.link_run import in_colour
    from loregraft.linking.texts.rows import TextRow
    from loregraft.records import Link, Mention

    def shown(text, *places):
        links = [Link(Mention(a, b, text[a:b]), entity, 0.5) for a, b, entity in places]
        return re.sub(r"\x1b\[[\d;]*m", "", in_colour(TextRow(text, 7), links))

    assert shown("ab\ncd", (0, 5, "X"), (0, 2, "Y")) == "7: [[ab|Y 0.50]\\ncd|X 0.50]"
    assert shown("abcd", (0, 3, "X"), (1, 4, None)) == "7: [a[bc…]|X 0.50][…d|none 0.50]"
