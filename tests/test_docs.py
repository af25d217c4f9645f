"""What the documents say is true: commands parse, Python runs, links and paths lead somewhere."""

import itertools
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from loregraft.cli.main import app
from loregraft.config import _models_at, _options, load_settings
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.text.settings import TextKgeSettings
from loregraft.linking.settings import LinkSettings
from loregraft.recipe.files import packaged_recipe, read_recipe
from loregraft.recipe.settings import Recipe
from loregraft.recipe.sources import find_source

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
KGE_RECIPES = sorted((ROOT / "recipes" / "kge").glob("*.yaml"))
SHELLS = ("bash", "sh", "console", "shell")
FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
NAMES = [str(document.relative_to(ROOT)) for document in DOCUMENTS]


def blocks(text: str, *languages: str) -> Iterator[str]:
    """Yield the fenced blocks of some languages ("" for none)."""
    for indent, language, content in FENCE.findall(text):
        if language.strip().lower() in languages:
            yield "\n".join(line.removeprefix(indent) for line in content.splitlines())


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# Commands


def loregraft_commands(text: str) -> list[list[str]]:
    """List the arguments of each `loregraft ...` in the shell blocks of a document."""
    found = []
    for block in blocks(text, *SHELLS):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|\||[|;]", line.strip().removeprefix("$ ")):
                words = shlex.split(part, comments=True) if "loregraft" in part else []
                while words and re.fullmatch(r"\w+=.*", words[0]):  # OMP_NUM_THREADS=1 loregraft ...
                    words = words[1:]
                if words and Path(words[0]).name == "loregraft":
                    found.append(words[1:])
                elif words[1:3] == ["-m", "loregraft"]:
                    found.append(words[3:])
    return found


def check_command(arguments: list[str]) -> None:
    """Parse a command line as `loregraft` would; nothing is run."""
    group = typer.main.get_command(app)
    if not arguments or arguments[0] in ("-h", "--help"):
        return
    context = group.make_context("loregraft", list(arguments[:1]))
    command = group.get_command(context, arguments[0])
    assert command is not None, f"there is no command {arguments[0]!r}"
    if not {"-h", "--help"} & set(arguments):
        command.make_context(arguments[0], list(arguments[1:]), parent=context)
    for before, change in itertools.pairwise(arguments):
        if before == "--set":
            check_key(change.partition("=")[0], settings_of(arguments))


def settings_of(arguments: list[str]) -> type[BaseModel]:
    if arguments[0] == "link":
        return LinkSettings
    if arguments[0] != "kge":
        return Recipe
    return TextKgeSettings if arguments[1] == "train-text" else KgeSettings


def check_key(name: str, settings: type[BaseModel]) -> None:
    *place, last = name.split(".")
    models = _models_at(settings, tuple(place))
    known = {field for model in models for field in model.model_fields}
    assert last in known or not models, f"there is no setting {name!r}"


@pytest.mark.parametrize("name", NAMES)
def test_every_command_in_the_documents_is_one(name):
    for arguments in loregraft_commands(read(name)):
        try:
            check_command(arguments)
        except Exception as error:
            pytest.fail(f"{name}: loregraft {shlex.join(arguments)}: {error}")


def test_a_wrong_command_would_be_found():
    text = "```bash\n$ loregraft run r.yaml --set seed=1 # words\nA=1 loregraft verify \\\n  out && ls\n```\n"
    assert loregraft_commands(text) == [["run", "r.yaml", "--set", "seed=1"], ["verify", "out"]]
    for right in loregraft_commands(text):
        check_command(right)
    of_settings = ("run r.yaml --set sed=1", "kge train g o --set sed=1", "kge train-text g o --set dim=1")
    for wrong in ("graft", "run", "run r.yaml --fast", "prove r.yaml --seeds x", *of_settings):
        with pytest.raises(Exception):  # noqa: B017 - whatever the parser raises
            check_command(wrong.split())


def test_every_make_target_in_the_documents_is_one():
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    for name in NAMES:
        for block in blocks(read(name), *SHELLS):
            for line in block.splitlines():
                words = shlex.split(line.strip().removeprefix("$ "), comments=True)
                used = (
                    [word for word in words[1:] if re.fullmatch("[a-z]+", word)]
                    if words[:1] == ["make"]
                    else []
                )
                assert set(used) <= targets, f"{name}: {line}"


