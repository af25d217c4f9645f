"""The page on your own graph: its files are written, its commands run, and they answer what stands there."""

import re
import shlex
from pathlib import Path

import pytest

from loregraft.kg.readers import READERS

PAGE = (Path(__file__).parents[1] / "docs" / "howto" / "your-own-graph.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`([^`]+)`:\n\n```\n(.*?)```$", re.MULTILINE | re.DOTALL)
RUN = re.compile(r"^```bash\n(.*?)```\n\n```text\n(.*?)```$", re.MULTILINE | re.DOTALL)
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:] if RUN.search(part)}


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_says_what_happens(title, commands, tmp_path):
    for name, text in FILE.findall(SECTIONS[title]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    ((lines, answer),) = RUN.findall(SECTIONS[title])
    said = []
    for line in lines.splitlines():
        program, *arguments = shlex.split(line)
        ran = commands.run(*arguments, cwd=tmp_path)
        assert program == "loregraft" and ran.code == 0, ran.err
        said += [told for told in ran.err.splitlines() if told and not told.startswith("kg  ")]
        said += ran.out.splitlines()
    assert said == answer.splitlines()


def test_every_format_is_shown():
    shown = set(re.findall(r"^[\w. -]+: (\w+)(?:;|$)", PAGE, re.MULTILINE))
    assert shown >= set(READERS), set(READERS) - shown
    assert len(SECTIONS) > 15
