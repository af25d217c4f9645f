"""Settings: YAML file and `--set a.b=c` -> a frozen pydantic model -> YAML file with comments.

Every mistake a person can make in a settings file ends in one `BadInput`: file and line, what was
found, what would be allowed. Plain values are read by the YAML 1.2 rules (`no` and `on` are words,
`1e-4` is a number) and types are strict: `true` is never a number, and neither is `"5"`.
"""

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from loregraft.errors import BadInput, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
# Not recursive: the shape checker of the tests cannot follow a name inside its own definition.
Value = bool | int | float | str | list[Any] | dict[str, Any] | None
Place = tuple[str, ...]
"""Where a value stands: the names on the way to it; items of a list by number, from 0."""
Origins = dict[Place, tuple[Path, int]]
"""Where a value was written: a file and line, or an override and line 0."""

WORDS: dict[str, bool | float | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
WORDS |= {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": math.nan}
INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
SIMPLE_TEXT = re.compile(r"[A-Za-z_/]([A-Za-z0-9_./ +-]*[A-Za-z0-9_./+-])?")
PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}
RANKS = {"extra_forbidden": 0, "missing": 2}  # a misspelt name explains the missing one
OPENING_QUOTE = re.compile(r"'(?=\w)")
SAID_PLAINLY = {
    "Value error, ": "",
    "Input should be": "It must be",
    "an object": "a group of settings, indented below it",
    "a valid array": "a list",
    "a valid boolean": "true or false",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "text",
}
MAX_DEPTH = 50
FLOW_WIDTH = 80


def load_settings(model: type[Model], path: Path | None, overrides: Sequence[str] = ()) -> Model:
    """Read settings from a YAML file, then apply overrides such as `pretrain.minutes=5` in order.

    An empty file means all defaults. Overrides may name the items of a list by number
    (`stages.0.minutes=5`) and are blamed by their own text (`--set pretrain.minutes=5`).

    Args:
        path: None: no file, all defaults.
        overrides: `dotted.name=value`; the value is taken as it stands, or read as YAML where it
            starts with a quote, `[` or `{`.

    Raises:
        BadInput: The file cannot be read, is not YAML, repeats a key, or holds an unknown name or
            a value that the model refuses.
    """
    origins: Origins = {(): (path or Path("settings"), 0)}
    tree = _read_tree(path, origins) if path else {}
    for text in overrides:
        tree = _override(tree, text, origins)
    try:
        return model.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        raise _explain(model, tree, origins, error.errors(include_url=False)) from error


def dump_settings(settings: BaseModel) -> str:
    """Write settings as YAML, each field below its description; `load_settings` reads it back equal.

    In a list of models only the first item carries the comments. Not for models with aliases,
    excluded fields or a root type.
    """
    return "\n".join(_dump_model(settings, settings.model_dump(mode="json"), comments=True)) + "\n"


# Reading: text -> nodes that know their lines -> plain values, and where each was written.


class _Loader(yaml.BaseLoader):
    """Composes nodes only: nothing is constructed, and nothing is repeated by reference."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            problem = "*name refers to a value elsewhere; write that value here"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)


def _read_tree(path: Path, origins: Origins) -> dict[str, Value]:
    node = _compose(_read_text(path), path)
    if node is None or node.value == "":
        return {}
    tree = _take(node, (), path, origins)
    if not isinstance(tree, dict):
        found = f"expected settings, found {_shown(tree)}"
        raise BadInput(path, _line(node), found, "Write one `name: value` on each line.")
    return tree


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(path, 0, "there is no such file", "Give the path of a YAML file.") from error
    except IsADirectoryError as error:
        raise BadInput(path, 0, "this is a folder", "Give the path of a YAML file.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(path, 0, f"the file cannot be read ({reason})", "Give another file.") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        raise BadInput(path, line, found, "Save the file as UTF-8.") from error


def _compose(text: str, path: Path) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        character = error.character if isinstance(error.character, int) else ord(error.character)
        raise BadInput(path, line, f"the character U+{character:04X} is not allowed", "Remove it.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(filter(None, (error.context, error.problem)))
        fix = "Use spaces, not tabs." if "'\\t'" in problem else "Check indentation, colons and quotes."
        raise BadInput(path, mark.line + 1 if mark else 0, f"this is not YAML: {problem}", fix) from error
    except RecursionError as error:
        raise _too_deep(path, 0) from error


def _take(node: yaml.Node, place: Place, path: Path, origins: Origins) -> Value:
    """Turn a node into plain values, noting where each was written."""
    origins.setdefault(place, (path, _line(node)))
    if len(place) > MAX_DEPTH:
        raise _too_deep(path, _line(node))
    if node.tag not in PLAIN_TAGS:
        raise BadInput(path, _line(node), f"the tag {node.tag!r} is not allowed", "Remove it.")
    if isinstance(node, yaml.ScalarNode):
        text = _text(node.value, path, _line(node))
        return text if node.style else _plain(text)
    if isinstance(node, yaml.SequenceNode):
        return [_take(item, (*place, str(number)), path, origins) for number, item in enumerate(node.value)]
    values: dict[str, Value] = {}
    for key, item in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise BadInput(path, _line(key), "a list or a group is no name", "Write `name: value`.")
        name = _text(key.value, path, _line(key))
        if name in values:
            before = origins[(*place, name)][1]
            found = f"{'.'.join((*place, name))!r} is set a second time, after line {before}"
            raise BadInput(path, _line(key), found, "Keep one of the two.")
        origins[(*place, name)] = (path, _line(key))
        values[name] = _take(item, (*place, name), path, origins)
    return values


def _text(text: str, path: Path, line: int) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadInput(path, line, "half of a character pair (\\ud800 to \\udfff)", "Remove it.")
    return text


def _plain(text: str) -> Value:
    """Give the value of a word without quotes, by the core rules of YAML 1.2."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if INTEGER.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _too_deep(path: Path, line: int) -> BadInput:
    return BadInput(
        path, line, f"values are nested more than {MAX_DEPTH} deep", "Settings need two or three."
    )


def _override(tree: dict[str, Value], text: str, origins: Origins) -> dict[str, Value]:
    name, equals, written = text.partition("=")
    path, place = Path(f"--set {text}"), tuple(part.strip() for part in name.split("."))
    if not equals or not all(place):
        raise BadInput(path, 0, "this is not name=value", "Write it like --set pretrain.minutes=5.")
    try:
        value = _override_value(written.strip(), path)
        changed = _put(tree, place, value, path)
    except BadInput as error:
        raise BadInput(path, 0, error.found, error.fix) from error
    for old in [old for old in origins if old[: len(place)] == place]:
        del origins[old]
    for end in range(len(place), 0, -1):
        origins.setdefault(place[:end], (path, 0))
    return changed if isinstance(changed, dict) else tree


def _override_value(written: str, path: Path) -> Value:
    if written[:1] in {'"', "'", "[", "{"}:
        node = _compose(written, path)
        return None if node is None else _take(node, (), path, {})
    return _plain(_text(written, path, 0))


def _put(old: Value, place: Place, new: Value, path: Path) -> Value:
    """Give `old` with the value at `place` replaced; groups that are missing on the way are made."""
    if not place:
        return new
    first, rest = place[0], place[1:]
    if isinstance(old, list):
        if not first.isdecimal() or int(first) >= len(old):
            numbers = f"Give a number from 0 to {len(old) - 1}." if old else "It is empty."
            raise BadInput(path, 0, f"there is no item {first!r} in this list", numbers)
        number = int(first)
        return [*old[:number], _put(old[number], rest, new, path), *old[number + 1 :]]
    group = old if isinstance(old, dict) else {}
    return {**group, first: _put(group.get(first), rest, new, path)}


# Refusals: pydantic's list of problems -> one error that says where and what would be allowed.


def _explain(
    model: type[BaseModel], tree: Value, origins: Origins, problems: Iterable[ErrorDetails]
) -> BadInput:
    ordered = sorted(problems, key=lambda problem: RANKS.get(problem["type"], 1))
    places = [_locate(tree, problem)[0] for problem in ordered]
    first, place, value = ordered[0], *_locate(tree, ordered[0])
    path, line = next(origins[place[:end]] for end in range(len(place), -1, -1) if place[:end] in origins)
    name = ".".join(place)
    fields = {
        name: info for kind in _models_at(model, place[:-1]) for name, info in kind.model_fields.items()
    }
    if first["type"] == "extra_forbidden":
        near = did_you_mean(place[-1], fields)
        group = "".join(f"{part}." for part in place[:-1])
        found, fix = f"there is no setting {name!r}", OPENING_QUOTE.sub(f"'{group}", near)
    elif first["type"] == "missing":
        told = fields[place[-1]].description if place[-1] in fields else None
        fix = f"Add it: {told.rstrip('.')}." if told else "Add it."
        found = f"the setting {name!r} is missing"
    else:
        messages = [problem["msg"] for problem, at in zip(ordered, places, strict=True) if at == place]
        found = f"{name} is {_shown(value)}" if name else "the settings do not fit together"
        fix = _allowed(messages, value)
    more = len(set(places)) - 1
    return BadInput(path, line, found, fix + (f" ({more} more to mend after this one.)" if more else ""))


def _locate(tree: Value, problem: ErrorDetails) -> tuple[Place, Value]:
    """Find where a problem stands; pydantic's location also names union members, which are no place."""
    place, value = Place(), tree
    for part in problem["loc"]:
        if isinstance(value, dict) and str(part) in value:
            place, value = (*place, str(part)), value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            place, value = (*place, str(part)), value[part]
    if problem["type"] == "missing":
        return (*place, str(problem["loc"][-1])), None
    return place, value


def _models_at(model: type[BaseModel], place: Place) -> list[type[BaseModel]]:
    """List the models that may stand at a place: one, or several under a union."""
    kinds: list[object] = [model]
    for part in place:
        kinds = [inner for kind in kinds for inner in _inside(kind, part)]
    return [kind for outer in kinds for kind in _options(outer) if _is_model(kind)]


def _inside(annotation: object, part: str) -> Iterator[object]:
    for kind in _options(annotation):
        origin = get_origin(kind)
        if _is_model(kind) and part in kind.model_fields:
            yield kind.model_fields[part].annotation
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            yield get_args(kind)[1]
        elif isinstance(origin, type) and issubclass(origin, Collection):
            yield from get_args(kind)


def _options(annotation: object) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _options(get_args(annotation)[0])
    elif origin is Union or origin is UnionType:
        for option in get_args(annotation):
            yield from _options(option)
    else:
        yield annotation


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, BaseModel)


