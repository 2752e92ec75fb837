# Everything a newcomer or CI needs; `make help` lists it. Each target first makes .venv (tools/bootstrap).
#
#   LAB=name                          which lab (default: demo; make test has one of its own)
#   LAB_ARGS='--workers 3 --spare 1'  how lab-up makes it
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

LAB ?= demo
LAB_ARGS ?=
BENCH_ARGS ?=
CHAOS_ARGS ?=
BIN := .venv/bin
RUN := $(BIN)/python -m
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help venv demo test long lint format unit integration molecule bench chaos docs collection lab-up lab-down lab-env \
        lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

venv: ## make .venv with the pinned packages (nothing to do when it is current)
	@tools/bootstrap

demo: venv ## boot the lab, deploy Alluxio on it with site.yml, show that it works; the cluster stays up
	@$(RUN) tools.demo --name '$(LAB)' -- $(LAB_ARGS)

test: venv ## lint, unit, molecule and integration tests on a lab of its own
	@$(RUN) tools.run_tests lint unit molecule integration

long: venv ## the scenarios and lab tests that `make test` leaves out: high availability, upgrade, restore, chaos
	@$(RUN) tools.run_tests molecule-long integration-long

lint: venv ## every static check
	@$(RUN) tools.run_tests lint

unit: venv ## pure code, no lab
	@$(RUN) tools.run_tests unit

integration: venv ## on the lab `test`, booted for it: make integration [TESTS='-k text']
	@$(RUN) tools.run_tests integration

molecule: venv ## role scenarios on the lab `test`: make molecule [ROLE=x] [CHANGED=1]
	@$(RUN) tools.run_tests molecule

bench: venv ## the benchmark suite on a lab of its own: JSON and a table with ratios [BENCH_ARGS="--only backup,upgrade"]
	@$(RUN) tests.bench $(BENCH_ARGS)

chaos: venv ## faults at seeded moments during the verbs, on a lab of its own [CHAOS_ARGS="--seed 2 --faults 5"]
	@$(RUN) tests.chaos $(CHAOS_ARGS)

docs: venv ## build the site into site/
	@$(RUN) tools.docs build

collection: venv ## build the collection's archive into build/
	@$(RUN) tools.build_collection

format: venv ## put Python in the house's format and renew what is generated
	@ruff check --quiet --fix-only . && ruff format --quiet . && $(RUN) tools.role_readme

lab-up: venv ## boot a lab (LAB, LAB_ARGS)
	@$(RUN) lab up --name '$(LAB)' $(LAB_ARGS)

lab-down: venv ## remove a lab and everything it made but the build cache (LAB)
	@$(RUN) lab down --name '$(LAB)'

lab-env: venv ## print export lines for a running lab: eval "$(make -s lab-env)"
	@$(RUN) lab env --name '$(LAB)'

lock: ## resolve pyproject.toml again and rewrite requirements.txt
	@tools/bootstrap --lock

clean: ## remove what make made in the checkout (not labs, not the build cache)
	@rm -rf .venv build site .mypy_cache .pytest_cache .ruff_cache
