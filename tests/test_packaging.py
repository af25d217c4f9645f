"""The package as pip sees it: the right torch, pins that hold, dependencies that are declared."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "loregraft"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
TARGETS = ("setup", "fix", "lint", "test", "slow", "demo", "prove", "bench", "golden", "faults", "docs")
IMPORT_NAMES = {"pyyaml": "yaml", "scikit-learn": "sklearn"}


def installed() -> list[str]:
    return [canonicalize_name(found.name) for found in importlib.metadata.distributions()]


def extras(*names: str) -> list[Requirement]:
    return [Requirement(line) for name in names for line in PROJECT["optional-dependencies"][name]]


def test_torch_is_the_cpu_build_and_alone():
    assert torch.__version__.startswith("2.13.0")
    assert torch.version.cuda is None
    of_pykeen = {"torch-max-mem", "torch-ppr"}  # plain Python on top of torch
    suspects = [name for name in installed() if name.startswith(("nvidia", "triton", "torch"))]
    assert [name for name in suspects if name not in of_pykeen] == ["torch"]


def test_constraints_start_with_torch_and_name_each_package_once():
    assert CONSTRAINTS[0] == "torch==2.13.0"
    assert CONSTRAINTS[1:] == sorted(CONSTRAINTS[1:], key=str.lower)
    names = [canonicalize_name(Requirement(line).name) for line in CONSTRAINTS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+]+", line) for line in CONSTRAINTS), "exact versions, no paths"


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_dependencies_are_installed_in_range_and_pinned(line):
    wanted = Requirement(line)
    assert wanted.specifier.contains(importlib.metadata.version(wanted.name).partition("+")[0])
    assert canonicalize_name(wanted.name) in {canonicalize_name(Requirement(pin).name) for pin in CONSTRAINTS}


def test_dependencies_are_open_and_the_demo_is_exact():
    assert not [line for line in PROJECT["dependencies"] if "==" in line]
    assert all(str(wanted.specifier).startswith("==") for wanted in extras("demo"))
    pins = {
        canonicalize_name(Requirement(line).name): str(Requirement(line).specifier) for line in CONSTRAINTS
    }
    assert all(str(wanted.specifier) == pins[canonicalize_name(wanted.name)] for wanted in extras("demo"))


def test_every_import_is_a_declared_dependency():
    wanted = [Requirement(line) for line in PROJECT["dependencies"]]
    known = {
        IMPORT_NAMES.get(found.name, found.name.replace("-", "_"))
        for found in (*wanted, *extras("demo", "fast", "link", "search", "ann", "zh"))
    }
    known |= set(sys.stdlib_module_names) | {"loregraft", "pydantic_core"}  # pydantic brings its core
    used: dict[str, Path] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0]: file for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                used[node.module.partition(".")[0]] = file
    assert {name: str(file.relative_to(ROOT)) for name, file in used.items() if name not in known} == {}


def test_make_alone_lists_the_targets():
    ran = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert [line.split()[1] for line in ran.stdout.splitlines()] == list(TARGETS)


@pytest.mark.parametrize("target", ["golden", "faults", "docs"])
def test_what_is_not_there_yet_says_so(target):
    ran = subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "later version" in ran.stdout


def test_an_old_python_is_refused_with_the_way_out(tmp_path):
    # The check runs before anything is made or installed.
    (tmp_path / "old").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "old").chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    command = ["make", "setup", f"PYTHON={tmp_path / 'old'}"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode != 0
    assert "Python 3.11 or newer is needed" in ran.stdout
    assert not (tmp_path / ".venv").exists()


def test_continuous_integration_runs_what_people_run():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").splitlines()[-2:] == ["make lint", "make test"]


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, timeout=300)
    (wheel,) = tmp_path.glob("loregraft-*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = [file for file in SOURCE.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert {file.relative_to(SOURCE.parent).as_posix() for file in files} <= packed
