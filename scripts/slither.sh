#!/bin/sh
# Static analysis of the contracts with slither, in an environment of its own (its web3 is older
# than ours). Any finding fails, however low, but for `timestamp`: block times are what the
# contracts record. SLITHER names another slither; FORGE another forge.
#
#   scripts/slither.sh           analyse
#   scripts/slither.sh --lock    rewrite requirements-slither.lock (needs `uv`)
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" = "--lock" ]; then
  exec uv pip compile requirements-slither.in --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url \
    --custom-compile-command "scripts/slither.sh --lock" -q -o requirements-slither.lock
fi

environment=var/slither
if [ -z "${SLITHER:-}" ]; then
  SLITHER=$environment/bin/slither
  if [ ! -x "$SLITHER" ]; then
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --require-hashes -r requirements-slither.lock
  fi
fi

# slither calls `forge` by name and cleans its output: give it a folder of its own.
shims=$environment/shims
mkdir -p "$shims"
cat > "$shims/forge" <<SHIM
#!/bin/sh
exec node "$PWD/scripts/forge.cjs" "\$@"
SHIM
chmod +x "$shims/forge"
PATH="$PWD/$shims:$PATH" \
FOUNDRY_OUT=$environment/out FOUNDRY_CACHE_PATH=$environment/cache \
  "$SLITHER" . --foundry-out-directory "$environment/out" --fail-low