def test_every_command_is_documented():
    text = "\n".join(read(name) for name in NAMES)
    if len(read("README.md").splitlines()) < 10:
        pytest.skip("the README is not written yet")
    for command in typer.main.get_command(app).commands:
        assert f"loregraft {command}" in text or f"make {command}" in text, command


# Python


@pytest.mark.parametrize("name", [name for name in NAMES if any(blocks(read(name), "python", "py"))])
def test_python_in_the_documents_runs(name, small_world, monkeypatch):
    monkeypatch.chdir(small_world)
    names: dict[str, object] = {"__name__": "__main__"}
    for number, block in enumerate(blocks(read(name), "python", "py"), start=1):
        exec(compile(block, f"{name}, Python block {number}", "exec"), names)


# Links and paths


def anchors(text: str) -> set[str]:
    """Give the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.*)$", FENCE.sub("", text), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name):
    for target in LINK.findall(FENCE.sub("", read(name))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / name).parent / path if path else ROOT / name
        assert found.exists(), f"{name}: {target}"
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found.read_text(encoding="utf-8")), f"{name}: {target}"


def tree_paths(block: str) -> Iterator[str]:
    """Yield the paths that an annotated tree draws: the first word of each line, joined by indentation."""
    above: list[tuple[int, str]] = []
    for line in re.sub("[│├└─]", " ", block).splitlines():
        if not line.strip():
            continue
        indent, first = len(line) - len(line.lstrip()), line.split()[0]
        above = [(depth, path) for depth, path in above if depth < indent]
        path = (above[-1][1] if above else "") + first
        if first.endswith("/"):
            above.append((indent, path))
        yield path


def test_the_tree_in_the_readme_is_the_real_one():
    for block in blocks(read("README.md"), "", "text"):
        if block.startswith("src/loregraft/"):
            assert [path for path in tree_paths(block) if not (ROOT / path).exists()] == []
            drawn = {Path(path).name for path in tree_paths(block)}
            folders = (
                path for path in (ROOT / "src" / "loregraft").iterdir() if (path / "__init__.py").exists()
            )
            assert {folder.name for folder in folders} <= drawn, "every folder is in the tree"


# Recipes


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_loads_and_comes_with_the_package(path):
    recipe = read_recipe(path)
    assert recipe.graph.sources
    assert read_recipe(packaged_recipe(path.stem)) == recipe


@pytest.mark.parametrize(
    "path", sorted((ROOT / "recipes" / "kge").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_recipe_of_vectors_loads_and_makes_its_model(path):
    settings = load_settings(KgeSettings, path)
    assert path.stem.split("-")[1] in settings.model
    Tables.start(2, 1, settings)


@pytest.mark.parametrize("name", ["demo", "demo-20-minutes"])
def test_what_the_demo_reads_is_installed(name):
    recipe = read_recipe(packaged_recipe(name))
    for source in (recipe.encoder.path, *(source.path for source in recipe.graph.sources)):
        assert find_source(source, Path()).exists()


def test_the_recipe_for_ones_own_files_runs(small_world, commands):
    shutil.copy(packaged_recipe("own-tsv"), small_world / "own.yaml")
    small = (
        "pretrain.steps=2",
        "pretrain.batch=8",
        "encoder.path=encoder",
        "threads=1",
        "evaluate.resamples=100",
    )
    changes = [word for change in small for word in ("--set", change)]
    ran = commands.run("run", "own.yaml", "-q", *changes, cwd=small_world)
    assert ran.code == 0, ran.err
    assert (small_world / "out" / "mine" / "model" / "model.safetensors").is_file()


def described(model: type[BaseModel], place: str = "") -> Iterator[tuple[str, str | None]]:
    """Yield every key of a settings model, those of its groups too, with its description."""
    for name, info in model.model_fields.items():
        yield f"{place}{name}", info.description
        for inner in (
            part
            for option in _options(info.annotation)
            for part in (option, *getattr(option, "__args__", ()))
        ):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from described(inner, f"{place}{name}.")


def test_every_key_of_a_recipe_is_described():
    keys = dict(described(Recipe))
    assert {"pretrain.loop.learning_rate", "graph.sources.path", "encoder.sha256"} <= set(keys)
    assert [key for key, description in keys.items() if not (description or "").strip()] == []
