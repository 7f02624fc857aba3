#!/usr/bin/env bash
# One server as its users meet it, beside its targets: how fast it imports, how much memory it
# takes, how many searches it answers over one connection, how soon it serves again.
#
#   bench/serving/run.sh [--seconds 4] [--docs 1500000] [--data DIR]
#
# --seconds  for each query
# --docs     documents of the restart; 0: none
# --data     where books.jsonl.zst and movies.jsonl.zst are; else only Debian's packages are loaded
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. bench/servers.sh

seconds=4 docs=1500000 data=
while [ $# -gt 0 ]; do
    case $1 in
        --seconds) seconds=$2 ;;
        --docs) docs=$2 ;;
        --data) data=$2 ;;
        *) sed -n '2,/^set -euo/p' "$0" | sed 's/^# \{0,1\}//;$d' && exit 2 ;;
    esac
    shift 2
done
build_servers

# memory: of node 0, in MB; with what of it is not pages of files.
memory() {
    awk '/^VmRSS|^RssAnon/ { v[$1] = $2 / 1024 }
        END { printf "%.0f MB (%.0f without pages of files)", v["VmRSS:"], v["RssAnon:"] }' \
        "/proc/${pids[0]}/status"
}

# load NAME SCHEMA DOCUMENTS: prints documents a second and for each second of the server's CPU time.
load() {
    local count begin before took used
    count=$(wc -l <"$3")
    cli 0 collection create "$2" >/dev/null
    before=$(ticks "${pids[0]}")
    begin=$(date +%s%N)
    cli 0 import "$1" "$3" >/dev/null 2>&1
    took=$((($(date +%s%N) - begin) / 1000000 + 1))
    used=$(($(ticks "${pids[0]}") - before + 1))
    echo "import $1: $count documents, $((count * 1000 / took))/s (target 25000/s)," \
        "$((count * $(getconf CLK_TCK) / used)) for each second of CPU time"
}

start_nodes 1
if [ -n "$data" ]; then
    zstd -dq "$data/books.jsonl.zst" -o "$work/books.jsonl"
    zstd -dq "$data/movies.jsonl.zst" -o "$work/movies.jsonl"
    load books bench/serving/books.json "$work/books.jsonl"
    load movies bench/serving/movies.json "$work/movies.jsonl"
fi
apt-cache dumpavail | python3 tools/demo/debian_catalogue.py >"$work/packages.jsonl"
load packages tools/demo/packages.json "$work/packages.jsonl"
echo "memory right after: $(memory) (target 130 MB)"
sleep 15 # A collection that rests is sealed.
echo "memory at rest: $(memory) (target 130 MB)"
KUMOSEARCH_URL=$(url 0) python3 bench/http/queries.py "$seconds"
echo "memory after the queries: $(memory) (target 130 MB)"

[ "$docs" != 0 ] || exit 0
start_nodes 1
python3 - "$docs" >"$work/docs.jsonl" <<'PY'
import json, random, sys
random.seed(1)
words = ["word%d" % int(random.paretovariate(0.6)) for _ in range(100000)]
for i in range(int(sys.argv[1])):
    print(json.dumps({"id": str(i), "title": " ".join(random.choices(words, k=6)),
                      "body": " ".join(random.choices(words, k=30)), "year": 1900 + i % 120,
                      "author": "author %d" % random.randrange(5000)}))
PY
cat >"$work/docs.json" <<'JSON'
{"name":"docs","fields":[{"name":"title","type":"string"},{"name":"body","type":"string"},
    {"name":"year","type":"int32"},{"name":"author","type":"string","facet":true}]}
JSON
load docs "$work/docs.json" "$work/docs.jsonl"
sleep 15
echo "memory of $docs documents: $(memory)"
search="$(url 0)/collections/docs/documents/search?q=word7&query_by=title"
for how in TERM KILL; do
    kill -s $how "${pids[0]}"
    wait "${pids[0]}" 2>/dev/null || true
    begin=$(date +%s%N)
    start_node 0
    until curl -sf -H "x-kumosearch-api-key: $KUMOSEARCH_API_KEY" "$search" >"$work/answer"; do
        sleep 0.02
    done
    took=$((($(date +%s%N) - begin) / 1000000))
    echo "restart after SIG$how: a search is answered after $took ms (target 3000 ms);" \
        "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["out_of"])' <"$work/answer") documents, $(memory)"
done
