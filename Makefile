# `make install` makes .venv and installs the pinned set-up; everything else starts from it.
# Needs Python >= 3.10 with pip and venv, and a C compiler (for learn2learn).
#   make demo PYTHON=python3.12     another interpreter for the environment
#   make test TESTS=tests/nn        some of the tests
#   make install INSTALLER=pip      not by uv, which is several times as fast

PYTHON ?= python3
# uv falls back on pip.
INSTALLER ?= uv
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
AWAY := .venv-away
PEERS := .venv-peers
DOCS := .venv-docs
TESTS ?=
WORKERS ?= 2
# The versions that `make away` tests with; `CONSTRAINTS=` takes the newest that are allowed.
CONSTRAINTS ?= constraints.txt
SWEEP ?= runs/transfer
AGAINST ?=
# Of `make fuzz` and `make kill-test`.
SEED ?= 0
N ?=
# Of `make study`.
NAME ?= all
MINUTES ?=

# A process a core and one thread a process: more threads than cores only wait for each other.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Packages are compiled as they are imported; every process would do it again if it were not kept.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test lint kernels fuzz kill-test away docs peers bench study benchmark-transfer clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make .venv and install the pinned set-up (again only after a change of it).

demo: install ## Meta-train on the synthetic suite, adapt to its target, compare with from-scratch.
	$(BIN)/fewshot-metalstm demo

# Kernels are compiled while types are checked: tests in two processes would each compile them.
test: install ## Check as `make lint` does, then run the tests.
	@$(MAKE) --no-print-directory -j 2 lint kernels
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(TESTS)

kernels: install
	$(BIN)/python -m tests.compile_kernels

fuzz: install ## Feed every reader with N damaged files (N=20000); SEED=1 damages others.
	$(BIN)/python -m benchmarks.fuzz_formats --number $(or $(N),20000) --seed $(SEED)

kill-test: install ## Kill every command that writes, N times in all (N=60); SEED=1 at other moments.
	$(BIN)/python -m tests.kills --number $(or $(N),60) --seed $(SEED)
	$(BIN)/python -m tests.kinds.tagging.annotate.kills --number $(or $(N),60) --seed $(SEED)

lint: install ## Check style, what imports what, and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/mypy

away: ## Build sdist and wheel, test the wheel away from the source (CONSTRAINTS=, PYTHON=).
	rm -rf $(AWAY)
	$(PYTHON) -m venv $(AWAY)/venv
	$(AWAY)/venv/bin/python -m pip install --quiet "pip>=23.1" build
	# First the sdist, then the wheel from it; the tests too are those that the sdist holds.
	$(AWAY)/venv/bin/python -m build --outdir $(AWAY)/dist
	$(AWAY)/venv/bin/python -m pip install $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS)) \
		"$$(echo $(AWAY)/dist/*.whl)[dev]"
	mkdir $(AWAY)/tests
	tar -xzf $(AWAY)/dist/*.tar.gz -C $(AWAY)/tests --strip-components 1
	rm -r $(AWAY)/tests/fewshot_metalstm $(AWAY)/tests/tasks
	cd $(AWAY)/tests && ../venv/bin/python -m pytest -W default -n $(WORKERS) --dist loadgroup $(TESTS)

docs: $(DOCS)/.installed ## Write the documentation site to site/; a warning is an error.
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict

peers: $(PEERS)/.installed ## Make .venv-peers, with what the benchmarks compare with.

bench: install ## Run the benchmarks (beside peers after `make peers`).
	$(BIN)/python -m benchmarks

study: install ## Run what a study misses and write its table (NAME=digits or all, MINUTES=, GIVEN=).
	$(BIN)/python -m benchmarks.studies $(NAME) $(if $(MINUTES),--minutes $(MINUTES)) $(GIVEN:%=--given %)

benchmark-transfer: install ## Make the few-shot table of sweeps (SWEEP=folders AGAINST=method).
	$(BIN)/python -m benchmarks.transfer $(SWEEP) $(if $(AGAINST),--against $(AGAINST))

clean: ## Remove the environment, builds and caches; runs and data stay.
	rm -rf $(VENV) $(AWAY) $(DOCS) $(PEERS) site build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A file, so that a second `make` has nothing to do: pip alone needs seconds to find that out.
$(INSTALLED): setup.cfg setup.py pyproject.toml constraints.txt requirements-learn2learn.txt scripts/install.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "error: $(PYTHON) is older than 3.10; name another: make PYTHON=python3.11" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PYTHON) -m scripts.install $(VENV) --by $(INSTALLER)
	touch $@

# Docstrings are read from the sources, so that the site needs nothing of the package itself.
$(DOCS)/.installed: setup.cfg
	test -x $(DOCS)/bin/python || $(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install $$($(PYTHON) -c "import configparser as c; p = c.ConfigParser(); \
		p.optionxform = str; p.read('setup.cfg'); \
		print(*p['options.extras_require']['docs'].replace(' ', '').split())")
	touch $@

$(PEERS)/.installed: benchmarks/peers/requirements.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet "pip>=23.1"
	$(PEERS)/bin/python -m pip install --requirement $<
	touch $@
