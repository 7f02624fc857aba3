#!/usr/bin/env bash
# What collections cost in memory beside a Redis server with the same data: bytes a collection (many
# small ones) or an element (one large), keys included. Needs redis-server 7.0 and redis-cli.
# ./dev bench memory [COLLECTIONS] [ELEMENTS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

collections=${1:-100000} elements=${2:-1000000}
ninja -C build/release memory_bench >/dev/null
work=$(mktemp -d)
port=$((20000 + RANDOM % 20000))
redis-server --port "$port" --save "" --dir "$work" --logfile "$work/log" --lua-time-limit 0 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

redis() { redis-cli -p "$port" "$@"; }

used() { redis info memory | tr -d '\r' | sed -n 's/^used_memory://p'; }

until redis ping >/dev/null 2>&1; do sleep 0.1; done

declare -A fill=(
    [hash]='redis.call("HSET", k, "field"..i, "value of "..i)'
    [list]='redis.call("RPUSH", k, "element "..i)'
    [set]='redis.call("SADD", k, "member:"..i)'
    [intset]='redis.call("SADD", k, string.format("%d", i * 1000))'
    [zset]='redis.call("ZADD", k, i * 10, "member:"..i)'
    [zset_real]='redis.call("ZADD", k, string.format("%.17g", i * 0.7), "member:"..i)'
    [stream]='redis.call("XADD", k, string.format("%d-0", 1700000000000 + i), "sensor", "7", "reading", "value of "..i)'
)

# measure KIND COLLECTIONS ELEMENTS UNITS
measure() {
    redis flushall >/dev/null
    local before ours theirs
    before=$(used)
    redis eval "for c = 1, ARGV[1] do local k = 'key:'..c; for i = 1, ARGV[2] do ${fill[$1]} end end" 0 "$2" "$3" >/dev/null
    theirs=$(($(used) - before))
    ours=$(build/release/bin/memory_bench "$1" "$2" "$3")
    awk -v kind="$1" -v c="$2" -v e="$3" -v units="$4" -v ours="$ours" -v theirs="$theirs" 'BEGIN {
        printf "%-10s %7d x %7d %10.1f %10.1f %6.2f\n", kind, c, e, ours / units, theirs / units, ours / theirs }'
}

printf '%-10s %7s   %7s %10s %10s %6s\n' kind keys elements ours redis ratio
for kind in hash list set intset zset zset_real stream; do
    measure "$kind" "$collections" 10 "$collections"
done
for kind in hash list set intset zset zset_real stream; do
    measure "$kind" 1 "$elements" "$elements"
done
