# Every target begins with `make setup`: a virtual environment from the lock file.
PYTHON ?= python3
BIN := .venv/bin
# Debian's Python comes without pip and ensurepip: pip's own wheel runs as it is.
PIP := $(BIN)/python bootstrap/pip-26.3-py3-none-any.whl/pip --quiet --disable-pip-version-check
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: setup independent fmu formats dask labgrid qualify test check bench matrix nightly-checks clean

setup: .setup-done .kernel-built

.setup-done: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up .venv from requirements.lock (once, about a minute) ..."
	@$(PYTHON) -m venv --clear --without-pip .venv
	@$(PIP) install --require-hashes --requirement requirements.lock
	@PYTHONWARNINGS="ignore:Editable installation" $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The plant's native kernel, where a C compiler is; nothing needs it, and nothing fails without it.
.kernel-built: .setup-done rig/plant/native/kernel.c
	@$(BIN)/python -m rig.plant.kernel_native
	@touch $@

# Strangers' drivers, for the tests that let them drive our twins; never needed to run anything.
independent: setup
	@$(PIP) install --require-hashes --no-deps --requirement independent.lock

# What runs an FMU as the batteries' cells, and builds one for the tests; nothing else needs it.
fmu: setup
	@$(PIP) install --require-hashes --no-deps --requirement fmu.lock

# MF4 and Parquet; python-can then takes half a second longer to import, which is why it is extra.
formats: setup
	@$(PIP) install --require-hashes --no-deps --requirement formats.lock

# Simulated work on many machines (hil matrix --cluster); nothing else needs it.
dask: setup
	@$(PIP) install --require-hashes --no-deps --requirement dask.lock

# labgrid's programs, for benches with a [place]: apart, since they bring a `serial` of their own.
labgrid: .labgrid/done
.labgrid/done: labgrid.lock
	@$(PYTHON) -m venv --clear --without-pip .labgrid
	@.labgrid/bin/python bootstrap/pip-26.3-py3-none-any.whl/pip --quiet --disable-pip-version-check install --require-hashes --requirement labgrid.lock
	@touch $@

qualify: setup
	@$(BIN)/hil qualify

test: setup
	@$(BIN)/python -m pytest -q -n $(JOBS) bms rig instruments reports scenarios/properties scenarios/updates scenarios/field

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
	@$(BIN)/python -m pytest -q -n $(JOBS) -m nightly bms rig instruments reports scenarios/properties scenarios/updates scenarios/field

clean:
	rm -rf .venv .labgrid .setup-done .kernel-built rig/plant/native/*.so build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
