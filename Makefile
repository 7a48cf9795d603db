# Everything a contributor needs: `make demo` shows the program, `make check` is the quick gate, `make test` the whole suite.
# Each target does its own set-up in .venv; nothing has to be installed beforehand but Python 3.11 or newer.

PYTHON ?= python3
# Further options for pytest, for example PYTEST_OPTIONS="-k store -x".
PYTEST_OPTIONS ?=

# Paths are relative, so the checkout may stand in a folder with spaces in its name.
VENV_PYTHON := .venv/bin/python
FALLLINE := .venv/bin/fallline

# pytest rewrites each test file before it runs it: what it made is kept for the next run, whatever the machine is told.
check test: export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help demo check test bench clean python runtime development
.NOTPARALLEL:

help:
	@echo "make demo    install into .venv, then fit the textbook line and the penguins"
	@echo "make check   the quick gate: format, lint, types, layers, fast tests, doctests"
	@echo "make test    the whole suite, browser tests in a real Chromium included"
	@echo "make bench   every benchmark, each figure beside its bar"
	@echo "make clean   remove .venv and what tools left behind (runs/ stays)"
	@echo
	@echo "PYTHON=python3.12 make demo   makes a new .venv with that Python (after make clean)"

demo: runtime
	$(FALLLINE) fit
	$(FALLLINE) fit examples/penguins.csv --target body_mass_g --features flipper_length_mm --drop-missing

# The types are checked while the tests run: mypy takes one core alone for a quarter of a minute. What it says comes last.
check: development
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m ruff check .
	.venv/bin/lint-imports --no-logo
	@mkdir -p .mypy_cache; echo "mypy and pytest, at the same time"; \
	$(VENV_PYTHON) -m mypy >.mypy_cache/said 2>&1 & types=$$!; trap "kill $$types 2>/dev/null" INT TERM; \
	$(VENV_PYTHON) -m pytest -n 2 --dist worksteal -m "not slow and not browser" --doctest-modules src/fallline tests $(PYTEST_OPTIONS); \
	tests=$$?; wait $$types; types=$$?; echo "mypy:"; cat .mypy_cache/said; [ $$tests -eq 0 ] && [ $$types -eq 0 ]

# The path of the Chromium goes to the tests in FALLLINE_CHROMIUM; where there is none, tools/chromium.py says why and make stops.
test: development
	@chromium=$$($(VENV_PYTHON) tools/chromium.py) || exit 1; \
	echo "Chromium for the browser tests: $$chromium"; \
	FALLLINE_CHROMIUM="$$chromium" $(VENV_PYTHON) -m pytest -n 2 --dist worksteal --doctest-modules src/fallline tests $(PYTEST_OPTIONS)

bench: development
	$(VENV_PYTHON) -m benchmarks

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf src/*.egg-info src/fallline/_recorder/*.so
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

runtime: python
	@"$(PYTHON)" tools/environment.py runtime

development: python
	@"$(PYTHON)" tools/environment.py development

python:
	@command -v "$(PYTHON)" >/dev/null || { \
	echo 'fallline needs Python 3.11 or newer, and "$(PYTHON)" was not found. Install it, or name one: make demo PYTHON=/path/to/python3.11' >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo 'fallline needs Python 3.11 or newer, and "$(PYTHON)" is '"$$("$(PYTHON)" --version 2>&1)"'. Name a newer one: make demo PYTHON=/path/to/python3.11' >&2; exit 1; }
