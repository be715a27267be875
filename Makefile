# One verb per chore, the same here and in CI. Every target sets up what it needs first.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.12 >/dev/null 2>&1 && python3.12 -c '' 2>/dev/null && echo python3.12 || echo python3)
INSTALLED := $(VENV)/.installed

.PHONY: help backtest test venue chaos journal-soak soak-paper soak-live kill-matrix scenario check promotion bench docs lock clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 12) <= v < (3, 15) else "Helios needs Python 3.12 to 3.14, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

backtest: $(INSTALLED) ## Make the demo market, train its model, trade it, write the report
	$(BIN)/helios data demo
	$(BIN)/helios train configs/backtest.toml
	$(BIN)/helios backtest configs/backtest.toml

test: $(INSTALLED) ## Run all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

venue: $(INSTALLED) ## Run the adapter's engines against the simulated exchange, in real time
	$(BIN)/python -m pytest -m venue tests

chaos: $(INSTALLED) ## Trade through 200 seeds of scripted faults and kills; compare with the exchange's ledger
	$(BIN)/python -m tests.chaos

journal-soak: $(INSTALLED) ## Kill the journal's writer and stop its database for five minutes; then count every row
	$(BIN)/python -m tests.chaos_journal

SECS := 3600

soak-paper: $(INSTALLED) ## Trade recorded minutes on paper at 20x through faults, for SECS seconds; then judge
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.soak paper --secs $(SECS)

soak-live: $(INSTALLED) ## The same with a live node, held against the simulated exchange's ledger
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.soak live --secs $(SECS)

scenario: $(INSTALLED) ## Let every check and trigger fire once in a live run of real processes; print the tables
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -p no:xdist -s -m venue tests/scenario

kill-matrix: $(INSTALLED) ## Kill a live node at 50 moments, start it again each time; then count stops, orders, fills
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.kill_matrix

check: $(INSTALLED) ## Lint, type-check, hold the layers, and look over the container's files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

promotion: $(INSTALLED) ## Put the promotion gate on trial: 20 seeds of markets without an edge, 20 with one
	$(BIN)/python -m benchmarks.promotion

bench: $(INSTALLED) ## Measure what docs/measurements.md states
	$(BIN)/python -m benchmarks

docs: $(INSTALLED) ## Write the generated pages anew
	$(BIN)/python -m helios_nautilus.cli.reference docs/cli.md
	$(BIN)/python -m helios_nautilus.cli.settings docs/configuration.md

lock: $(INSTALLED) ## Resolve requirements.lock anew, for all platforms and Python versions
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.12 --upgrade \
	    --no-annotate --no-header --no-emit-index-url --quiet -o requirements.lock

clean: ## Remove what can be made anew; catalogues and models stay
	rm -rf build dist reports .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
