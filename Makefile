# Run `make` to see what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# These tests wait for timers and processes for a third of their time: one more than there are cores.
WAITING = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
LOCK := $(BIN)/python -m piptools compile --quiet --generate-hashes --no-strip-extras --allow-unsafe --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.PHONY: help setup demo run test lint types floors unit integration simulation campaign bench bench-peers lock audit format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with everything the project needs (does nothing when up to date)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Tidegauge needs Python 3.11 or newer, and %s is %s. Say which to use: make PYTHON=python3.12" % (sys.executable, sys.version.split()[0]) if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (about a minute, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if test -n "$$CI"; then \
	  $(PIP) --require-hashes -r requirements.lock && $(PIP) --no-deps --no-build-isolation -e .; \
	else $(PIP) -e '.[dev]'; fi
	@touch $(STAMP)

demo: setup ## watch the monitor find a liquidity crunch on local venues (about a minute)
	@$(BIN)/tidegauge demo $(ARGS)

run: setup ## monitor the live venues: make run SYMBOL=BTCUSDT
	@$(BIN)/tidegauge monitor --symbol $(or $(SYMBOL),BTCUSDT) $(ARGS)

test: lint types floors unit integration simulation ## lint, types, floors; unit, integration and simulation tests

lint: setup ## ruff, and its format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## mypy --strict
	@$(BIN)/mypy

floors: setup ## import-linter: who may import whom
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

unit: setup ## unit tests, with the coverage of core and risk by their own
	@$(BIN)/pytest tests/unit/core tests/unit/risk --numprocesses=auto --dist=worksteal --cov=tidegauge.core --cov=tidegauge.risk --cov-report=term --cov-fail-under=90
	@$(BIN)/pytest tests/unit --ignore=tests/unit/core --ignore=tests/unit/risk --numprocesses=auto --dist=worksteal

integration: setup ## tests with real sockets, databases and terminals
	@$(BIN)/pytest tests/integration --numprocesses=$(WAITING) --dist=loadfile

simulation: setup ## the whole monitor in simulated worlds, and whatever can go wrong there
	@$(BIN)/pytest tests/simulation --numprocesses=auto --dist=worksteal

campaign: setup ## the long forms: many seeds, many hours of market (hours)
	@TIDEGAUGE_CAMPAIGN=1 HYPOTHESIS_PROFILE=soak $(BIN)/pytest tests -m campaign -rP --ignore=tests/simulation
	@TIDEGAUGE_CAMPAIGN=1 $(BIN)/pytest tests/simulation -m campaign -rP --numprocesses=auto --dist=worksteal

bench: setup ## how fast it is, results compared first (about eight minutes; ARGS=--quick is one)
	@$(BIN)/python benchmark_test.py $(ARGS)

bench-peers: setup ## other projects' books, for `make bench` to time beside ours
	@$(BIN)/python scripts/bench_peers.py

lock: setup ## choose the versions that CI and the image run with, each by its hash (ARGS=--upgrade: newer ones)
	@$(LOCK) $(ARGS) --extra dev --build-deps-for editable --output-file requirements.lock pyproject.toml
	@$(LOCK) --build-deps-for wheel --constraint requirements.lock --output-file requirements-run.lock pyproject.toml

audit: setup ## ask on the internet whether a version of requirements.lock has a known hole
	@$(PIP) '.[audit]'
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock

format: setup ## put the code in order
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

clean: ## remove what `make setup` and the tests made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
