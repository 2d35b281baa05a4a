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
# Apart from each other: the unit tests hold the engine in their own processes (one a core, by files), which must not share
# one with a running Ray.
"$bin/pytest" tests/unit -n logical --maxprocesses 4 --dist loadfile
"$bin/pytest" tests/contract
"$bin/pytest" tests/e2e -rs
"$bin/pytest" tests/serve
make --no-print-directory VENV="${VENV:-.venv}" test-kube
