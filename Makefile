# One word per job; `make` alone lists them. Another Python: make setup PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/setup-done
# Those that need neither data nor the folders of a demo; benchmarks/README.md has the others.
BENCHMARKS := $(patsubst %,benchmarks/%.py,startup kg kge_memory kge_scale alignment_speed linking_speed)
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
PYTEST := HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup fix lint test slow demo prove bench golden faults docs

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## make .venv and install everything into it (4 min; skipped when nothing changed)

# torch first: installed by name later, another package would choose its build. The stamp comes
# last, so an interrupted setup starts again where pip left off.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "setup: Python 3.11 or newer is needed, and $(PYTHON) is not. Name one: make setup PYTHON=python3.12"; \
		exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "setup: installing torch, then the rest (about 4 minutes the first time)"
	@$(PIP) torch==2.13.0
	@$(PIP) -e '.[demo,dev]'
	@touch $@
	@echo "setup: done"

fix: setup ## format, and repair what ruff can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lint: setup ## format check, ruff, mypy --strict
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

test: setup ## all fast tests: shapes checked, warnings are errors, no network
	OMP_NUM_THREADS=1 $(PYTEST) -n auto --dist worksteal -m "not slow"

slow: setup ## real data end to end, kills, builds (up to an hour)
	@$(PYTEST) -m slow || { code=$$?; [ $$code -eq 5 ] && echo "slow: there is no slow test yet" || exit $$code; }

demo: setup ## the main job on real data; prints the report's path (10 min)
	$(BIN)/loregraft demo

prove: setup ## the proof: all arms, three seeds, resumable (hours)
	$(BIN)/loregraft prove recipes/demo.yaml --seeds 3

bench: setup ## speed and memory beside peers, where no data is needed (an hour)
	@set -e; for script in $(BENCHMARKS); do echo "bench: $$script"; $(BIN)/python "$$script"; done

golden: ## rewrite tests/golden (not in this version)
	@echo "golden: there are no golden files yet; a later version brings them"

faults: ## crash and corruption tests (not in this version)
	@echo "faults: a later version brings the long fault runs; make slow has the kills there are"

docs: ## the documentation site (not in this version)
	@echo "docs: a later version builds a site; until then read docs/ as Markdown"
