#!/bin/sh
# Rewrite the lock files from pyproject.toml: the verifier alone, with the registry, with the tools.
# Needs `uv`. Hashes are pinned and no index address is written.
set -eu
cd "$(dirname "$0")/.."
compile() {
  uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --custom-compile-command "scripts/lock.sh" -q "$@"
}
compile --extra registry --extra s3 --extra pkcs11 --extra dev -o requirements-dev.lock
compile --extra registry -c requirements-dev.lock -o requirements.lock
compile -c requirements-dev.lock -o requirements-verifier.lock
