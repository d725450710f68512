# The first target that needs it makes .venv out of requirements.lock. Choose the Python for it with
# `make setup PYTHON=python3.12`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
# --no-deps: the lock is complete (a test holds it against pyproject.toml), so pip need not resolve.
# --only-binary: a wheel or a clear refusal, never a compiler's error.
INSTALL_LOCKED := $(PIP) install --require-hashes --no-deps --only-binary :all: -r requirements.lock
# Without build isolation: hatchling comes from the lock, and nothing else is fetched.
INSTALL_PROJECT := $(PIP) install --no-build-isolation --no-deps --editable .
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# For pytest, such as `make unit PYTEST_ARGS="-k spec -x"`.
PYTEST_ARGS ?=
# How many tests run at once: they wait more than they compute, so four keep two processors busy.
# JOBS=0 runs one after the other, in one process. So does a Redis of yours (REDIS_URL), which all
# would share: what its queues have unacknowledged is under one name.
JOBS ?= $(if $(REDIS_URL),0,4)
# For `make chaos`, such as `make chaos CHAOS_ARGS="--count 100"`; one seed or cell is played again by
# `.venv/bin/python -m tests.chaos seed 17`.
CHAOS_ARGS ?=
# For `make bench`: one part, such as `make bench PART=thousand`, and what it is told, such as
# BENCH_ARGS="--count 100".
PART ?= all
BENCH_ARGS ?=
# For `make lock`, such as `make lock LOCK_ARGS="--upgrade-package moto"`.
LOCK_ARGS ?=
PYTEST := $(BIN)/python -m pytest --quiet
# A process that has run out of tests takes over another's.
AT_ONCE := --numprocesses $(JOBS) --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo local test unit integration acceptance chaos bench check format lock wheel clean

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' $(MAKEFILE_LIST) \
		| while read -r target text; do printf '  %-12s %s\n' "$$target" "$$text"; done

setup: $(VENV)/installed ## Make .venv, with exactly what requirements.lock names.

demo: setup ## Build an example on an embedded stack, fail one, take all down. Needs no AWS account.
	@$(BIN)/python -m worker.local demo

local: setup ## Keep the embedded stack up, and say how to talk to it.
	@$(BIN)/python -m worker.local

test: setup ## Run all tests.
	@$(PYTEST) $(AT_ONCE) $(PYTEST_ARGS)

unit: setup ## Run the tests that need no server.
	@$(PYTEST) tests/unit $(PYTEST_ARGS)

integration: setup ## Run the tests against a real Redis and an emulated AWS.
	@$(PYTEST) tests/integration $(AT_ONCE) $(PYTEST_ARGS)

acceptance: setup ## Run the tests of the real command line with a real worker.
	@$(PYTEST) tests/acceptance $(AT_ONCE) $(PYTEST_ARGS)

chaos: setup ## The whole crash matrix, 1,000 seeds of random faults and the time of recovery: an hour.
	@$(BIN)/python -m tests.chaos all $(CHAOS_ARGS)

bench: setup ## Measure speed and cost against the fake AWS: 40 minutes, on an idle machine.
	@$(BIN)/python -m bench $(PART) $(BENCH_ARGS)

check: setup ## Check format, style, types and the floors that imports keep to.
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: setup ## Format the code, and mend what can be mended by itself.
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

lock: setup ## Lock the dependencies anew, keeping the versions that still fit (LOCK_ARGS="--upgrade").
	@$(UV_COMPILE) pyproject.toml --group dev --output-file requirements.lock $(LOCK_ARGS)
	@$(UV_COMPILE) pyproject.toml --group build --group worker --constraints requirements.lock \
		--output-file requirements-worker.lock $(LOCK_ARGS)
	@for rival in ansible cdk; do \
		$(UV_COMPILE) bench/rivals/$$rival/requirements.in --constraints requirements.lock \
			--output-file bench/rivals/$$rival/requirements.lock $(LOCK_ARGS) || exit 1; \
	done

wheel: setup ## Build the wheel, the envwright package alone, into dist/.
	@$(PIP) wheel --no-build-isolation --no-deps --wheel-dir dist .

clean: ## Remove .venv and all that was built or cached.
	@rm -rf $(VENV) .bench dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps: a new lock makes the environment anew, so that it holds nothing else; a new
# pyproject.toml only installs the project again.
$(VENV)/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
		echo 'envwright needs Python 3.11 to 3.14, and $(PYTHON) is another or is missing:' \
			'name one that fits, such as `make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12`.' >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo '$(PYTHON) cannot make virtual environments: install its venv module' \
			'(on Debian and Ubuntu the package python3-venv), then run make again.' >&2; \
		exit 1; }
	@echo 'Setting up $(VENV) from requirements.lock: about a minute, once ...' >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(INSTALL_LOCKED)
	@touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml
	@$(INSTALL_PROJECT)
	@touch $@
