# `make run` and `make test` do everything on a fresh machine that has Python 3.11 to 3.13.
PYTHON ?= python3
BIN := .venv/bin
PIPELINES := pipeline $(patsubst pipelines/%.py,pipelines.%,$(sort $(wildcard pipelines/*.py)))

# The image of the pipelines' steps, with the registry from which the cluster pulls it:
# make push IMAGE=registry.example.org/stethoscope-python:0.1.0
IMAGE ?=
# pipeline, steps (those that do not train; without TensorFlow) or serve
TARGET ?= pipeline
DOCKER ?= docker

# How long `make fuzz` takes.
MINUTES ?= 30

.PHONY: install run test tests quick try-docs docs screenshots fuzz faults bench figures lint types compile image push lock sbom audit clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Python 3.11 to 3.13 is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[serve,watch,train,pipelines,terminal,dev]'
	touch $@

run: install
	$(BIN)/stethoscope run
	@echo 'For the command stethoscope in this terminal: source .venv/bin/activate'

test tests: lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile

# The tests that need no trained network.
quick: install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

# Kill runs, sweeps and downloads at random moments, fill their disk, and continue them.
faults: install
	$(BIN)/python -m tests.faults.harness --minutes $(or $(MINUTES),30)

# Random and altered input of every kind, for some minutes: make fuzz MINUTES=30
fuzz: install
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

# All figures of speed and memory beside their references, and README and docs with them. Needs quiet processors.
bench: install
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python docs/figures.py

# The figures of the last `make bench` in README and docs.
figures: install
	$(BIN)/python docs/figures.py

# The commands of README and docs, typed in order, in a fresh checkout with an environment of its own.
try-docs: install
	$(BIN)/python -m tests.docs.commands

# The documentation as a site that needs no network.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo 'To read it, with search: python3 -m http.server --directory build/site 8000'

# The pictures and figures of README and docs, from a run and a service of now.
screenshots: install
	$(BIN)/python docs/screenshots.py

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: install
	$(BIN)/mypy

compile: install
	for module in $(PIPELINES); do $(BIN)/python -m $$module || exit 1; done
	$(BIN)/python docs/diagrams.py
	$(BIN)/python docs/parameters.py

image:
	@case "$(IMAGE)" in *.*/*|*:*/*|localhost/*) ;; \
	  *) echo "IMAGE names no registry: make $(or $(MAKECMDGOALS),image) IMAGE=registry.example.org/stethoscope-python:0.1.0" >&2; exit 1;; esac
	$(DOCKER) build --target $(TARGET) --build-arg VERSION=$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' stethoscope/__init__.py) --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) -t $(IMAGE) .

push: image
	$(DOCKER) push $(IMAGE)

# Versions and hashes of all packages in the images, from pyproject.toml and constraints.txt.
LOCK := build/tools/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --constraint constraints.txt

lock: build/tools/installed
	$(LOCK) --extra serve pyproject.toml --output-file requirements/serve.txt
	$(LOCK) --extra train --extra pipelines pyproject.toml --output-file requirements/pipeline.txt
	$(LOCK) --extra steps --extra pipelines pyproject.toml --output-file requirements/steps.txt
	$(LOCK) requirements/build.in --output-file requirements/build.txt
	$(LOCK) requirements/tools.in --output-file requirements/tools.txt

# What the image of the service contains, with licences, in CycloneDX: build/sbom.json.
sbom: build/tools/installed
	rm -rf build/serve
	$(PYTHON) -m venv build/serve
	build/serve/bin/python -m pip install --quiet --require-hashes --requirement requirements/serve.txt
	build/serve/bin/python -m pip install --quiet --require-hashes --requirement requirements/build.txt
	build/serve/bin/python -m pip install --quiet --no-deps --no-build-isolation .
	build/serve/bin/python -m pip uninstall --quiet --yes --requirement requirements/build.txt pip setuptools
	build/tools/bin/cyclonedx-py environment --gather-license-texts --output-reproducible --output-file build/sbom.json build/serve/bin/python
	@echo build/sbom.json

# Exit status 2 says that nothing is known, because there is no data on vulnerabilities.
audit: build/tools/installed
	$(PYTHON) deploy/audit.py build/tools/bin/pip-audit requirements/serve.txt requirements/pipeline.txt

build/tools/installed: requirements/tools.txt
	$(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/tools.txt
	touch $@

clean:
	rm -rf .venv build dist runs .mypy_cache .pytest_cache .ruff_cache .hypothesis
