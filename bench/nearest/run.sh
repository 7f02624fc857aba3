#!/usr/bin/env bash
# What is looked for by nearness, in process, over generated data: recall and time of vector search
# with and without filters, how fast graphs are built; circles over places, by radius.
# ./dev bench nearest [VECTORS [DIMENSIONS [PLACES]]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

vectors=${1:-50000} dimensions=${2:-128} places=${3:-1000000}
cmake --build --preset release --target nearest_bench >/dev/null
build/release/bin/nearest_bench vectors "$vectors" "$dimensions"
build/release/bin/nearest_bench places "$places"
