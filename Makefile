# make run [IMAGES="My Photos"] [ONCE=1]    set up, start everything, take pictures in
# make test | check | test-all | coverage | bench | bench-web | bench-model | bench-crowd | fuzz | fuzz-api | soak |
#   screenshots | walkthrough | openapi | package | clean    each sets up what it needs

SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
# Three stacks share two cores: a test waits a third of its time. A file's tests stay together, since many share a stack.
PYTEST = -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder
export PIP_NO_WARN_SCRIPT_LOCATION=1

.PHONY: run setup test test-all coverage check bench bench-web bench-model bench-crowd fuzz fuzz-api soak screenshots walkthrough openapi package clean

run: setup
	@$(BIN)/imagestore run $(if $(IMAGES),--images "$(IMAGES)") $(if $(ONCE),--once)

setup: .venv/.run imagestore/local/node_modules/.package-lock.json

.venv/.python:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11, 3.12 or 3.13 is needed; $$(python3 --version 2>/dev/null || echo 'none') was found. See https://www.python.org/downloads/." >&2; exit 1; fi
	@echo "Making .venv with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv .venv || { echo "The module venv is missing: on Debian and Ubuntu, apt-get install python3-venv." >&2; exit 1; }
	@touch $@

.venv/.run: .venv/.python requirements.txt imagestore/local/requirements.txt imagestore/cli/requirements.txt imagestore/web/requirements.txt model/requirements.txt pyproject.toml
	@echo "Installing Python packages (a minute or two, the first time) …"
	@$(PIP) -r requirements.txt -r imagestore/local/requirements.txt -r imagestore/cli/requirements.txt -r imagestore/web/requirements.txt -r model/requirements.txt
	@$(PIP) --no-deps --editable .
	@touch $@

.venv/.test: .venv/.run tests/requirements.txt docs/requirements.txt tests/openid/package-lock.json
	@echo "Installing what the tests need …"
	@$(PIP) -r tests/requirements.txt -r docs/requirements.txt
	@cd tests/openid && npm ci --no-audit --no-fund --loglevel=error || echo "The OpenID issuer could not be installed: the tests that sign in at it are skipped."
	@touch $@

.venv/.bench: .venv/.test bench/requirements.txt
	@$(PIP) -r bench/requirements.txt
	@touch $@

imagestore/local/node_modules/.package-lock.json: imagestore/local/package.json imagestore/local/package-lock.json
	@command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || { echo "Node.js 20 or newer with npm is needed: https://nodejs.org." >&2; exit 1; }
	@echo "Installing Azurite and the Cosmos DB engine (half a minute, the first time) …"
	@cd imagestore/local && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

test: setup .venv/.test
	@$(BIN)/python $(PYTEST) $(TESTS)

test-all: setup .venv/.test
	@$(BIN)/python $(PYTEST) --all $(TESTS)

coverage: setup .venv/.test
	@$(BIN)/python -m coverage erase
	@-$(BIN)/python -m coverage run $(PYTEST) $(TESTS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage html --quiet
	@$(BIN)/python -m coverage report --sort=cover
	@echo "Line by line: .cache/coverage/index.html"

check: setup .venv/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@mkdir -p .cache && $(BIN)/lint-imports --no-cache > .cache/imports 2>&1 || { cat .cache/imports; exit 1; }

bench: setup .venv/.test .venv/.bench
	@$(BIN)/python -m bench --write --json .cache/bench.json

bench-web: setup .venv/.test
	@$(BIN)/python -m bench.web
	@$(BIN)/python -m bench.load

bench-model: setup .venv/.test .venv/.bench
	@$(BIN)/python -m bench.model

bench-crowd: setup .venv/.test
	@$(BIN)/python -m bench.crowd --count $(or $(COUNT),20000)

screenshots: setup .venv/.test
	@$(BIN)/python -m docs.screenshots

walkthrough: setup .venv/.test
	@$(BIN)/python docs/walkthrough.py

openapi: setup .venv/.test
	@PYTHONPATH=tests $(BIN)/python -m compatibility

package: .venv/.python
	@$(BIN)/python infra/package.py

fuzz: setup .venv/.test
	@PYTHONPATH=tests $(BIN)/python -m fuzz -n $(or $(N),10000) --seed $(or $(SEED),1)

fuzz-api: setup .venv/.test
	@PYTHONPATH=tests $(BIN)/python -m fuzz.api --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1)

soak: setup .venv/.test
	@TEST_TIMEOUT=900 PYTHONPATH=tests $(BIN)/python -m soak --uploads $(or $(UPLOADS),5000) --sweep $(or $(SWEEP),20000)

clean:
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache imagestore/local/node_modules *.egg-info build dist
