#!/usr/bin/env bash
# Everything that has to hold before a change lands, quickest first.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${VENV:-.venv}/bin
scripts/system-packages
"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy"
VENV="${VENV:-.venv}" scripts/ui test
# One process each: the unit tests hold the engine in their own process, which must not share it with a running Ray.
"$bin/pytest" tests/unit
"$bin/pytest" tests/contract
"$bin/pytest" tests/e2e -rs
"$bin/pytest" tests/serve
make --no-print-directory VENV="${VENV:-.venv}" test-kube
