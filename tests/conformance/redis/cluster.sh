#!/usr/bin/env bash
# Redis 7.0.15's cluster suite, which starts twenty servers itself: README.md beside this file.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# shellcheck source=/dev/null
. "$here/obtain.sh"

usage() {
    cat <<'TEXT'
./dev redis-cluster-suite [UNIT...] [OPTION...]   Redis 7.0.15's cluster tests with our server
    UNIT             of cluster-units.txt; `pass` or `gap`: all that are marked so (default: pass)
    --server BINARY  what to start, with the path of a redis.conf (default: our server)
    --peer           the same as --server redis-server
    --suite DIR      the unpacked suite (default: ~/.cache/kumosearch/redis-suite, fetched once)
    --port P         of the first of twenty servers (default 21000); buses at + 10000
    --logs DIR       keeps each unit's output, and the servers' logs of units that fail
Exit: 0 every unit marked `pass` passes, 1 one does not, 2 it did not run.
TEXT
}

die() {
    printf 'redis-cluster-suite: %s\n' "$*" >&2
    exit 2
}

server=${KUMO_REDIS_SERVER:-$root/build/release/bin/kumosearch-server}
suite=${XDG_CACHE_HOME:-$HOME/.cache}/kumosearch/redis-suite
port=21000 logs='' wanted=()

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --peer) server=$(command -v redis-server) ;;
            --help | -h | help) usage && exit ;;
            --server | --suite | --port | --logs)
                [ $# -gt 1 ] || die "$1 needs a value"
                case $1 in
                    --server) server=$(realpath "$2") ;;
                    --suite) suite=$2 ;;
                    --port) port=$2 ;;
                    --logs) mkdir -p "$2" && logs=$(realpath "$2") ;;
                esac
                shift
                ;;
            -*) usage >&2 && die "what is $1?" ;;
            *) wanted+=("$1") ;;
        esac
        shift
    done
    [ ${#wanted[@]} -gt 0 ] || wanted=(pass)
}

table() { grep -v '^#' "$here/cluster-units.txt"; }

# units_of NAME: "unit count mark" of that unit, or of all with that mark.
units_of() {
    table | awk -v name="$1" '$1 == name || $3 == name || index($1, name "-") == 1'
}

# The suite's own files name the ports, and what it writes lies beside them.
copy_suite() {
    mkdir "$work/suite" "$work/suite/src"
    cp -r "$suite/tests" "$suite/runtest-cluster" "$work/suite/"
    mkdir -p "$work/suite/tests/cluster/tmp"
    sed -i "s/^set ::redis_base_port .*/set ::redis_base_port $port/" "$work/suite/tests/instances.tcl"
    local program
    for program in redis-cli redis-benchmark; do
        ln -s "$(command -v $program)" "$work/suite/src/$program"
    done
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nexec %s "$@"\n' "$work/server" >"$work/suite/src/redis-server"
    chmod +x "$work/suite/src/redis-server"
}

# Servers that a unit has left, by their directory: the suite ends what it knows of.
end_leftovers() {
    local process
    for process in /proc/[0-9]*; do
        case $(readlink "$process/cwd" 2>/dev/null) in
            "$work/suite"/*) kill -9 "${process#/proc/}" 2>/dev/null || true ;;
        esac
    done
}

# run_unit UNIT COUNT MARK
run_unit() {
    local log=$work/$1.log rc=0 passed began=$SECONDS
    (cd "$work/suite" && exec timeout --kill-after=10 "${KUMO_SUITE_TIMEOUT:-1200}" \
        ./runtest-cluster --dont-clean --single "/$1.tcl") >"$log" 2>&1 </dev/null || rc=$?
    end_leftovers
    passed=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -cE ': .*OK$' || true)
    [ -z "$logs" ] || cp "$log" "$logs/"
    local verdict=passed
    [ $rc = 0 ] && [ "$passed" -gt 0 ] || verdict=FAILED
    printf '%-30s %4d of %3d in %4d s  %s%s\n' "$1" "$passed" "$2" $((SECONDS - began)) "$verdict" \
        "$([ "$3" = pass ] || echo " ($3)")"
    if [ $verdict = FAILED ]; then
        sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -vE 'OK$|^(Starting|Waiting|killing|Cleaning)' | head -n 6 | cut -c1-200
        [ "$3" != pass ] || failed=$((failed + 1))
        [ -z "$logs" ] || tail -n 400 "$work"/suite/tests/cluster/tmp/redis_*/log.txt >"$logs/$1.servers.log" 2>&1
    fi
    rm -rf "$work"/suite/tests/cluster/tmp/redis_*
}

main() {
    read_options "$@"
    [ -x "$server" ] || die "there is no $server"
    obtain_suite "$suite" || die "no suite: --suite DIR names one"
    work=$(mktemp -d)
    trap 'end_leftovers; rm -rf "$work"' EXIT
    trap 'exit 2' INT TERM
    cp "$server" "$work/server"  # Whoever builds meanwhile does not change what is tested.
    copy_suite
    failed=0
    local name units
    for name in "${wanted[@]}"; do
        units=$(units_of "$name")
        [ -n "$units" ] || die "there is no unit $name"
        while read -r unit count mark; do
            run_unit "$unit" "$count" "$mark"
        done <<<"$units"
    done
    [ $failed = 0 ]
}

main "$@"
