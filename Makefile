# Tandem: `make run` is all that a first look needs.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PYTEST = $(BIN)/python -m pytest
COVERAGE =
SELECTED = not timed and not proof
PROOFS = tests/end_to_end
# Else each of the many processes would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run dev test brief route check proof lock protobuf clean

help:
	@echo "make run    install, start a private Postgres and Valkey, migrate, seed, serve"
	@echo "make dev    the same, starting anew whenever the code changes"
	@echo "make test   every test but the proofs, on a private Postgres and Valkey"
	@echo "make check  ruff, mypy --strict, import-linter"
	@echo "make brief  the proofs of the guarantees, in their short form"
	@echo "make proof  the long proofs: kills, faults, soak; results under .proof/"
	@echo "make route  the tests of sockets again, as ordinary ASGI routes"
	@echo "make lock   the requirements, with exact versions and hashes, from pyproject.toml"
	@echo "make protobuf  the code of the Protobuf flavour, from its schema"
	@echo "make clean  remove what these commands made, the data included"

run: $(VENV)/run.stamp
	@$(BIN)/python -m app serve --seed

dev: $(VENV)/dev.stamp
	@$(BIN)/python -m app serve --seed --reload

# Two runs: whatever measures time has the machine to itself. In the first, files begin in the
# order of their names: the slow ones of end_to_end early, so that none is left alone at the end.
test: $(VENV)/dev.stamp
	@ls /usr/bin/chromium* >/dev/null 2>&1 || echo "no Chromium in /usr/bin: the browser tests are left out"
	@command -v npm >/dev/null || echo "no npm: the tests of centrifuge-js are left out"
	$(PYTEST) -n 4 --dist loadfile --no-loadscope-reorder -m "$(SELECTED)" \
		$(COVERAGE) $(if $(COVERAGE),--cov-fail-under=85)
	$(PYTEST) -m timed

# The proofs in their short form, with the machine to themselves.
brief: $(VENV)/dev.stamp
	$(PYTEST) $(PROOFS) -m proof

# The same sockets as ordinary ASGI routes, as any other server carries them (CI: the protocol,
# recovery and two SDKs); what opens no socket of ours, or says itself how it is carried, is left out.
SAME = commands compression conformance described idempotency merge_property private_services \
	state_property
ROUTE = tests/end_to_end
route: $(VENV)/dev.stamp
	TANDEM_TAKE_OVER=off $(PYTEST) -n 4 --dist loadfile $(ROUTE) \
		$(SAME:%=--ignore=tests/end_to_end/test_%.py) \
		-m "not timed and not proof and not browser"

check: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	PATH="$(abspath $(BIN)):$$PATH" lint-imports

proof: $(VENV)/dev.stamp
	$(BIN)/python -m tests.proof

# Exact versions with hashes; the files hold no address of a package index.
lock: $(VENV)/dev.stamp
	$(BIN)/python -m pip install -q uv
	$(call compile,requirements.txt)
	$(call compile,requirements-run.txt,--extra embedded --extra load)
	$(call compile,requirements-dev.txt,--extra embedded --extra load --extra dev)

compile = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-header --no-strip-extras --no-emit-index-url --no-emit-find-links pyproject.toml $(2) -o $(1)

# The code of the Protobuf flavour, from its schema.
protobuf: $(VENV)/dev.stamp
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. app/realtime/wire/centrifuge.proto

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tandem needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements-run.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@ $(VENV)/run.stamp

# Below a private home root's Postgres has its data elsewhere: see app/embedded_cluster.py.
clean:
	@home=$$(readlink -f .data/postgres); case "$$home" in /var/lib/tandem/*) rm -rf "$$home";; esac
	rm -rf $(VENV) .data .proof .screenshots .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .coverage .coverage.* htmlcov tests/end_to_end/sdk_js/node_modules \
		tests/asyncapi/specification/node_modules
