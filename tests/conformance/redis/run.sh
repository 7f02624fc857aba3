#!/usr/bin/env bash
# Redis 7.0.15's own test suite against our server, or against any: README.md beside this file.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# shellcheck source=/dev/null
. "$here/obtain.sh"

usage() {
    cat <<'TEXT'
./dev redis-suite [PROFILE] [OPTION...]   Redis 7.0.15's tests; compares with gaps-PROFILE.txt
    PROFILE: E (default) cluster, D standalone: without DEBUG, SYNC, encodings, several databases
             C standalone, without DEBUG; A everything; B everything, cluster
             S the suite starts servers itself, with configuration files: what needs that
    --single UNIT    only that unit (unit/type/list); can be repeated
    --only NAME      only that test, or /regex/; nothing is compared
    --server CMD     what to start, with redis-server's options (default: our server)
    --peer           the same as --server redis-server, with no gaps
    --at HOST:PORT   a server that runs already
    --port P         where the server is started (default: a free one)
    --suite DIR      the unpacked suite (default: ~/.cache/kumosearch/redis-suite, fetched once)
    --log FILE       keeps the suite's whole output
    --shrink         takes what passes now out of the list of gaps
    --record         writes the list of gaps anew
Exit: 0 as good as the list says, 1 worse or better, 2 it did not run.
TEXT
}

die() {
    printf 'redis-suite: %s\n' "$*" >&2
    exit 2
}

profile=E
units=()
only=()
server=${KUMO_REDIS_SERVER:-$root/build/release/bin/kumosearch-server}
at='' port='' log='' gaps='' mode=compare
suite=${XDG_CACHE_HOME:-$HOME/.cache}/kumosearch/redis-suite

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            [A-ES]) profile=$1 ;;
            --peer) server=redis-server gaps=/dev/null ;;
            --shrink) mode=shrink ;;
            --record) mode=record ;;
            --help | -h | help) usage && exit ;;
            --single | --only | --server | --at | --port | --suite | --log)
                [ $# -gt 1 ] || die "$1 needs a value"
                case $1 in
                    --single) units+=("$2") ;;
                    --only) only+=(--only "$2") ;;
                    --server) server=$2 ;;
                    --at) at=$2 ;;
                    --port) port=$2 ;;
                    --suite) suite=$2 ;;
                    --log) log=$(realpath "$2") ;;
                esac
                shift
                ;;
            *) usage >&2 && die "what is $1?" ;;
        esac
        shift
    done
    gaps=${gaps:-$here/gaps-$profile.txt}
}

# What the profile asks of the server and of the suite.
set_profile() {
    local unlocked=(--enable-protected-configs yes --enable-debug-command yes
        --enable-module-command yes)
    local clustered=(--cluster-enabled yes)
    local small="-slow -needs:debug -needs:repl -needs:config-maxmemory -needs:config-resetstat"
    small+=" -needs:reset -needs:save -needs:pfdebug"
    case $profile in
        A) flags=("${unlocked[@]}") options=(--tags -slow) ;;
        B) flags=("${unlocked[@]}" "${clustered[@]}") options=(--cluster-mode --tags -slow) ;;
        S) flags=() options=(--clients 1 --portcount 200) ;;
        C) flags=() options=(--tags "-slow -needs:debug") ;;
        D) flags=() options=(--singledb --ignore-encoding --ignore-digest --tags "$small") ;;
        E)
            flags=("${clustered[@]}")
            options=(--cluster-mode --singledb --ignore-encoding --ignore-digest --tags "$small")
            ;;
    esac
}

# Units of which other profiles leave out most.
spawning_units=(unit/acl unit/acl-v2 unit/auth)

# The kernel gives a port that nobody has.
free_port() {
    python3 -c 'import socket
s = socket.socket()
while True:
    s = socket.socket(); s.bind(("127.0.0.1", 0)); p = s.getsockname()[1]
    if p < 50000: break  # The bus of a cluster listens at p + 10000.
print(p)'
}

cli() { redis-cli -h "$host" -p "$port" "$@" 2>/dev/null; }

# wait_for SECONDS COMMAND...
wait_for() {
    local end=$((SECONDS + $1))
    until "${@:2}"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

answers() { [ "$(cli ping)" = PONG ]; }
slots_ok() { cli cluster info | grep -q '^cluster_state:ok'; }

server_pid=
start_server() {
    rm -rf "$work/data" && mkdir "$work/data"
    # shellcheck disable=SC2086
    $server --port "$port" --bind 127.0.0.1 --dir "$work/data" --save "" "${flags[@]}" \
        >>"$work/server.log" 2>&1 &
    server_pid=$!
    wait_for 20 answers || {
        tail -n 20 "$work/server.log" >&2
        die "the server does not answer at port $port"
    }
    case " ${flags[*]} " in
        *" --cluster-enabled "*)
            # shellcheck disable=SC2046
            cli cluster addslots $(seq 0 16383) >/dev/null
            wait_for 30 slots_ok || die "the cluster is not ok"
            ;;
    esac
}

