# Everything a checkout needs. Each target makes its own environment in $(VENV) first.
# System packages: python3 (3.11 or newer), python3-venv, make.
PYTHON ?= python3
VENV ?= .venv
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
MUSIC ?=
COMPILED := src/tunespace/server/page page/openapi.json page/src/lib/schema.d.ts

.PHONY: demo test faults check docs page format clean

# Fetches free music, indexes it and searches it; or MUSIC=folder, your own. Ends by saying how to open the page.
demo: $(INSTALLED)
	@$(VENV)/bin/python demo/demo.py '$(MUSIC)'

test: $(READY)
	$(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# The long form of tests/faults: each fault 200 times, 10,000 damaged files; about an hour on two cores.
faults: $(READY)
	TUNESPACE_FAULT_ROUNDS=200 TUNESPACE_FAULT_FILES=10000 \
		$(VENV)/bin/python -m pytest tests/faults --numprocesses auto --maxprocesses 4 --durations 0

check: $(READY)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/codespell src tests docs benchmarks demo examples page/src page/tests *.md
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --site-dir $(VENV)/site
	@if ! command -v npm >/dev/null || ! git rev-parse --git-dir >/dev/null 2>&1; then \
		echo 'without npm and git the sources of the page (page/) are not checked'; \
	elif ! (cd page && npm ci --no-audit --no-fund --silent); then \
		echo 'what compiles the page cannot be fetched: its sources (page/) are not checked'; \
	else $(MAKE) --no-print-directory page && git diff --exit-code --stat -- $(COMPILED) || \
		{ echo 'the compiled page or its API types are out of date: commit the output of `make page`' >&2; exit 1; }; \
	fi

# Builds the documentation site; warnings are errors.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet
	@echo 'open build/site/index.html'

# Checks the page, generates its API types from the server, and compiles it into the package. Needs node 20.19 or
# newer, which the package itself does not.
page: $(READY)
	$(VENV)/bin/python -m tunespace.server.openapi > page/openapi.json
	cd page && npm ci --no-audit --no-fund --silent && npm run --silent types && npm run --silent check && \
		npm run --silent build

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
	@$(PIP) --editable '.[serve]'
	@touch $@

# What a developer needs besides.
$(READY): $(INSTALLED)
	@$(PIP) --editable '.[dev]'
	@# Without what it asks for: it only wants to know whether a model is one of tensorflow.
	@$(PIP) --no-deps hearvalidator==2021.0.2
	@touch $@

clean:
	rm -rf $(VENV) build/demo