def _allowed(messages: Iterable[str], value: Value) -> str:
    texts = []
    for text in dict.fromkeys(messages):
        for said, plainly in SAID_PLAINLY.items():
            text = text.replace(said, plainly)
        texts.append(text if text.endswith(".") else f"{text}.")
        if text.endswith("be text") and isinstance(value, bool | int | float):
            texts.append("Put it in quotes.")
    return " ".join(texts)


def _shown(value: Value) -> str:
    text = "empty" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


# Writing


def _dump_model(model: BaseModel, dumped: dict[str, Value], comments: bool) -> list[str]:
    lines = []
    for name, info in type(model).model_fields.items():
        if comments and info.description:
            lines += [f"# {line}".rstrip() for line in info.description.splitlines()]
        lines += _dump_entry(name, getattr(model, name), dumped[name], comments)
    return lines


def _dump_entry(name: str, value: object, dumped: Value, comments: bool) -> list[str]:
    if isinstance(value, set | frozenset) and isinstance(dumped, list):
        dumped = sorted(dumped, key=json.dumps)
    key, flow = _dump_text(name), _dump_flow(dumped)
    if flow is not None:
        return [f"{key}: {flow}"]
    return [f"{key}:", *(f"  {line}" for line in _dump_block(value, dumped, comments))]


