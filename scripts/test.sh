#!/usr/bin/env bash
# Everything that has to hold before a change lands, quickest first.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${VENV:-.venv}/bin
"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy"
# The definitions of custom kinds are 14 MB and not part of the repository: a folder beside it is used where it is there.
schemas=${AIRIS_TEST_SCHEMAS:-$(cd ../shared/schemas 2>/dev/null && pwd || true)}
env ${schemas:+AIRIS_TEST_SCHEMAS="$schemas"} "$bin/pytest" tests/kube -rs
# One process each: the unit tests hold the engine in their own process, which must not share it with a running Ray.
"$bin/pytest" tests/unit
"$bin/pytest" tests/contract
"$bin/pytest" tests/serve
make --no-print-directory VENV="${VENV:-.venv}" test-kube
