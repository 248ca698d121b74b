# Everything a checkout needs. Each target makes its own environment in $(VENV) first.
# System packages: python3 (3.11 or newer), python3-venv, make.
PYTHON ?= python3
VENV ?= .venv
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
MUSIC ?=

.PHONY: demo test check format clean

# Fetches free music, indexes it and searches it; or MUSIC=folder, your own.
demo: $(INSTALLED)
	@$(VENV)/bin/python demo/demo.py '$(MUSIC)'

test: $(READY)
	$(VENV)/bin/python -m pytest

check: $(READY)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(READY)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

# What a user needs.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'tunespace needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo 'Python cannot make an environment here; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@echo 'installing tunespace into $(VENV)'
	@$(PIP) --editable .
	@touch $@

# What a developer needs besides.
$(READY): $(INSTALLED)
	@$(PIP) --editable '.[dev]'
	@# Without what it asks for: it only wants to know whether a model is one of tensorflow.
	@$(PIP) --no-deps hearvalidator==2021.0.2
	@touch $@

clean:
	rm -rf $(VENV) build/demo
