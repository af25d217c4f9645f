"""Settings files: every mistake has its line, and what is written reads back equal."""

import contextlib
import math
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator

from loregraft.config import dump_settings, load_settings
from loregraft.errors import BadInput, LoregraftError

LONG = "x" * 500


class Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pretrain(Group):
    minutes: float = Field(3.0, gt=0, description="time of each arm, in minutes")
    scorer: Literal["transe", "distmult"] = Field("transe", description="how triples are scored")
    seed: int = Field(0, ge=0, description="fixes all chance")
    fast: bool = Field(False, description="trade exactness for speed")


class Adapter(Group):
    kind: Literal["adapter"] = "adapter"
    width: int = Field(8, description="units of the bottleneck")


class Plain(Group):
    kind: Literal["plain"] = "plain"


class Recipe(Group):
    title: str = Field("demo", description="what the report is called\nand what its page says first")
    pretrain: Pretrain = Field(Pretrain(), description="learning from the graph")
    folder: Path | None = Field(None, description="where to write")
    stages: list[Pretrain] = Field([], description="several goes, in order")
    weights: dict[str, float] = Field({}, description="how often each kind is drawn")
    limits: tuple[int, ...] = Field((), description="sizes to try")
    named: dict[str, Adapter] = {}
    languages: frozenset[str] = frozenset()
    grid: list[list[int]] = []
    fusion: Annotated[Adapter | Plain, Field(discriminator="kind")] = Field(Plain(), description="the method")


class Needy(Group):
    graph: Path = Field(description="the graph's file.")
    start: int = 0
    stop: int = 9

    @model_validator(mode="after")
    def check_order(self) -> "Needy":
        if self.stop < self.start:
            raise ValueError("start must come before stop")
        return self


@pytest.fixture
def write(tmp_path):
    def write_file(text: str | bytes) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write_file


def refusal(path: Path, *overrides: str, model: type[Group] = Recipe) -> tuple[int, str]:
    with pytest.raises(BadInput) as caught:
        load_settings(model, path, overrides)
    return caught.value.line, str(caught.value).removeprefix(f"{path}").removeprefix(
        f", line {caught.value.line}"
    )


def test_file_and_overrides_make_settings(write):
    path = write("title: run\npretrain:\n  minutes: 5\nstages:\n  - seed: 1\n  - seed: 2\n")
    settings = load_settings(
        Recipe, path, ["pretrain.scorer=distmult", "stages.1.minutes=0.5", "folder=runs/a b"]
    )
    assert settings == Recipe(
        title="run",
        pretrain=Pretrain(minutes=5, scorer="distmult"),
        stages=[Pretrain(seed=1), Pretrain(seed=2, minutes=0.5)],
        folder=Path("runs/a b"),
    )


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "{}"])
def test_an_empty_file_means_all_defaults(write, text):
    assert load_settings(Recipe, write(text)) == Recipe()


def test_bom_and_crlf_are_no_trouble(write):
    assert load_settings(Recipe, write(b"\xef\xbb\xbftitle: a\r\nlimits: [1]\r\n")) == Recipe(
        title="a", limits=(1,)
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [("1e-4", 1e-4), ("1", 1.0), (".5", 0.5), ("2.", 2.0), ("+3e+2", 300.0), (".inf", math.inf)],
)
def test_numbers_are_read_as_people_write_them(write, written, expected):
    assert load_settings(Recipe, write(f"pretrain: {{minutes: {written}}}")).pretrain.minutes == expected
    assert load_settings(Recipe, write(""), [f"pretrain.minutes={written}"]).pretrain.minutes == expected


@pytest.mark.parametrize("word", ["no", "on", "yes", "off", "2026-11-23", "1:30", "0x1f"])
def test_words_stay_words(write, word):
    assert load_settings(Recipe, write(f"title: {word}\n")).title == word
    assert load_settings(Recipe, write(""), [f"title={word}"]).title == word


def test_override_values_stand_as_written_or_are_yaml(write):
    overrides = [
        "title=a: b # c=d",
        "limits=[1, 2]",
        "weights={x: 1}",
        "folder='5'",
        "stages=[{seed: 1}]",
        "stages.0.seed=2",
    ]
    settings = load_settings(Recipe, write(""), overrides)
    assert (settings.title, settings.limits, settings.weights) == ("a: b # c=d", (1, 2), {"x": 1.0})
    assert (settings.folder, settings.stages) == (Path("5"), [Pretrain(seed=2)])


def test_the_last_override_wins_and_null_unsets(write):
    path = write("folder: here")
    assert load_settings(Recipe, path, ["pretrain.seed=1", "pretrain.seed=2", "folder="]).pretrain.seed == 2
    assert load_settings(Recipe, path, ["folder="]).folder is None


# What is refused: an unknown name


