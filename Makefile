# Everything runs in .venv, which the first verb creates. Needs Python >= 3.11, git and make.
# `make PYTHON=/path/to/python3.12 test` picks the interpreter; `make PIP_FLAGS= test` shows what pip does.

VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS ?= -qq --disable-pip-version-check
INSTALL := $(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help demo test slow fuzz kill full lint format types docs docs-pictures bench browser graphs site clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST)

demo: $(VENV)/core  ## paint a picture, say where it lies and how long it took
	$(BIN)/impasto demo

test: $(VENV)/dev  ## the quick tests: no network, no GPU
	$(BIN)/pytest -q -n auto --dist loadfile

slow: $(VENV)/dev  ## the tests that take longer
	$(BIN)/pytest -q -m "slow and not gpu and not download"

fuzz: $(VENV)/dev  ## a minute of damaged inputs for each reader; SECONDS=600 for more
	$(BIN)/python tools/fuzz.py --seconds $(or $(SECONDS),60)

kill: $(VENV)/dev  ## SIGKILL at 100 random moments of each command that writes; TIMES=10 for fewer
	$(BIN)/python tools/kill.py --times $(or $(TIMES),100)

full: $(VENV)/dev  ## each command that writes, on a full disk (Linux, as root)
	$(BIN)/python tools/kill.py --full

browser: $(VENV)/dev  ## the quick tests of pages, in Chromium if it is there (on Debian: apt install chromium)
	$(BIN)/pytest -q -m "browser and not slow"

lint: $(VENV)/dev  ## ruff, spelling and the import ladder
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/lint-imports --no-cache

format: $(VENV)/dev  ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/dev  ## mypy, strict, on src
	$(BIN)/mypy

docs: $(VENV)/dev  ## build docs/_build/index.html; a warning is an error
	$(BIN)/sphinx-build -q -W --keep-going docs docs/_build

docs-pictures: $(VENV)/dev  ## make the pictures of the docs again; ARGS=--help says what it takes
	$(BIN)/python tools/docs_pictures.py $(ARGS)

bench: $(VENV)/dev  ## every benchmark, one after the other
	@set -e; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file; done

graphs: $(VENV)/dev  ## write the engine's ONNX graphs anew, after its weights have changed
	$(BIN)/python tools/export_graphs.py

site: $(VENV)/dev  ## build the page that paints in the browser, into build/site (needs npm)
	$(BIN)/python tools/build_site.py build/site

clean:  ## remove .venv, caches and builds
	rm -rf $(VENV) build dist docs/_build .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "impasto needs Python 3.11 or newer, with venv and pip (on Debian: apt install python3-venv)." >&2; \
		echo "Found none on PATH. Say which one to use: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The file `dev` stands for everything, so it stands for the core as well: after `make test`, `make demo` installs nothing.
$(VENV)/core: pyproject.toml constraints.txt | $(BIN)/python
	@if test -e $(VENV)/dev; then $(MAKE) --no-print-directory $(VENV)/dev; \
	else echo "Setting up $(VENV) to paint: about 400 MB, a minute ..."; $(INSTALL) -e .; fi
	@touch $@

$(VENV)/dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up $(VENV) to test: about 2.6 GB, a minute or two ..."
	@$(INSTALL) -e '.[dev,all]'
	@touch $(VENV)/core $@
