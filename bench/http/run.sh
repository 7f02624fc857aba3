#!/usr/bin/env bash
# Queries per second over HTTP, one connection, against the server that `./dev demo` left running.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ ! -f .demo/key ]; then
    echo "bench http: no demo server; run ./dev demo first" >&2
    exit 1
fi
exec python3 bench/http/queries.py "$(cat .demo/key)" "$@"
