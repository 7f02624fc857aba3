#!/usr/bin/env bash
# Queries a second over HTTP, one connection, against the server that `./dev demo` left running.
#
#   bench/http/run.sh [SECONDS for each query, default 4]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/dev/common.sh
. tools/dev/demo.sh

[[ ${1:-4} =~ ^[1-9][0-9]*$ ]] || die "how many seconds? not '$1'"
demo_pid >/dev/null || die "no demo server runs; ./dev demo starts one"
demo_use_server
exec python3 bench/http/queries.py "$@"
