# Sourced by benchmarks that need servers: they run on loopback, in $work, and end with the script.
# shellcheck shell=bash

bin=$PWD/build/release/bin
work=$(mktemp -d)
export KUMOSEARCH_API_KEY=bench
pids=()
node_options=()

end_servers() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    [ ${#pids[@]} = 0 ] || wait "${pids[@]}" 2>/dev/null || true
    pids=()
}
trap 'end_servers; rm -rf "$work"' EXIT

build_servers() {
    local cores
    cores=$(nproc)
    cmake --build build/release -j "${DEV_JOBS:-$cores}" --target kumosearch-server kumosearch-cli >/dev/null
}

url() {
    echo "http://127.0.0.1:$((21200 + $1))"
}

# cli I ARGUMENT...: asks node I.
cli() {
    "$bin/kumosearch-cli" --url "$(url "$1")" "${@:2}"
}

await_healthy() {
    until curl -sf "$(url "$1")/health" >/dev/null; do sleep 0.1; done
}

# start_node I: with the data it had.
start_node() {
    local i=$1
    "$bin/kumosearch-server" --data-dir "$work/data$i" --api-address 127.0.0.1 \
        --api-port $((21200 + i)) "${node_options[@]}" \
        ${node_options[0]:+--peering-port $((21100 + i))} >>"$work/log$i" 2>&1 &
    pids[i]=$!
}

# await_rest I...: until these nodes have used less than a twentieth of a core for three seconds.
await_rest() {
    local i before
    for i in "$@"; do
        while
            before=$(ticks "${pids[i]}")
            sleep 3
            (($(ticks "${pids[i]}") - before > 15))
        do :; done
    done
}

# start_nodes N: that many nodes, in empty directories.
start_nodes() {
    local n=$1 i list=()
    end_servers
    rm -rf "$work"/data*
    for ((i = 0; i < n; i++)); do list+=("127.0.0.1:$((21100 + i)):$((21200 + i))"); done
    (IFS=, && echo "${list[*]}") >"$work/nodes"
    node_options=()
    [ "$n" = 1 ] || node_options=(--nodes "$work/nodes" --peering-address 127.0.0.1)
    for ((i = 0; i < n; i++)); do
        mkdir "$work/data$i"
        start_node "$i"
    done
    for ((i = 0; i < n; i++)); do await_healthy "$i"; done
}

# Clock ticks that servers PID... have used.
ticks() {
    local sum=0 pid fields
    for pid in "$@"; do
        read -r -a fields <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
        sum=$((sum + fields[11] + fields[12]))
    done
    echo "$sum"
}
