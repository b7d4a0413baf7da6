# Set-up and everyday commands. All can be repeated at any time: finished steps are skipped.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
STAMPS := .build
PYTHON := $(VENV)/bin/python
IN_CONTAINER := $(PYTHON) -m bactofleet.run.container --
ARGS ?=
SUITES ?=
# Compiled modules are kept: tests start Python hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup setup-dev image lock demo check test aws-up aws-demo run shell docs dist lint lint-sources lint-tests format test-versions check-arm64 release-image clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMPS)/venv image ## Python environment, container engine and image.

setup-dev: $(STAMPS)/venv-dev image ## Also what tests, checks and documentation need.

$(STAMPS)/venv $(STAMPS)/venv-dev: pyproject.toml $(wildcard packages/*/pyproject.toml requirements/*.txt) containers/venv.sh

$(STAMPS)/venv:
	@containers/venv.sh $(VENV) run
	@mkdir -p $(STAMPS) && touch $@

# It has all that the other has, in the same versions.
$(STAMPS)/venv-dev:
	@containers/venv.sh $(VENV) dev
	@mkdir -p $(STAMPS) && touch $(STAMPS)/venv $@

image: ## Build the image (bactofleet:latest); quick when nothing changed.
	@containers/build.sh

lock: $(STAMPS)/venv-dev ## Write the lock files after a change of pyproject.toml; ARGS="--upgrade" for new versions.
	PATH=$(VENV)/bin:$$PATH requirements/lock $(ARGS)

demo: setup ## Annotate the genomes of demo/, small ones; ends with where the table and report are.
	$(IN_CONTAINER) snakemake --profile profiles/local --configfile demo/config.yaml $(ARGS)
	@ls demo-results/cohort.tsv demo-results/report.html >/dev/null
	@printf 'Cohort table: %s\nHTML report:  %s\n' $(CURDIR)/demo-results/cohort.tsv $(CURDIR)/demo-results/report.html

docs: $(STAMPS)/venv-dev ## Build the documentation as a site in .build/site; a broken link is an error.
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

check: lint docs ## The fast lane, without containers: style, types, unit tests and what they cover.
	$(VENV)/bin/pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered tests/unit packages

test: setup-dev ## Run all tests, or the suites in SUITES="check aws"; ends with how each suite ended.
	@tests/install.sh
	@$(PYTHON) tests/suites.py $(SUITES)

aws-up: setup-dev ## Start the emulated AWS, and say how to use it; Ctrl-C stops it.
	PYTHON=$(PYTHON) tests/aws/up

aws-demo: setup-dev ## The demo as array jobs of an emulated AWS; ends with where the table and report are.
	PYTHON=$(PYTHON) tests/aws/up -- $(PYTHON) tests/aws/genomes.py $(STAMPS)/aws-demo
	@cd $(STAMPS)/aws-demo && ls results/cohort.tsv results/report.html >/dev/null
	@printf 'Cohort table: %s\nHTML report:  %s\n' $(CURDIR)/$(STAMPS)/aws-demo/results/{cohort.tsv,report.html}

run: setup ## Annotate the genomes of config/samples.tsv; Snakemake's options in ARGS="--dry-run".
	$(IN_CONTAINER) snakemake --profile profiles/local $(ARGS)

shell: setup ## A shell in the image.
	$(IN_CONTAINER) bash

dist: $(STAMPS)/venv ## Build wheels and source distributions of the three packages in dist/.
	rm -rf dist
	for folder in . packages/*; do \
	    (cd $$folder && $(CURDIR)/$(PYTHON) -m hatchling build -d $(CURDIR)/dist); \
	done

lint: $(STAMPS)/venv-dev ## Check style, types and imports.
	@$(MAKE) --no-print-directory --output-sync -j2 lint-tests lint-sources

lint-sources: $(STAMPS)/venv-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/snakefmt --check workflow
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/cfn-lint infra/bactofleet.yaml
	PYTHONPATH=tests $(PYTHON) -W ignore tests/infra/lint_policies.py

lint-tests: $(STAMPS)/venv-dev
	$(VENV)/bin/mypy --config-file tests/mypy.ini

format: $(STAMPS)/venv-dev ## Put the sources into the project's style.
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/snakefmt workflow

test-versions: setup-dev ## Test the plugins with the oldest and the newest Snakemake that they declare.
	SNAKEMAKE_RANGE=1 $(PYTHON) -m pytest tests/aws/test_plugins_alone.py $(ARGS)

check-arm64: setup ## Check that every package of the image exists for arm64.
	@containers/check-arm64.sh

release-image: ## Push the image of this version, for amd64 and arm64: TO=ghcr.io/my-lab/bactofleet.
	@containers/release.sh $(TO)

clean: ## Remove what set-up and demo made, but no results; the image and the engine stay.
	rm -rf $(VENV) $(STAMPS) dist demo-results scratch/demo
