# Needs Python 3.11 or newer and make, nothing else. Every task that runs something makes .venv and installs first; a stamp
# file keeps it from doing so twice.

PYTHON ?= $(shell command -v python3.11 || command -v python3)

# Torch first and pinned, for machines without a GPU: it is the version this release was tested with, and whichever pip
# would pick by itself may bring gigabytes of GPU packages. With a GPU: make TORCH=torch demo
TORCH ?= torch==2.13.0

# Where `make serve` keeps its memories and keys.
DATA ?= memories

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO_READY := $(VENV)/.ready-for-demo
TEST_READY := $(VENV)/.ready-for-tests
SERVE_READY := $(VENV)/.ready-to-serve

# The optional peers of the benchmarks ask for older releases than protomem does: an environment of their own.
PEERS_VENV := .venv-peers
PEERS_READY := $(PEERS_VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint format bench peers sweep clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(DEMO_READY)  ## a memory learns real messages, answers, forgets a person and proves it
	@HF_HUB_OFFLINE=1 $(BIN)/protomem demo

serve: $(SERVE_READY)  ## the HTTP service on the folder `memories`, or make serve DATA=/other; prints a first API key once
	HF_HUB_OFFLINE=1 $(BIN)/protomem serve --data $(DATA)

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

bench: $(TEST_READY)  ## the whole comparison: a table and bars a question, and pictures, in about half an hour
	HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/run_all.py

peers: $(TEST_READY) $(PEERS_READY)  ## answers of adaptive-classifier and SetFit, for bench to compare with; hours
	HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/peers.py --run

sweep: $(TEST_READY)  ## the long runs: ten times the random tests, and the comparisons the defaults were chosen from
	HF_HUB_OFFLINE=1 HYPOTHESIS_PROFILE=sweep $(BIN)/python -m pytest tests/laws tests/store tests/core tests/faults \
		tests/api/test_schema.py tests/api/test_batching.py tests/api/test_connection.py tests/api/test_congruence*.py
	HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/choose_few.py
	HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/choose_ensemble.py

clean:  ## remove the virtual environment, caches and builds
	rm -rf $(VENV) $(PEERS_VENV) dist .bench-cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache
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
	$(INSTALL) -e '.[text,server,client,federated,secure,private,dev,bench]'
	@touch $@ $(DEMO_READY) $(SERVE_READY)

$(SERVE_READY): pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV), once; this takes a few minutes"
	$(INSTALL) '$(TORCH)'
	$(INSTALL) -e '.[text,server]'
	@touch $@ $(DEMO_READY)

$(PEERS_READY): tests/benchmarks/requirements-peers.txt | $(BIN)/python
	@echo "installing into $(PEERS_VENV), once; this takes a few minutes"
	$(PYTHON) -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check '$(TORCH)'
	$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
