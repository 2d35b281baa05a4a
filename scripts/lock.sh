#!/usr/bin/env bash
# Compiles requirements.lock: every version that `make install` takes, without index addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv)
"$uv" pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-header --no-emit-index-url --quiet -o requirements.lock
