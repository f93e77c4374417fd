# Needs Python 3.11 or newer and make, nothing else. Every task that runs something makes .venv and installs first; a stamp
# file keeps it from doing so twice.

PYTHON ?= $(shell command -v python3.11 || command -v python3)

# Torch first and pinned, for machines without a GPU: it is the version this release was tested with, and whichever pip
# would pick by itself may bring gigabytes of GPU packages. With a GPU: make TORCH=torch demo
TORCH ?= torch==2.13.0

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO_READY := $(VENV)/.ready-for-demo
TEST_READY := $(VENV)/.ready-for-tests

CHOICES := $(wildcard tests/benchmarks/choose_*.py)
QUESTIONS := $(filter-out tests/benchmarks/common.py $(CHOICES),$(wildcard tests/benchmarks/*.py))

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench choose sweep clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(DEMO_READY)  ## a memory learns real messages, answers, forgets a person and proves it
	@HF_HUB_OFFLINE=1 $(BIN)/protomem demo

test: lint  ## lint, types, import contracts, tests
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest

lint: $(TEST_READY)  ## style, types and import contracts only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(TEST_READY)  ## write the files as `make lint` wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(TEST_READY)  ## accuracy and speed beside scikit-learn, one table a question
	HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/run_all.py

sweep: $(TEST_READY)  ## the long runs: ten times the random tests, and the comparison the defaults were chosen from
	HF_HUB_OFFLINE=1 HYPOTHESIS_PROFILE=sweep $(BIN)/python -m pytest tests/laws tests/store tests/core tests/faults
	HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/choose_ensemble.py

clean:  ## remove the virtual environment, caches and builds
	rm -rf $(VENV) dist .bench-cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache
	find . \( -name __pycache__ -o -name .ruff_cache \) -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "python3 was not found: install Python 3.11 or newer, or say make PYTHON=/its/path"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: say make PYTHON=/path/of/a/newer/one"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(DEMO_READY): pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV), once; this takes a few minutes"
	$(INSTALL) '$(TORCH)'
	$(INSTALL) -e '.[text]'
	@touch $@

$(TEST_READY): pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV), once; this takes a few minutes"
	$(INSTALL) '$(TORCH)'
	$(INSTALL) -e '.[text,onnx,onnx-export,dev,bench]'
	@touch $@ $(DEMO_READY)
