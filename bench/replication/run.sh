#!/usr/bin/env bash
# What replication costs: the same import into one node and into three, as processor time per
# document and copy. ./dev bench replication [RUNS] [DOCUMENTS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. bench/servers.sh

runs=${1:-3} documents=${2:-60000}
build_servers

# measure N: sets `cost`, microseconds of processor time per document and copy. Not by its output:
# the servers belong to this shell.
cost=0
measure() {
    local n=$1 before
    start_nodes "$n"
    cli 0 collection create "$work/schema.json" >/dev/null
    before=$(ticks "${pids[@]}")
    cli 0 import d "$work/docs.jsonl" >/dev/null 2>&1
    sleep 2 # What the import leaves to the background.
    cost=$((($(ticks "${pids[@]}") - before) * (1000000 / $(getconf CLK_TCK)) / documents / n))
}

python3 - "$documents" >"$work/docs.jsonl" <<'PY'
import json, random, sys
random.seed(1)
for i in range(int(sys.argv[1])):
    title = " ".join("word%d" % random.randrange(20000) for _ in range(8))
    print(json.dumps({"id": str(i), "title": title, "n": i}))
PY
echo '{"name":"d","fields":[{"name":"title","type":"string"},{"name":"n","type":"int32"}]}' >"$work/schema.json"

echo "processor time per document and copy, $documents documents"
for ((run = 1; run <= runs; run++)); do
    measure 1
    one=$cost
    measure 3
    three=$cost
    echo "run $run: one node $one us, three nodes $three us: the rate is $((100 * one / three)) %"
done
