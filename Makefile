# make run [IMAGES="My Photos"] [ONCE=1]    set up, start everything, take pictures in
# make test | check | bench | bench-web | bench-model | fuzz | soak | screenshots | walkthrough | clean   each sets up
#   what it needs

SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
export PIP_NO_WARN_SCRIPT_LOCATION=1

.PHONY: run setup test check bench bench-web bench-model fuzz soak screenshots walkthrough clean

run: setup
	@$(BIN)/imagestore run $(if $(IMAGES),--images "$(IMAGES)") $(if $(ONCE),--once)

setup: .venv/.run local/node_modules/.package-lock.json

.venv/.python:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11, 3.12 or 3.13 is needed; $$(python3 --version 2>/dev/null || echo 'none') was found. See https://www.python.org/downloads/." >&2; exit 1; fi
	@echo "Making .venv with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv .venv || { echo "The module venv is missing: on Debian and Ubuntu, apt-get install python3-venv." >&2; exit 1; }
	@touch $@

.venv/.run: .venv/.python requirements.txt local/requirements.txt cli/requirements.txt web/requirements.txt model/requirements.txt pyproject.toml
	@echo "Installing Python packages (a minute or two, the first time) …"
	@$(PIP) -r requirements.txt -r local/requirements.txt -r cli/requirements.txt -r web/requirements.txt -r model/requirements.txt
	@$(PIP) --no-deps --editable .
	@touch $@

.venv/.test: .venv/.run tests/requirements.txt docs/requirements.txt
	@echo "Installing what the tests need …"
	@$(PIP) -r tests/requirements.txt
	@touch $@

local/node_modules/.package-lock.json: local/package.json local/package-lock.json
	@command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || { echo "Node.js 20 or newer with npm is needed: https://nodejs.org." >&2; exit 1; }
	@echo "Installing Azurite and the Cosmos DB engine (half a minute, the first time) …"
	@cd local && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

test: setup .venv/.test
	@$(BIN)/python -m pytest $(TESTS)

check: setup .venv/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup .venv/.test
	@$(BIN)/python -m bench

bench-web: setup .venv/.test
	@$(BIN)/python -m bench.web

bench-model: setup .venv/.test
	@$(BIN)/python -m bench.model

screenshots: setup .venv/.test
	@$(BIN)/python docs/screenshots.py

walkthrough: setup .venv/.test
	@$(BIN)/python docs/walkthrough.py

fuzz: setup .venv/.test
	@PYTHONPATH=tests $(BIN)/python -m fuzz -n $(or $(N),10000) --seed $(or $(SEED),1)

soak: setup .venv/.test
	@TEST_TIMEOUT=900 PYTHONPATH=tests $(BIN)/python -m soak --uploads $(or $(UPLOADS),5000) --sweep $(or $(SWEEP),20000)

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache local/node_modules *.egg-info build
