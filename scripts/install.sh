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
# Compiled now, since the first start would compile it in a dozen processes at once.
"$venv/bin/uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" -r requirements.lock
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps -e .
"$venv/bin/python" -m compileall -q airis_ray
