# `make demo` and `make test` set up all they need: Python 3.11 or later and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# The same with torch and TensorFlow beside JAX.
ALL := .venv-backends/bin

# All plugins but the founding ones are marked slow. Left out is what trains for minutes, or runs on no backend.
EVERY_PLUGIN := tests/test_every_model.py tests/test_conformance.py \
	-m "slow or not slow" -k "not slow_conformance and not mnist and not every_data_set"
ON_EVERY_BACKEND := tests/models tests/training tests/sampling plugins

.PHONY: install install-backends demo test test-backends test-all docs lint clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.txt constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet -c constraints.txt -r requirements.txt
	@touch $@

install-backends: .venv-backends/.installed

.venv-backends/.installed: requirements.txt constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -m venv .venv-backends
	$(ALL)/pip install --disable-pip-version-check --quiet -c constraints.txt -r requirements.txt \
		torch==2.13.0 tensorflow==2.20.0 ray==2.60.0
	@touch $@

demo: install
	$(BIN)/zoo compare dcgan vae cgan --protocol digits --out demo

test: install
	$(BIN)/pytest -n auto --dist worksteal

# Every plugin, with its smallest options, on the other backends, and that all three compute the same.
test-backends: install-backends
	KERAS_BACKEND=torch $(ALL)/pytest $(EVERY_PLUGIN)
	KERAS_BACKEND=tensorflow $(ALL)/pytest $(EVERY_PLUGIN)
	$(ALL)/pytest tests/training/test_agreement.py

# The full matrix, and what takes minutes.
test-all: install-backends
	$(ALL)/pytest -n auto --dist worksteal -m "slow or not slow"
	KERAS_BACKEND=torch $(ALL)/pytest -n auto --dist worksteal $(EVERY_PLUGIN)
	KERAS_BACKEND=torch $(ALL)/pytest -n auto --dist worksteal $(ON_EVERY_BACKEND)
	KERAS_BACKEND=tensorflow $(ALL)/pytest -n auto --dist worksteal $(EVERY_PLUGIN)
	KERAS_BACKEND=tensorflow $(ALL)/pytest -n auto --dist worksteal $(ON_EVERY_BACKEND)

# The site of the documentation, in site/: open site/index.html, or serve it to search it.
docs: .venv-docs/.installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build

.venv-docs/.installed: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --disable-pip-version-check --quiet 'pip>=25.1'
	.venv-docs/bin/pip install --quiet -c constraints.txt --group docs
	@touch $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .venv-backends .venv-docs demo site