@pytest.mark.parametrize(
    ("text", "line", "name", "near"),
    [
        ("titel: a\n", 1, "titel", "'title'"),
        ("title: a\npretrain:\n  seed: 1\n  minuts: 5\n", 4, "pretrain.minuts", "'pretrain.minutes'"),
        ("stages:\n- seed: 1\n- scorr: transe\n", 3, "stages.1.scorr", "'stages.1.scorer'"),
        ("named:\n  mine:\n    widht: 1\n", 3, "named.mine.widht", "'named.mine.width'"),
        ("fusion: {kind: adapter, widht: 1}\n", 1, "fusion.widht", "'fusion.width'"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(write, text, line, name, near):
    assert refusal(write(text)) == (line, f": there is no setting {name!r}. Did you mean {near}?")


def test_an_unknown_override_shows_itself_and_the_full_name(write):
    with pytest.raises(BadInput) as caught:
        load_settings(Recipe, write("title: a"), ["pretrain.minuts=5"])
    expected = (
        "--set pretrain.minuts=5: there is no setting 'pretrain.minuts'. Did you mean 'pretrain.minutes'?"
    )
    assert str(caught.value) == expected
    assert caught.value.path == Path("--set pretrain.minuts=5")


def test_a_name_like_none_lists_some_that_exist(write):
    line, message = refusal(write("pretrain:\n  xyz: 1\n"))
    assert line == 2
    assert message.endswith("Did you mean 'pretrain.fast' or 'pretrain.minutes' or 'pretrain.scorer'?")


# What is refused: a value


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("title: a\npretrain:\n  minutes: -5\n", 3, "pretrain.minutes is -5. It must be greater than 0."),
        ("pretrain:\n  seed: yes\n", 2, 'pretrain.seed is "yes". It must be a whole number.'),
        ("pretrain:\n  seed: true\n", 2, "pretrain.seed is true. It must be a whole number."),
        ('pretrain:\n  seed: "5"\n', 2, 'pretrain.seed is "5". It must be a whole number.'),
        ("pretrain:\n  fast: 1\n", 2, "pretrain.fast is 1. It must be true or false."),
        (
            "pretrain: {scorer: trans}\n",
            1,
            "pretrain.scorer is \"trans\". It must be 'transe' or 'distmult'.",
        ),
        ("pretrain: {minutes: 1e999}\n", 1, 'pretrain.minutes is "1e999". It must be a number.'),
        ("title: 5\n", 1, "title is 5. It must be text. Put it in quotes."),
        ("limits: 5\n", 1, "limits is 5. It must be a list."),
        ("limits: " + LONG, 1, f'limits is "{LONG[:76]}.... It must be a list.'),
        ("limits:\n  - 1\n  - x\n", 3, 'limits.1 is "x". It must be a whole number.'),
        ("weights:\n  a: 1\n  b: x\n", 3, 'weights.b is "x". It must be a number.'),
        ("title: a\npretrain:\n", 2, "pretrain is empty. It must be a group of settings, indented below it."),
    ],
)
def test_bad_values_are_shown_with_what_is_allowed(write, text, line, message):
    assert refusal(write(text)) == (line, f": {message}")


def test_a_bad_override_of_a_good_file_is_blamed_itself(write):
    path = write("pretrain:\n  minutes: 5\n")
    assert refusal(path, "pretrain.minutes=fast")[1].startswith(
        "--set pretrain.minutes=fast: pretrain.minutes is"
    )
    assert refusal(path, "stages=[{seed: -1}]")[1].startswith(
        "--set stages=[{seed: -1}]: stages.0.seed is -1."
    )
    assert refusal(path, "stages.0.seed=1")[1].startswith("--set stages.0.seed=1: stages is")


def test_a_good_override_mends_a_bad_file(write):
    assert (
        load_settings(Recipe, write("pretrain:\n  minutes: -5\n"), ["pretrain.minutes=5"]).pretrain.minutes
        == 5
    )


def test_several_problems_are_counted_and_misspelt_names_come_first(write):
    line, message = refusal(write("graf: kg.tsv\nstart: x\n"), model=Needy)
    assert (line, message) == (
        1,
        ": there is no setting 'graf'. Did you mean 'graph'? (2 more to mend after this one.)",
    )


@pytest.mark.parametrize("text", ["", "start: 1\n"])
def test_a_missing_setting_tells_what_it_is(write, text):
    assert refusal(write(text), model=Needy) == (
        0,
        ": the setting 'graph' is missing. Add it: the graph's file.",
    )


def test_settings_that_do_not_fit_together(write):
    line, message = refusal(write("graph: a\nstart: 5\nstop: 1\n"), model=Needy)
    assert (line, message) == (0, ": the settings do not fit together. start must come before stop.")


# What is refused: the file itself


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: [1, 2\n", 3, "this is not YAML"),
        ("a: 1\n\tb: 2\n", 2, "Use spaces, not tabs."),
        ("title: a\n---\ntitle: b\n", 2, "single document"),
        ("title: &x a\nfolder: *x\n", 2, "write that value here"),
        ("title: !!python/object/apply:os.system [ls]\n", 1, "is not allowed. Remove it."),
        ("title: a\nx\x07: 1\n", 2, "U+0007"),
        ('title: "\\ud800"\n', 1, "half of a character pair"),
        ("[1]: 2\n", 1, "no name"),
        ("- 1\n- 2\n", 1, "expected settings, found [1, 2]"),
        ("limits: " + "[" * 60 + "]" * 60, 1, "nested more than 50 deep"),
        ("[" * 20_000, 0, "nested more than 50 deep"),
        (b"title: a\nfolder: \xff\n", 2, "byte 0xff is not UTF-8. Save the file as UTF-8."),
    ],
)
def test_broken_files_name_the_line(write, text, line, part):
    found, message = refusal(write(text))
    assert found == line
    assert part in message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("title: a\nlimits: [1]\ntitle: b\n", 3, "'title' is set a second time, after line 1"),
        ("pretrain:\n  seed: 1\n\n  seed: 2\n", 4, "'pretrain.seed' is set a second time, after line 2"),
    ],
)
def test_a_key_set_twice_names_both_lines(write, text, line, message):
    assert refusal(write(text)) == (line, f": {message}. Keep one of the two.")