def _dump_block(value: Any, dumped: Value, comments: bool) -> list[str]:
    """Write a group or a list, one entry or item below the other."""
    if isinstance(dumped, dict):
        if isinstance(value, BaseModel):
            return _dump_model(value, dumped, comments)
        pairs = zip(dumped, value.values(), strict=True)
        return [line for name, inner in pairs for line in _dump_entry(name, inner, dumped[name], comments)]
    lines = []
    items = dumped if isinstance(dumped, list) else [dumped]
    for number, (inner, item) in enumerate(zip(value, items, strict=True)):
        flow = _dump_flow(item)
        block = [flow] if flow is not None else _dump_block(inner, item, comments and number == 0)
        if block[0].startswith("#"):
            block = ["", *block]
        lines += [f"- {block[0]}".rstrip(), *(f"  {line}" for line in block[1:])]
    return lines


def _dump_flow(value: Value) -> str | None:
    """Write a value on one line, or give None where it is better written on several."""
    if isinstance(value, dict):
        return None if value else "{}"
    if not isinstance(value, list):
        return _dump_scalar(value)
    if any(isinstance(item, list | dict) for item in value):
        return None
    text = f"[{', '.join(_dump_scalar(item) for item in value)}]"
    return text if len(text) <= FLOW_WIDTH else None


def _dump_scalar(value: Value) -> str:
    if isinstance(value, str):
        return _dump_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = json.dumps(value)
    # 1e-05 is a word to readers of YAML 1.1, 1.0e-05 a number to all.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def _dump_text(text: str) -> str:
    if SIMPLE_TEXT.fullmatch(text) and isinstance(_plain(text), str):
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