stop_server() {
    [ -n "$server_pid" ] || return 0
    kill "$server_pid" 2>/dev/null || true
    wait_for 10 eval "! kill -0 $server_pid 2>/dev/null" || kill -9 "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
    server_pid=
}

# What the suite writes lies beside it: several runs at once need a copy each.
copy_suite() {
    mkdir "$work/suite" "$work/suite/src"
    cp -r "$suite/tests" "$suite/runtest" "$work/suite/"
    local program
    for program in redis-cli redis-benchmark; do
        ln -s "$(command -v $program)" "$work/suite/src/$program"
    done
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nexec %s "$@"\n' "$server" >"$work/suite/src/redis-server"
    chmod +x "$work/suite/src/redis-server"
}

# run_units UNIT...: one run of the suite; $work/log gets its output.
run_units() {
    local -a singles=() place=(--host "$host" --port "$port")
    local unit
    [ "$profile" != S ] || place=()
    for unit in "$@"; do singles+=(--single "$unit"); done
    (cd "$work/suite" && exec ./runtest "${place[@]}" --durable --timeout "${KUMO_SUITE_TIMEOUT:-180}" \
        --baseport $((21111 + RANDOM % 300 * 32)) "${options[@]}" "${only[@]}" "${singles[@]}") \
        >"$work/part.log" 2>&1 </dev/null || true
    cat "$work/part.log" >>"$work/log"
}

# One after another; a unit that ends the suite (an exception outside a test, silence) counts as one
# failure, and the units after it are run.
run_all() {
    local -a left=("$@")
    local done_units
    while [ ${#left[@]} -gt 0 ]; do
        [ -n "$at" ] || [ "$profile" = S ] || kill -0 "$server_pid" 2>/dev/null || start_server
        run_units "${left[@]}"
        done_units=$(sed -nE 's/\x1b\[[0-9;]*m//g; s/^\[[0-9]+\/[0-9]+ done\]: ([^ ]*).*/\1/p' "$work/part.log")
        mapfile -t left < <(printf '%s\n' "${left[@]}" | grep -vxF -- "$done_units" || true)
        [ ${#left[@]} -eq 0 ] && return
        printf 'did not end: %s\n' "${left[0]}" >>"$work/log"
        left=("${left[@]:1}")
        if [ -z "$at" ]; then stop_server; fi
    done
}

listed_gaps() { if [ -e "$gaps" ]; then grep -v '^#' "$gaps" || true; fi | sort -u; }

write_gaps() {
    {
        echo "# Tests of Redis 7.0.15's suite, profile $profile, that our server does not pass yet."
        echo "# This list may only shrink: ./dev redis-suite $profile --shrink"
        cat
    } >"$gaps"
}

# Compares $work/{failures,passes} with the list; the exit status of the run.
judge() {
    local new gone
    touch "$work/failures" "$work/passes"
    sort -u -o "$work/failures" "$work/failures"
    sort -u "$work/passes" | comm -23 - "$work/failures" >"$work/passed"
    listed_gaps >"$work/gaps"
    if [ "$mode" = record ]; then
        write_gaps <"$work/failures"
        echo "$gaps: $(wc -l <"$work/failures") gaps"
        return 0
    fi
    new=$(comm -23 "$work/failures" "$work/gaps")
    gone=$(comm -12 "$work/gaps" "$work/passed")
    [ -z "$new" ] || printf 'fails, and is not in the list of gaps:\n%s\n' "$new"
    if [ -n "$gone" ] && [ "$mode" = shrink ]; then
        comm -23 "$work/gaps" <(echo "$gone") >"$work/kept"
        write_gaps <"$work/kept"
        echo "taken from the list of gaps: $(wc -l <<<"$gone"), left: $(wc -l <"$work/kept")"
        gone=
    fi
    [ -z "$gone" ] || printf 'passes now, take it from the list of gaps (--shrink):\n%s\n' "$gone"
    [ -z "$new$gone" ]
}

main() {
    read_options "$@"
    set_profile
    obtain_suite "$suite" || die "no suite: --suite DIR names one"
    work=$(mktemp -d)
    trap 'stop_server; rm -rf "$work"' EXIT
    trap 'exit 2' INT TERM
    copy_suite
    if [ -n "$at" ]; then
        host=${at%:*} port=${at##*:}
        answers || die "nobody answers at $at"
    else
        host=127.0.0.1 port=${port:-$(free_port)}
        [ "$profile" = S ] || start_server
    fi
    [ "$profile" != S ] || [ ${#units[@]} -gt 0 ] || units=("${spawning_units[@]}")
    [ ${#units[@]} -gt 0 ] ||
        mapfile -t units < <(cd "$work/suite" && ./runtest --list-tests)
    : >"$work/log"
    run_all "${units[@]}"
    [ -z "$log" ] || cp "$work/log" "$log"
    awk -v failures="$work/failures" -v passes="$work/passes" -f "$here/summary.awk" "$work/log"
    [ ${#only[@]} -eq 0 ] || { grep -A8 '\[err\]' "$work/log" || true; } && judge
}

main "$@"
