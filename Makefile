# make run    install into .venv, then learn word vectors from the docstrings of the installed packages, offline
# make test   the whole suite;  make check   formatter, linter, types, fast tests
# make platform   the whole platform on S3: schedule, form, backfill, gate, with every server real (docs/platform.md)
# make clean  remove what these made here; finished stages and compiled kernels stay in the user's cache folder

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: run test platform check format clean
.DELETE_ON_ERROR:

run: .venv/installed
	$(BIN)/embertext word2vec --train docs --output artifacts

test: .venv/installed-dev
	$(BIN)/pytest -q -n 3

platform: .venv/installed-dev
	$(BIN)/pytest -q -s tests/services/test_platform.py

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q -n 3 -m "not services and not slow"

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	@echo "Installing into .venv; the first time takes a few minutes ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	@echo "Installing into .venv; the first time takes a few minutes ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@ .venv/installed

clean:
	rm -rf .venv artifacts build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
