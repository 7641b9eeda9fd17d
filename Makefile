# Two commands on a fresh machine with Python 3.11 or newer, git and make:
#   make demo    a day at a simulated door
#   make test    everything that CI runs
# Both make .venv from the locks first, and only when the locks have changed.

PYTHON ?= python3
DEMO ?=
PYTEST ?=
BENCH ?=
UPGRADE ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
CODE := kioskd drivers sync ui tests bench conftest.py
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" .venv-lock/bin/pip-compile --quiet $(UPGRADE) \
	--generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: install demo test check format bench bench-hub faults kill pictures lock clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

install: .venv/.all-installed

demo: .venv/.demo-installed
	$(BIN)/kioskd demo $(DEMO)

test: check
	.ci/test-tools
	$(BIN)/pytest $(PYTEST)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy $(CODE)

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install
	$(BIN)/python -m bench.run $(BENCH)

# The hub at its sizes: a million credentials on both databases, 500 devices on two hubs for a
# minute. About ten minutes, on a machine that does nothing else.
bench-hub: install
	$(BIN)/python -m bench.run hub hub_fleet hub_million $(BENCH)

# 100 schedules of cut, dripping, repeated and reordered connections between hub and device, with
# kills of either side; an ordinary test run makes a few. KIOSKD_FAULT_SEED=N repeats one. Then 400
# visits to a library system through lost, late, doubled and broken messages; KIOSKD_SIP_SEED=N.
faults: install
	KIOSKD_FAULTS=100 $(BIN)/pytest tests/hub_end $(PYTEST)
	KIOSKD_SIP_FAULTS=400 $(BIN)/pytest tests/sip2_end/test_sip_end_seeds.py $(PYTEST)

# 200 random kills; an ordinary test run makes a few at each named point.
# KIOSKD_KILL_SEED=N draws the kills of an earlier run once more.
kill: install
	KIOSKD_KILLS=200 $(BIN)/pytest -m kill $(PYTEST)

# What a door and the demo look like, as a terminal draws it: docs/pictures. Needs xvfb, xterm,
# xdotool and imagemagick (.ci/test-tools installs them for root).
pictures: install
	$(BIN)/python -m tests.screens.pictures

# Locks are made with the oldest Python that is served, so that what it alone needs is in them
lock:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo 'make lock needs Python 3.11: make lock PYTHON=python3.11' >&2; exit 1; }
	test -x .venv-lock/bin/pip-compile || \
		{ $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip --quiet install 'pip-tools>=7.5'; }
	$(COMPILE) --extra build --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra build --extra demo --constraint requirements.lock \
		--output-file requirements-demo.lock pyproject.toml
	$(COMPILE) --extra build --extra demo --extra dev --extra hub-postgres \
		--constraint requirements-demo.lock --output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf .venv .venv-lock .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/bin/python:
	@PYTHON="$(PYTHON)" .ci/make-venv

.venv/.kioskd-installed: requirements.lock pyproject.toml | .venv/bin/python
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

.venv/.demo-installed: requirements-demo.lock .venv/.kioskd-installed
	$(PIP) --require-hashes -r requirements-demo.lock
	touch $@

.venv/.all-installed: requirements-dev.lock .venv/.kioskd-installed
	$(PIP) --require-hashes -r requirements-dev.lock
	touch $@
