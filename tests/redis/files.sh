#!/usr/bin/env bash
# Redis's form of the server with real clients: what was acknowledged is there after kill -9, and a real
# redis-server reads our files. Usage: files.sh SERVER. Exit 77: redis-cli is not installed.
set -euo pipefail

server=$1
command -v redis-cli >/dev/null || exit 77
directory=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$directory"' EXIT

fail() {
    printf 'files.sh: %s\n' "$*" >&2
    cat "$directory/log" >&2 || true
    exit 1
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

port=$(free_port)

cli() {
    redis-cli -p "$port" "$@"
}

start() {
    "$server" --port "$port" --bind 127.0.0.1 --dir "$directory" "$@" >>"$directory/log" 2>&1 &
    pid=$!
    for _ in $(seq 200); do
        [ "$(cli ping 2>/dev/null)" = PONG ] && return
        kill -0 "$pid" 2>/dev/null || fail "the server ended"
        sleep 0.05
    done
    fail "the server does not answer"
}

expect() {
    local wanted=$1
    shift
    local found
    found=$(cli "$@")
    [ "$found" = "$wanted" ] || fail "$*: '$found' is not '$wanted'"
}

start --appendonly yes --appendfsync always
for i in $(seq 50); do printf 'SET k%d v%d\n' "$i" "$i"; done | cli >/dev/null
expect 3 rpush list a b c
expect 2 hset hash f 1 g 2
expect 2 zadd zset 1 x 2 y
expect 1 eval "redis.call('set', 's1', '1'); redis.call('sadd', 's2', 'm'); return 1" 0
cli xadd stream '*' field value >/dev/null
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
start --appendonly yes --appendfsync always
expect 56 dbsize
expect v50 get k50
expect c lindex list 2
expect 2 hget hash g
expect 2 zscore zset y
expect m spop s2
expect 1 xlen stream
expect "Background append only file rewriting started" bgrewriteaof
for _ in $(seq 100); do
    cli info persistence | grep -q 'aof_rewrite_in_progress:0' && break
    sleep 0.05
done
expect OK set after rewrite
cli shutdown nosave || true
wait "$pid" || fail "it did not end well"

if command -v redis-server >/dev/null; then
    redis-server --port "$port" --bind 127.0.0.1 --appendonly yes --dir "$directory" --save '' \
        >>"$directory/log" 2>&1 &
    pid=$!
    for _ in $(seq 200); do
        [ "$(cli ping 2>/dev/null)" = PONG ] && break
        sleep 0.05
    done
    expect 56 dbsize
    expect rewrite get after
    expect 3 llen list
    expect 1 xlen stream
    expect OK set theirs yes
    cli shutdown nosave || true
    wait "$pid" || true
    start --appendonly yes
    expect yes get theirs
    expect 57 dbsize
    cli shutdown nosave || true
    wait "$pid" || fail "it did not end well"
fi
pid=''
