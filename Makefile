PYTHON ?= python3
BIN := .venv/bin

# More BLAS threads than cores make a fit many times slower.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
# Without bytecode every process compiles all libraries anew: 10 s of a core for each `deskyard train`.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup test quick lint spark fresh demo real soak scale bench evaluate pictures notebooks reference lock clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: .venv/.ready ## Install everything into .venv, as locked

.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("deskyard needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	PYTHON=$(PYTHON) tests/system_packages.sh venv
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	touch $@

test: setup lint ## Linters, types, import contracts, and every test that needs no other server
	tests/system_packages.sh
	$(BIN)/pytest -n auto --dist loadscope --no-loadscope-reorder

quick: setup ## Unit tests alone: no server, no browser, no PostgreSQL, no training of any size
	$(BIN)/pytest -n auto --dist loadscope --no-loadscope-reorder -m "not slow and not real and not soak and not scale and not spark"

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

spark: setup ## The test that needs Spark: installs PySpark (400 MB) and Java where that may be done
	tests/system_packages.sh java
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-spark.lock
	$(BIN)/pytest -m spark tests/training/publish/test_mlflow_tracking.py

fresh: ## README's two commands in a minimal Debian with python3, git and make; as root, about an hour
	$(PYTHON) tests/fresh/run.py

demo: setup ## A simulated desk: learn, serve on http://127.0.0.1:8000, route new tickets (Ctrl-C stops)
	$(BIN)/deskyard demo

real: setup ## Real help desks on this machine: install (as root), start, test, stop (docs/connectors)
	bash tests/real/install.sh
	$(BIN)/pytest -m real -s tests/real

soak: setup ## Forty minutes of kills, restarts, failures and races over a foreign help desk
	$(BIN)/pytest -m soak -s tests/soak

scale: setup ## Hundreds of simulated worlds, very many tickets: what the default tests do a tenth of
	$(BIN)/pytest -m scale -s tests
	DESKYARD_BROWSER_TICKETS=10000 $(BIN)/pytest tests/browser

bench: setup ## Speed and growth beside two peers (docs/performance.md); needs ../shared, about an hour
	$(BIN)/python -m tests.benchmarks.costs
	$(BIN)/python -m tests.benchmarks.serving
	$(BIN)/python -m tests.benchmarks.scoring
	$(BIN)/python -m tests.benchmarks.growth
	$(BIN)/python -m tests.benchmarks.delivering
	$(BIN)/python -m tests.benchmarks.pages

evaluate: setup ## Twelve real histories beside two peers (docs/evaluation.md); needs ../shared, about an hour
	$(BIN)/python -m tests.benchmarks.evaluate $(INTO)

pictures: setup ## Pictures of the pages for the docs, from a simulated desk (needs chromium)
	$(BIN)/python -m tests.pictures

notebooks: setup ## The notebooks as pages with pictures (docs/notebooks), from the synthetic sample
	$(BIN)/python -m tests.notebooks

reference: setup ## The pages of docs/reference, from the code
	$(BIN)/python -m tests.reference

lock: setup ## Choose the newest versions that fit and lock them
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --group dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --group pyproject.toml:spark -o requirements-spark.lock

clean: ## Remove .venv, caches and what the demo made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var
