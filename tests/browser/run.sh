#!/usr/bin/env bash
# The browser's tests: tests/browser/run.sh [path of rollcall] [options of node --test]
#
# Without a path: what cargo has built last. The board must have been built before
# (`cargo run -p xtask -- frontend`), for the server serves it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
if [ $# -gt 0 ] && [ -x "$1" ]; then
  ROLLCALL=$(readlink -f "$1")
  shift
fi
ROLLCALL=${ROLLCALL:-$(ls -t "$target"/{debug,release}/rollcall 2>/dev/null | head -n 1 || true)}
[ -x "${ROLLCALL:-}" ] || { echo "No rollcall to test: cargo build -p rollcall" >&2; exit 1; }
export ROLLCALL
cd "$here"
[ -d node_modules ] || npm ci --no-audit --no-fund --loglevel=error
exec node --test --test-concurrency=1 "$@" board.test.mjs headset.test.mjs settings.test.mjs states.test.mjs