def test_files_that_cannot_be_read(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.yaml")[1]
    assert "this is a folder" in refusal(tmp_path)[1]
    assert "cannot be read" in refusal(tmp_path / ("x" * 300))[1]
    assert refusal(Path("a\0b"))[0] == 0


@pytest.mark.parametrize(
    ("override", "part"),
    [
        ("title", "this is not name=value"),
        ("stages.7.seed=1", "Give a number from 0 to 0."),
        ("limits.0=1", "It is empty."),
        ("limits=[1", "this is not YAML"),
        ("title=\udcff", "half of a character pair"),
    ],
)
def test_broken_overrides_show_themselves(write, override, part):
    line, message = refusal(write("stages: [{seed: 1}]\nlimits: []\n"), override)
    assert line == 0
    assert message.startswith(f"--set {override}: ")
    assert part in message


@given(st.binary(max_size=200))
def test_any_bytes_give_settings_or_our_error(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    with contextlib.suppress(LoregraftError):
        load_settings(Recipe, path)


@given(st.text(alphabet="ab:-[]{}'\"#&*!|>%@`,? \n\t0.", max_size=60))
def test_any_yaml_like_text_gives_settings_or_our_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    with contextlib.suppress(LoregraftError):
        load_settings(Recipe, path, [f"title={text}"])


# Writing

TEXT = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    [
        "null",
        "no",
        "5",
        "1e-4",
        " a",
        "a ",
        "a: b",
        "- a",
        "#",
        "",
        "a#b",
        "~",
        "'",
        '"',
        "\\",
        "a\nb\n",
        "True",
        "NULL",
    ]
)
FLOATS = st.floats(allow_nan=False)
PRETRAINS = st.builds(
    Pretrain,
    minutes=FLOATS.filter(lambda x: x > 0),
    seed=st.integers(0),
    scorer=st.sampled_from(["transe", "distmult"]),
)
ADAPTERS = st.builds(Adapter, width=st.integers())
RECIPES = st.builds(
    Recipe,
    title=TEXT,
    pretrain=PRETRAINS,
    folder=st.none() | TEXT.filter(lambda text: "\0" not in text).map(Path),
    stages=st.lists(PRETRAINS, max_size=3),
    weights=st.dictionaries(TEXT, FLOATS, max_size=3),
    limits=st.lists(st.integers(), max_size=40).map(tuple),
    named=st.dictionaries(TEXT, ADAPTERS, max_size=2),
    languages=st.frozensets(TEXT, max_size=3),
    grid=st.lists(st.lists(st.integers(), max_size=3), max_size=3),
    fusion=ADAPTERS | st.just(Plain()),
)


@given(RECIPES)
def test_what_is_written_reads_back_equal(tmp_path_factory, recipe):
    path = tmp_path_factory.getbasetemp() / "dumped.yaml"
    path.write_text(dump_settings(recipe), encoding="utf-8", newline="")
    assert load_settings(Recipe, path) == recipe


def test_the_file_has_each_description_above_its_field():
    recipe = Recipe(stages=[Pretrain(), Pretrain(minutes=1e-05)], weights={"a b": 1, "5": 2}, limits=(1, 2))
    lines = dump_settings(recipe).splitlines()
    assert lines[:8] == [
        "# what the report is called",
        "# and what its page says first",
        "title: demo",
        "# learning from the graph",
        "pretrain:",
        "  # time of each arm, in minutes",
        "  minutes: 3.0",
        "  # how triples are scored",
    ]
    assert {"folder: null", "limits: [1, 2]", "  a b: 1.0", '  "5": 2.0', "named: {}", "grid: []"} <= set(
        lines
    )
    assert lines.count("    # fixes all chance") == 1, "only the first item of a list is explained"


def test_other_yaml_readers_see_the_same():
    recipe = Recipe(
        title="a: b", pretrain=Pretrain(minutes=1e-05), stages=[Pretrain(), Pretrain()], limits=(1,) * 60
    )
    assert yaml.safe_load(dump_settings(recipe)) == recipe.model_dump(mode="json")
