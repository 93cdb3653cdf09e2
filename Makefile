# Everything lives in .venv; `make run` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# Most tests wait for processes of their own half of the time.
WORKERS := $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

# The tests start hundreds of processes: each would compile all of it again, half of its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run demo test soak check fmt tracker bench clean

help: ## what there is
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | sort

install: $(STAMP) ## the virtual environment with everything

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Footfall needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: install ## the daemon in the foreground, on ./data and http://127.0.0.1:8080
	@test -f .env && test -d data || $(BIN)/footfalld init
	@$(BIN)/footfalld serve

demo: install ## made-up visitors, and the console on top; leaves nothing behind
	@$(BIN)/python -m examples.demo

test: install ## every test but those that take long; with CI=true all, more cases, coverage, and no skips
ifdef CI
	$(BIN)/coverage erase
	CRASH_IMAGES=50 CRASH_CUTS=4 FUZZ_FEW=10 $(BIN)/coverage run -m pytest --numprocesses $(WORKERS) --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
else
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal
endif

soak: install ## the long proofs: 12,000 power cuts, 200 rounds of kill -9, every bit of a small log, 500 requests of every form (an hour)
	CI=true CRASH_SEEDS=10000 CRASH_IMAGES=2000 CRASH_CUTS=100 KILL_ROUNDS=200 KILL_RECEIPTS=2000 KILL_SPREAD=10 DAMAGE_BITS=8 SOAK_FLIPS=60 FUZZ_EXAMPLES=500 $(BIN)/pytest --numprocesses auto --dist worksteal \
	    tests/crash tests/house/test_kill9.py tests/house/test_kill_points.py tests/house/test_disk_errors.py tests/house/test_heals.py tests/house/test_fuzz.py tests/storage/test_wal_damage.py tests/storage/test_archive_damage.py tests/storage/test_duckdb_heals.py

check: install ## style, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache

fmt: install ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

tracker: install ## footfall.js anew, after a change of its source
	@$(BIN)/python -m scripts.tracker

bench: install ## the figures, each beside its baseline
	$(BIN)/python -m bench

clean: ## everything that was made, but data and secrets
	rm -rf $(VENV) .coverage* .mypy_cache .ruff_cache
