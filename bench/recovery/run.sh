#!/usr/bin/env bash
# How fast a copy that was away too long is built anew, beside the disk's own speed, and what
# clients notice of it. ./dev bench recovery [RUNS] [MIB]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. bench/servers.sh

runs=${1:-3} mib=${2:-1024}
build_servers

# Documents of 4 KiB that do not compress.
python3 - "$mib" >"$work/docs.jsonl" <<'PY'
import base64, json, random, sys
random.seed(1)
for i in range(int(sys.argv[1]) * 256):
    title = " ".join("word%d" % random.randrange(20000) for _ in range(8))
    body = base64.b64encode(random.randbytes(3072)).decode()
    print(json.dumps({"id": str(i), "title": title, "body": body}))
PY
echo '{"name":"d","fields":[{"name":"title","type":"string"}]}' >"$work/schema.json"

# copies_in_sync: as node 0 knows.
copies_in_sync() {
    curl -sf -H "x-kumosearch-api-key: bench" "$(url 0)/operations/cluster" |
        python3 -c 'import json, sys; print(sum(c["in_sync"] for s in json.load(sys.stdin)["shards"] for c in s["copies"]))'
}

# Asks node 0 until $work/stop is there: p99 of searches and writes, in milliseconds.
foreground() {
    python3 - 21200 "$work/stop" <<'PY'
import http.client, json, os, random, sys, time
client = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
headers = {"x-kumosearch-api-key": "bench"}
def timed(method, path, body=None):
    begin = time.monotonic()
    client.request(method, path, body, headers)
    answer = client.getresponse()
    answer.read()
    assert answer.status < 300, answer.status
    return (time.monotonic() - begin) * 1000
searches, writes = [], []
random.seed(2)
while not os.path.exists(sys.argv[2]):
    word = "word%d" % random.randrange(20000)
    searches.append(timed("GET", f"/collections/d/documents/search?q={word}&query_by=title"))
    writes.append(timed("POST", "/collections/d/documents?action=upsert", json.dumps({"id": "f", "title": word})))
    time.sleep(0.005)
p99 = lambda times: sorted(times)[len(times) * 99 // 100]
print(f"{p99(searches):.2f} {p99(writes):.2f} {len(searches)}")
PY
}

for ((run = 1; run <= runs; run++)); do
    start_nodes 3
    cli 0 collection create "$work/schema.json" >/dev/null
    kill "${pids[2]}" && wait "${pids[2]}"
    cli 0 import d "$work/docs.jsonl" >/dev/null 2>&1
    await_rest 0 1 # What the import leaves to the background.
    bytes=$(du -sb "$work/data0/collections" | cut -f1)

    rm -f "$work/stop"
    foreground >"$work/before" &
    sleep 10
    touch "$work/stop"
    wait $!

    begin=$(date +%s%N)
    dd if="$work/docs.jsonl" of="$work/copy" bs=1M conv=fsync 2>/dev/null
    disk=$(($(stat -c %s "$work/copy") * 1000 / ($(date +%s%N) - begin)))
    rm "$work/copy" "$work/stop"

    foreground >"$work/during" &
    load=$!
    begin=$(date +%s%N)
    start_node 2
    until [ "$(copies_in_sync)" = 3 ]; do sleep 0.1; done
    took=$((($(date +%s%N) - begin) / 1000000))
    touch "$work/stop"
    wait "$load"
    read -r search_before write_before _ <"$work/before"
    read -r search_during write_during asked <"$work/during"
    rate=$((bytes / 1000 / took))
    echo "run $run: $((bytes >> 20)) MiB in $took ms from the node's start until it is in sync: $rate MB/s," \
        "$((100 * rate / disk)) % of the disk's $disk MB/s (a copy, synced)"
    echo "    p99 before and meanwhile ($asked of each): searches $search_before and $search_during ms," \
        "writes $write_before and $write_during ms"
done
