#!/bin/sh
# Install the base distribution alone, without the registry's packages, and run the verifier's tests
# with the network off where the machine lets us take it away.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
cd "$here/.."
venv="var/verifier-alone"
lock="requirements-verifier.lock"
stamp="$venv/lancang.stamp"
wanted="$(cat "$lock" pyproject.toml "$here/test_verifier_alone.sh" | sha256sum)"
if [ ! -e "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
  rm -rf "$venv"
  .venv/bin/python -m venv "$venv" 2>/dev/null || .venv/bin/python -m virtualenv -q "$venv"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
  # The test runner only: nothing that the verifier could lean on by accident.
  grep -E '^(pytest|pytest-socket|pytest-xdist|execnet|hypothesis|sortedcontainers|iniconfig|pluggy|packaging|pygments|attrs|joserfc|gmssl|pycryptodomex)==' \
    requirements-dev.lock | sed 's/[ ;\\].*//' | xargs "$venv/bin/python" -m pip install -q --no-deps
  printf '%s' "$wanted" > "$stamp"
fi
set -- "$venv/bin/python" -m pytest -q -n auto -p no:cacheprovider --disable-socket \
  --allow-unix-socket -m "not slow" tests/unit/verifier
if unshare -rn true 2>/dev/null; then
  echo "verifier alone, in an empty network namespace"
  exec unshare -rn "$@"
fi
echo "verifier alone, sockets refused by the test runner"
exec "$@"
