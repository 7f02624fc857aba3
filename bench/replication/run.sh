#!/usr/bin/env bash
# What replication costs: the same import into one node and into three, as processor time per
# document and copy. ./dev bench replication [RUNS] [DOCUMENTS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

runs=${1:-3} documents=${2:-60000}
bin=$PWD/build/release/bin
dev_jobs=$(nproc)
cmake --build build/release -j "${DEV_JOBS:-$dev_jobs}" --target kumosearch-server kumosearch-cli >/dev/null
work=$(mktemp -d)
export KUMOSEARCH_API_KEY=bench
pids=()

end_servers() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    [ ${#pids[@]} = 0 ] || wait "${pids[@]}" 2>/dev/null || true
    pids=()
}
trap 'end_servers; rm -rf "$work"' EXIT

# Clock ticks that the servers have used.
ticks() {
    local sum=0 pid fields
    for pid in "${pids[@]}"; do
        read -r -a fields <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
        sum=$((sum + fields[11] + fields[12]))
    done
    echo "$sum"
}

# start N: that many nodes, in empty directories.
start() {
    local n=$1 i list=() options
    end_servers
    rm -rf "$work"/data*
    for ((i = 0; i < n; i++)); do list+=("127.0.0.1:$((21100 + i)):$((21200 + i))"); done
    (IFS=, && echo "${list[*]}") >"$work/nodes"
    for ((i = 0; i < n; i++)); do
        mkdir "$work/data$i"
        options=()
        [ "$n" = 1 ] || options=(--nodes "$work/nodes" --peering-address 127.0.0.1 --peering-port $((21100 + i)))
        "$bin/kumosearch-server" --data-dir "$work/data$i" --api-address 127.0.0.1 \
            --api-port $((21200 + i)) "${options[@]}" >"$work/log$i" 2>&1 &
        pids+=($!)
    done
    for ((i = 0; i < n; i++)); do
        until curl -sf "http://127.0.0.1:$((21200 + i))/health" >/dev/null; do sleep 0.1; done
    done
}

# measure N: sets `cost`, microseconds of processor time per document and copy. Not by its output:
# the servers belong to this shell.
cost=0
measure() {
    local n=$1 before
    start "$n"
    "$bin/kumosearch-cli" --url http://127.0.0.1:21200 collection create "$work/schema.json" >/dev/null
    before=$(ticks)
    "$bin/kumosearch-cli" --url http://127.0.0.1:21200 import d "$work/docs.jsonl" >/dev/null 2>&1
    sleep 2 # What the import leaves to the background.
    cost=$((($(ticks) - before) * (1000000 / $(getconf CLK_TCK)) / documents / n))
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
