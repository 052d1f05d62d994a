# make demo   sets everything up and shows the main job on published events
# make test   sets everything up and runs every check
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint prove bench clean lock

demo: $(READY)
	$(BIN)/pointbell demo --out demo-mails

test: lint
	$(BIN)/pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

prove: $(READY)
	$(BIN)/pytest -m prove

bench: $(READY)
	$(BIN)/python -m tests.bench

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Pointbell needs Python 3.11 or newer"; exit 2; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { apt-get install -y -q python3-venv && $(PYTHON) -m venv $(VENV); } \
		|| { echo "Python's venv module is missing: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lock:
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --output-file requirements.lock
	uv pip compile tests/bench/requirements.in --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --output-file tests/bench/requirements.lock

clean:
	rm -rf $(VENV) demo-mails
