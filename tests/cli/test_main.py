"""The command line itself: help, weight, exit codes."""

import subprocess
import sys

import pytest

COMMANDS = ("demo", "run", "prove", "init", "verify")
HEAVY = {"torch", "transformers", "pyarrow", "numpy", "sklearn", "scipy", "rich.progress"}


def test_help_lists_every_command_with_what_it_does(commands, tmp_path):
    ran = commands.run("--help", cwd=tmp_path)
    assert ran.code == 0
    listed = ran.out.partition("Commands:")[2].split()
    assert set(COMMANDS) <= set(listed)
    assert "Example: " in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, commands, tmp_path):
    for flag in ("--help", "-h"):
        ran = commands.run(command, flag, cwd=tmp_path)
        assert ran.code == 0
        assert f"Example: loregraft {command}" in ran.out
        assert ran.err == ""


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['loregraft', '--help']; from loregraft.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert HEAVY & set(ran.stderr.split()) == set()
    assert "Usage" in ran.stdout


def test_no_arguments_show_the_help(commands, tmp_path):
    ran = commands.run(cwd=tmp_path)
    assert ran.code == 2
    assert "Commands:" in ran.out + ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("run",),
        ("run", "recipe.yaml", "--nonsense"),
        ("prove", "recipe.yaml", "--seeds", "0"),
        ("run", "recipe.yaml", "--minutes", "soon"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_is_wrong(arguments, commands, tmp_path):
    ran = commands.run(*arguments, cwd=tmp_path)
    assert ran.code == 2
    assert "rror: " in ran.err and "Traceback" not in ran.err
    assert ran.out == ""
