#!/usr/bin/env bash
# Makes the environment: a virtual environment with the locked versions and this checkout in it.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
python=${PYTHON:-python3}
if [ ! -x "$venv/bin/python" ]; then
  "$python" -m venv "$venv" || { echo "make: the venv module is missing: install python3-venv and run make again" >&2; exit 1; }
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv ||
  { echo "make: the Python package registry cannot be reached: check the network or pip's index setting" >&2; exit 1; }
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" -r requirements.lock
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps -e .
