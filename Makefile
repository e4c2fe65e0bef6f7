# Everything a newcomer needs: `make demo`, then `make ui`; `make test` before a commit.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help install demo ui test check coverage mutation bench bench-scale clean

help:            ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

install: $(STAMP) ## create .venv and install

demo: $(STAMP)   ## the whole pipeline on the embedded catalogue: no key, no network
	RECFEAT_LAKE=$${RECFEAT_LAKE:-data_lake/demo} $(BIN)/recfeat run

ui: $(STAMP)     ## open the Dagster UI on the demo's lake
	RECFEAT_LAKE=$${RECFEAT_LAKE:-data_lake/demo} $(BIN)/recfeat ui

check: $(STAMP)  ## lint, types, fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder recfeat_pipeline_tests/unit

# Types are checked beside the tests: without a cache they take a core for most of a minute.
test: $(STAMP)   ## lint, types, every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy & $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder; \
		tests=$$?; wait $$! && exit $$tests

coverage: $(STAMP) ## which lines no test runs: a table per folder, and the lowest modules
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine --quiet
	$(BIN)/python -m recfeat_pipeline_tests.coverage_table

mutation: $(STAMP) ## which small changes no test notices; MODULES="catalog/splits.py by-hand" for some
	$(BIN)/python -m recfeat_pipeline_tests.mutation --modules $(MODULES)

bench: $(STAMP)  ## speed and memory as ratios measured in one run; whether claims hold
	$(BIN)/python -m bench

bench-scale: $(STAMP) ## each stage at 1,000, 10,000 and 100,000 items, and again with nothing new; SIZES="…"
	$(BIN)/python -m bench scale --sizes $(or $(SIZES),"1000,10000,100000")

clean:           ## remove the virtual environment and the demo's lake
	rm -rf $(VENV) data_lake/demo
