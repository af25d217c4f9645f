"""Whatever is wrong with what a person gives: exit code 2, one line with place, finding and fix."""

import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from loregraft.artifact import verify

OBO = 'format-version: 1.2\n\n[Term]\nid: A:1\nname: one\nsynonym: "eins EXACT []\n'


@dataclass
class Wrong:
    """A mistake: how to make it in a small world, and what the error must say."""

    name: str
    spoil: Callable[[Path], object]
    says: tuple[str, ...]
    arguments: tuple[str, ...] = ()


def put(name: str, content: str | bytes) -> Callable[[Path], object]:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda world: (world / name).write_bytes(data)


def change(old: str, new: str, name: str = "recipe.yaml") -> Callable[[Path], object]:
    def edit(world: Path) -> None:
        text = (world / name).read_text(encoding="utf-8")
        assert old in text
        (world / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def add(line: str | bytes, name: str = "names.tsv") -> Callable[[Path], object]:
    data = line if isinstance(line, bytes) else line.encode()
    return lambda world: (world / name).write_bytes((world / name).read_bytes() + data + b"\n")


def source(name: str, content: str | bytes) -> Callable[[Path], object]:
    """Make a file the only source."""

    def edit(world: Path) -> None:
        put(name, content)(world)
        change("    - path: names.tsv\n    - path: triples.tsv\n", f"    - path: {name}\n")(world)

    return edit


def both(*steps: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda world: [step(world) for step in steps]


def nothing(world: Path) -> None:
    pass


def without_synonyms(world: Path) -> None:
    lines = (world / "names.tsv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "\tlay\t" not in line and "\texact\t" not in line]
    (world / "names.tsv").write_text("\n".join(kept) + "\n", encoding="utf-8")


def few(world: Path) -> None:
    put("names.tsv", "id\tname\na\tAda\na\tLady\nb\tBo\nb\tBob\n")(world)
    put("triples.tsv", "a\tknows\tb\n")(world)
    change("held_out: 0.2", "held_out: 0.5")(world)


MISTAKES = [
    Wrong("no recipe", lambda w: (w / "recipe.yaml").unlink(), ("recipe.yaml: there is no such file",)),
    Wrong("missing source", lambda w: (w / "names.tsv").unlink(), ("names.tsv: there is no such file",)),
    Wrong("empty source", put("triples.tsv", ""), ("triples.tsv: there is nothing in it",)),
    Wrong("folder as source", change("names.tsv", "encoder"), ("encoder: this is a folder, not a file",)),
    Wrong(
        "unknown format", put("triples.tsv", "just words\n"), ("triples.tsv: no known format", "just words")
    ),
    Wrong(
        "unknown format name",
        change("- path: triples.tsv", "- {path: triples.tsv, format: ob}"),
        ("triples.tsv: there is no format 'ob'", "'obo'"),
    ),
    Wrong("no entity", source("x.obo", "format-version: 1.2\n"), ("the source holds no entity",)),
    Wrong("header only", put("names.tsv", "id\tname\n"), ("names.tsv: the source holds no entity",)),
    Wrong(
        "nameless", add("C:500\t\t\t"), ("names.tsv, line {last}", "name-less entity: 'C:500'", "or remove")
    ),
    Wrong("unknown kind", add("C:500\tx\tlai\t"), ("names.tsv, line {last}", "kind of name 'lai'", "'lay'")),
    Wrong("columns", add("C:500\tx"), ("names.tsv, line {last}: expected 4 columns", "found 2")),
    Wrong("triple", add("a b c", "triples.tsv"), ("triples.tsv, line 221: expected 3 fields, found 1",)),
    Wrong("not utf-8", add(b"C:500\t\xff\xfe\tlay\t"), ("names.tsv, line {last}", "not UTF-8", "Save")),
    Wrong("nul bytes", put("names.tsv", b"\x00" * 4096), ("names.tsv",)),
    Wrong("malformed obo", source("x.obo", OBO), ("x.obo, line 6: ", "quotes")),
    Wrong("binary obo", source("x.obo", bytes(range(256))), ("x.obo, line ",)),
    Wrong("cut zst", source("x.json.zst", b"\x28\xb5\x2f\xfd\x00"), ("x.json.zst",)),
    Wrong("broken yaml", change("encoder:", "encoder: ["), ("recipe.yaml, line ", "this is not YAML")),
    Wrong("tab in yaml", change("  steps", "\tsteps"), ("recipe.yaml, line ", "Use spaces, not tabs.")),
    Wrong(
        "unknown key", change("steps", "stepps"), ("recipe.yaml, line 16", "Did you mean 'pretrain.steps'")
    ),
    Wrong("wrong type", change("steps: 6", "steps: six"), ("recipe.yaml, line 16", '"six"', "whole number")),
    Wrong("out of range", change("held_out: 0.2", "held_out: 2"), ("recipe.yaml, line 19", "less than 1")),
    Wrong(
        "unknown set",
        nothing,
        ("--set pretrain.mintues=5", "'pretrain.minutes'"),
        ("--set", "pretrain.mintues=5"),
    ),
    Wrong("set without value", nothing, ("--set seed: ", "name=value"), ("--set", "seed")),
    Wrong("set of a wrong type", nothing, ("--set seed=x", "whole number"), ("--set", "seed=x")),
    Wrong(
        "no source",
        change("  sources:\n    - path: names.tsv\n    - path: triples.tsv\n", "  text: []\n"),
        ("names no source",),
    ),
    Wrong("no encoder", lambda w: shutil.rmtree(w / "encoder"), ("encoder: there is no such file", "recipe")),
    Wrong(
        "empty encoder",
        both(lambda w: shutil.rmtree(w / "encoder"), lambda w: (w / "encoder").mkdir()),
        ("encoder: there is no config.json",),
    ),
    Wrong(
        "encoder is a file",
        change("path: encoder", "path: names.tsv"),
        ("names.tsv: there is no such encoder folder",),
    ),
    Wrong(
        "no tokenizer",
        lambda w: (w / "encoder" / "tokenizer.json").unlink(),
        ("encoder: the encoder folder has no tokenizer", "save_pretrained"),
    ),
    Wrong("broken tokenizer", put("encoder/tokenizer.json", "{"), ("encoder: the tokenizer cannot be read",)),
    Wrong("broken config", put("encoder/config.json", "{"), ("encoder/config.json: not a JSON object",)),
    Wrong(
        "no weights",
        lambda w: (w / "encoder" / "model.safetensors").unlink(),
        ("encoder: the encoder folder has no safetensors",),
    ),
    Wrong(
        "cut weights", put("encoder/model.safetensors", b"\x00" * 100), ("encoder: the model cannot be read",)
    ),
    Wrong(
        "wrong sha256",
        change("path: encoder", f"path: encoder\n  sha256: {'ab' * 32}"),
        ("model.safetensors: the sha256", "ab" * 32, "encoder.sha256"),
    ),
    Wrong(
        "prefix", change("held_out: 0.2", 'prefix: "HP:"'), ("no entity's id starts with 'HP:'", "such as C:")
    ),
    Wrong(
        "held out too small",
        change("held_out: 0.2", "held_out: 0.001"),
        ("120 entities is none to hold out", "evaluate.held_out"),
    ),
    Wrong("no synonyms", without_synonyms, ("no held-out entity has a second name", "evaluate.held_out")),
    Wrong("too few", few, ("entities cannot be shuffled apart", "more entities")),
    Wrong(
        "missing text", change("graph:", "graph:\n  text: [notes.txt]"), ("notes.txt: there is no such file",)
    ),
    Wrong(
        "text not utf-8",
        both(put("notes.txt", b"fine\nbad \xff\n"), change("graph:", "graph:\n  text: [notes.txt]")),
        ("notes.txt, line 2: byte 5 (0xff) is not UTF-8", "Save"),
    ),
    Wrong(
        "text is a folder",
        change("graph:", "graph:\n  text: [encoder]"),
        ("encoder: this is a folder, not a file",),
    ),
    Wrong(
        "missing package",
        change("path: names.tsv", "path: package:no_such_package/x"),
        ("'no_such_package' is not installed", "pip install 'loregraft[demo]'"),
    ),
    Wrong(
        "out under a file",
        put("occupied", "precious"),
        ("occupied/out: a file is in the way", "--out"),
        ("--out", "occupied/out"),
    ),
    Wrong(
        "out is a file",
        put("occupied", "precious"),
        ("occupied: a file is in the way", "--out"),
        ("--out", "occupied"),
    ),
    Wrong("out where nobody may write", nothing, ("/proc/out: ",), ("--out", "/proc/out")),
    Wrong("set to nothing", nothing, ("--set graph=null: graph is empty",), ("--set", "graph=null")),
    Wrong(
        "learning rate",
        nothing,
        ("the loss is nan at step 2 (objective: alignment, anchor). Lower loop.learning_rate",),
        ("--set", "pretrain.loop.learning_rate=1e30"),
    ),
]


@pytest.mark.parametrize("wrong", MISTAKES, ids=[wrong.name for wrong in MISTAKES])
def test_a_mistake_ends_with_one_line_that_helps(wrong, small_world, commands):
    wrong.spoil(small_world)
    ran = commands.run("run", "recipe.yaml", *wrong.arguments, cwd=small_world)
    assert ran.code == 2, ran.err
    assert "Traceback" not in ran.err
    last = ran.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert len(re.findall("^error", ran.err, re.MULTILINE)) == 1
    lines = (
        len((small_world / "names.tsv").read_bytes().splitlines()) if "{last}" in "".join(wrong.says) else 0
    )
    for part in wrong.says:
        assert part.replace("{last}", str(lines)) in last
    assert last.endswith((".", "?", "'", ")")), "it ends with what to do"
    assert ran.out == ""
    out = small_world / "out"
    assert [path for path in out.rglob(".*") if path.name not in (".lock",)] == []
    assert {
        card.parent.name: verify(card.parent) for card in out.rglob("card.json") if verify(card.parent)
    } == {}
    assert not (out / "results.json").exists()
    occupied = small_world / "occupied"
    assert not occupied.exists() or occupied.read_text() == "precious"


FULL_AT = [5_000, 20_000, 50_000, 120_000]
"""Bytes that a file may have: too few for the graph's tables, then for a model, then for the report."""


@pytest.mark.parametrize("file_bytes", FULL_AT)
def test_a_full_disk_is_said_and_the_same_command_goes_on(file_bytes, small_world, commands):
    ran = commands.run("run", "recipe.yaml", cwd=small_world, file_bytes=file_bytes)
    assert ran.code == 2, ran.err
    assert "Traceback" not in ran.err
    last = ran.err.splitlines()[-1]
    assert last.startswith("error: out/") and "the disk is full. Free some space" in last
    out = small_world / "out"
    assert [path for path in out.rglob("*.writing")] == []
    assert {
        card.parent.name: verify(card.parent) for card in out.rglob("card.json") if verify(card.parent)
    } == {}
    if file_bytes == FULL_AT[-1]:
        assert commands.run("run", "recipe.yaml", cwd=small_world).code == 0


def test_a_full_disk_at_the_report_keeps_the_old_one(finished_world, commands):
    report = finished_world / "out" / "report.html"
    before = report.read_bytes()
    ran = commands.run("run", "recipe.yaml", cwd=finished_world, file_bytes=60_000)
    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("error: out/report.html: the disk is full.")
    assert report.read_bytes() == before


def test_bad_lines_are_left_out_and_counted_when_asked(small_world, commands):
    add("C:500\t\t\t")(small_world)
    add("a b c", "triples.tsv")(small_world)
    running = commands.start("run", "recipe.yaml", "--set", "graph.skip_bad=true", cwd=small_world)
    assert running.until("2 bad lines left out"), running.err
    running.end(signal.SIGKILL)
