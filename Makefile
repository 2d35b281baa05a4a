# `make help` lists what there is. Everything is installed into .venv by the first target that needs it.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SCHEMAS = $(or $(AIRIS_TEST_SCHEMAS),$(shell cd ../shared/schemas 2>/dev/null && pwd))

RECORDER := airis_ray/gateway/assets/recorder.js

.DEFAULT_GOAL := help
.PHONY: help install build recorder run test lint type unit contract browser-test test-kube test-kube-api test-faults serve-test lock bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## make the environment in .venv

$(STAMP): pyproject.toml requirements.lock hatch_build.py
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is missing: install python3 (with venv) and run make again" >&2; exit 1; }
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash scripts/install.sh
	@touch $@

build: $(STAMP) ## compile the OTLP decoder in place (done by install; needed after a change of its C sources)
	$(BIN)/python hatch_build.py

recorder: $(STAMP) $(RECORDER) ## build the browser recorder, which the gateway serves at /recorder.js

$(RECORDER): scripts/ui ui/recorder/package-lock.json $(wildcard ui/recorder/src/*.ts ui/recorder/*.config.ts)
	@VENV="$(VENV)" scripts/ui build

run: $(STAMP) ## start everything on this machine: http://127.0.0.1:3000 (Ctrl-C stops it)
	@$(MAKE) --silent --no-print-directory $(RECORDER) || echo "make: without the browser recorder; /recorder.js answers 404" >&2
	@$(BIN)/airis up

test: $(STAMP) ## lint, types and every test
	@bash scripts/test.sh

lint: $(STAMP) ## ruff: style and format
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

type: $(STAMP) ## mypy, strict
	$(BIN)/mypy

unit: $(STAMP) ## unit tests (no Ray, no network)
	$(BIN)/pytest tests/unit -n logical --maxprocesses 4 --dist loadfile

contract: $(STAMP) ## the store's contract (AIRIS_TEST_CLICKHOUSE_URL adds a real server)
	$(BIN)/pytest tests/contract

test-kube: $(STAMP) ## the Kubernetes manifests, without a cluster (AIRIS_TEST_SCHEMAS: folder of CRDs)
	@$(if $(SCHEMAS),AIRIS_TEST_SCHEMAS="$(SCHEMAS)") $(BIN)/pytest tests/kube -rs

test-kube-api: $(STAMP) ## the same against a real kube-apiserver and the KubeRay operator, built from source by Go (half an hour the first time)
	@VENV=$(VENV) scripts/kube-api build --operator
	@$(if $(SCHEMAS),AIRIS_TEST_SCHEMAS="$(SCHEMAS)") $(BIN)/pytest tests/kube_api -rs

browser-test: $(STAMP) ## the recorder in Chromium against ingest and replay (skipped where there is no Chromium)
	@VENV="$(VENV)" scripts/ui test
	$(BIN)/pytest tests/e2e -rs

serve-test: $(STAMP) ## one real `serve run`, driven by the OpenTelemetry SDK, the client and the notebook
	$(BIN)/pytest tests/serve

test-faults: $(STAMP) ## the program over a real Kafka while things go wrong, half an hour (FAULT_SECONDS=10: shorter)
	$(BIN)/pytest tests/faults -rs $(if $(FAULT_SECONDS),--fault-seconds $(FAULT_SECONDS))

lock: ## write requirements.lock anew (no index addresses in it)
	@bash scripts/lock.sh

bench: $(STAMP) ## the benchmarks, one after the other
	$(BIN)/python benchmarks/decode.py && $(BIN)/python benchmarks/ingest.py && $(BIN)/python benchmarks/stream.py && $(BIN)/python benchmarks/query.py

clean: ## remove the environment and what was built (not the data in .airis)
	rm -rf $(VENV) build dist ui/*/node_modules $(RECORDER) .cache/node .mypy_cache .ruff_cache .pytest_cache .hypothesis
