# Every target sets up what it needs; a fresh machine wants python3, pip and make, nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Without its requirements: on Linux they hold TensorFlow a second time (572 MB), for texts. These are what it imports.
HUB := keras-hub==0.32.0 regex==2026.11.15 tokenizers==0.23.3

.PHONY: setup demo test check bench constraints clean

setup: $(VENV)/.ready

# pip compiles what it installs to bytecode, which halves the time that TensorFlow takes to start.
$(VENV)/.ready: pyproject.toml constraints.txt Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable ".[postgres,s3,serve]" hypothesis mypy pandas pytest pytest-xdist ruff
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(HUB)
	touch $@

demo: setup
	$(BIN)/starshift demo

test: setup
	$(BIN)/python -m pytest --numprocesses 2

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks.run

# Names versions, not addresses; needs uv, which only this target does.
constraints:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group dev --extra postgres --extra s3 --extra serve \
		--universal --no-header --no-annotate --no-emit-index-url --python-version 3.11 --output-file constraints.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
