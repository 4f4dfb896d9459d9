# Every target begins with `make setup`: a virtual environment from the lock file.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: setup qualify test check bench matrix nightly-checks clean

setup: .setup-done

.setup-done: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up .venv from requirements.lock (once, about a minute) ..."
	@$(PYTHON) -m venv --clear .venv 2>/dev/null || $(PYTHON) -m virtualenv --clear -q .venv 2>/dev/null || \
	    { echo "No virtual environment could be made: 'python3 -m venv' needs Debian's python3-venv, or pip's virtualenv."; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

qualify: setup
	@$(BIN)/hil qualify

test: setup
	@$(BIN)/python -m pytest -q -n $(JOBS) bms rig instruments reports

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m rig.checks.shared_numbers

bench: setup
	@$(BIN)/python -m rig.benchmarks $(ONLY)

matrix: setup
	@$(BIN)/hil matrix --edges --leave-one-out --null

nightly-checks: setup matrix
	@$(BIN)/python -m pytest -q -n $(JOBS) -m nightly bms rig instruments reports

clean:
	rm -rf .venv .setup-done build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
