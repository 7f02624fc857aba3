#!/usr/bin/env bash
# The Redis dialect beside a Redis server, under redis-benchmark: calls a second, and processor time a call of either
# server (both are alone on their connections; the time is the kernel's of all the server's threads). One after the other
# for each command, so that a busy machine disturbs both. Needs redis-server 7.0 and redis-benchmark.
# ./dev bench kv [CALLS] [TEST...]                 CALLS at a pipeline of 16; a quarter of it without pipelines
# ./dev bench kv --instructions [CALLS] [TEST...]  instructions a call of our server, by callgrind
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

instructions=''
if [ "${1:-}" = --instructions ]; then
    instructions=1
    shift
fi
calls=${1:-1000000}
[ -z "$instructions" ] || calls=${1:-50000}
[ $# -eq 0 ] || shift

tests=(ping set get incr lpush lrange_100 rpop sadd spop hset hget zadd zscore zrange_10 mset_10 setex expire xadd eval)
[ $# -eq 0 ] || tests=("$@")

# What redis-benchmark is to send; words with __rand_int__ name one of 100,000.
command_of() {
    case $1 in
        ping) echo "PING" ;;
        set) echo "SET key:__rand_int__ 0123456789abcdef0123456789abcdef" ;;
        get) echo "GET key:__rand_int__" ;;
        incr) echo "INCR counter:__rand_int__" ;;
        lpush) echo "LPUSH list element" ;;
        rpop) echo "RPOP list" ;;
        lrange_100) echo "LRANGE list 0 99" ;;
        sadd) echo "SADD set element:__rand_int__" ;;
        spop) echo "SPOP set" ;;
        hset) echo "HSET hash:__rand_int__ field value" ;;
        hget) echo "HGET hash:__rand_int__ field" ;;
        zadd) echo "ZADD zset __rand_int__ element:__rand_int__" ;;
        zscore) echo "ZSCORE zset element:__rand_int__" ;;
        zrange_10) echo "ZRANGE zset 0 9" ;;
        mset_10) printf 'MSET' && printf ' key:__rand_int__ value%.0s' 1 2 3 4 5 6 7 8 9 10 ;;
        setex) echo "SETEX key:__rand_int__ 1000 value" ;;
        expire) echo "EXPIRE key:__rand_int__ 1000" ;;
        xadd) echo "XADD stream MAXLEN ~ 1000 * field value" ;;
        eval) echo "EVAL return(redis.call('get',KEYS[1])) 1 key:__rand_int__" ;;
        *) echo "no test $1" >&2 && return 1 ;;
    esac
}

ninja -C build/release kumosearch-server >/dev/null
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
read -r ours theirs < <(python3 -c 'import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])')

# start PORT PROGRAM...
start() {
    "${@:2}" --port "$1" --bind 127.0.0.1 --save "" --dir "$work" >>"$work/log" 2>&1 &
    pids+=($!)
    for _ in $(seq 300); do
        redis-cli -p "$1" ping >/dev/null 2>&1 && return
        sleep 0.1
    done
    cat "$work/log" >&2
    return 1
}

# load PORT TEST CALLS PIPELINE: prints calls a second.
load() {
    local -a command
    read -ra command <<<"$(command_of "$2")"
    redis-benchmark -p "$1" -n "$3" -P "$4" -c 50 -r 100000 --csv "${command[@]}" | tail -n 1 | cut -d'"' -f4
}

# ticks PID: of the processor, user and system.
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

measure_instructions() {
    start "$ours" valgrind --tool=callgrind --callgrind-out-file="$work/out.%p" --instr-atstart=no build/release/bin/kumosearch-server
    local test pipeline count
    printf '%-12s %14s %14s\n' test "P=1" "P=16"
    for test in "${tests[@]}"; do
        printf '%-12s' "$test"
        for pipeline in 1 16; do
            load "$ours" "$test" 1000 "$pipeline" >/dev/null # Warm.
            callgrind_control --instr=on "${pids[0]}" >/dev/null 2>&1
            load "$ours" "$test" "$calls" "$pipeline" >/dev/null
            rm -f "$work"/out.*
            callgrind_control --dump "${pids[0]}" >/dev/null 2>&1
            callgrind_control --instr=off "${pids[0]}" >/dev/null 2>&1
            count=$(awk '/^(totals|summary):/ { n = $2 } END { print n }' "$work"/out.*)
            awk -v count="$count" -v calls="$calls" 'BEGIN { printf " %14.0f", count / calls }'
        done
        echo
    done
}

# side PORT PID TEST CALLS PIPELINE: calls a second and microseconds of processor a call.
side() {
    local before rate
    before=$(ticks "$2")
    rate=$(load "$1" "$3" "$4" "$5")
    awk -v rate="$rate" -v used=$(($(ticks "$2") - before)) -v hz="$(getconf CLK_TCK)" -v calls="$4" \
        'BEGIN { printf "%d %.3f\n", rate, 1e6 * used / hz / calls }'
}

compare() {
    start "$ours" build/release/bin/kumosearch-server
    start "$theirs" redis-server
    local test pipeline count
    printf '%-12s %3s  %10s %10s   %9s %9s %6s\n' test P "ours /s" "redis /s" "ours us" "redis us" ratio
    for test in "${tests[@]}"; do
        for pipeline in 1 16; do
            count=$((pipeline == 1 ? calls / 4 : calls))
            read -r rate1 cost1 <<<"$(side "$ours" "${pids[0]}" "$test" "$count" "$pipeline")"
            read -r rate2 cost2 <<<"$(side "$theirs" "${pids[1]}" "$test" "$count" "$pipeline")"
            awk -v test="$test" -v p="$pipeline" -v r1="$rate1" -v r2="$rate2" -v c1="$cost1" -v c2="$cost2" 'BEGIN {
                printf "%-12s %3d  %10d %10d   %9.3f %9.3f %6.2f\n", test, p, r1, r2, c1, c2, c1 / (c2 > 0 ? c2 : 1e-9) }'
        done
    done
}

if [ -n "$instructions" ]; then measure_instructions; else compare; fi
