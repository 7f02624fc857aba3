#!/usr/bin/env bash
# What shards cost that nobody uses: three nodes, each with a copy of all; processor time, memory,
# and what leaves the sockets of all three nodes: packets with data, and acknowledgements.
# ./dev bench idle [SHARDS] [SECONDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. bench/servers.sh

shards=${1:-10048} seconds=${2:-30}
per_collection=64
build_servers

# Of protocol $1, counter $2, from the kernel.
counter() {
    awk -v protocol="$1:" -v name="$2" '$1 == protocol && !at { for (i = 2; i <= NF; i++) if ($i == name) at = i; next }
        $1 == protocol { print $at; exit }' /proc/net/snmp /proc/net/netstat
}

packets() { counter Tcp OutSegs; }

messages() { echo $(($(packets) - $(counter TcpExt TCPPureAcks) - $(counter TcpExt TCPHPAcks))); }

start_nodes 3
for ((i = 0; i * per_collection < shards; i++)); do
    printf '{"name":"c%d","num_shards":%d,"fields":[{"name":"t","type":"string"}]}' "$i" "$per_collection" >"$work/schema.json"
    cli 0 collection create "$work/schema.json" >/dev/null
done
made=$((i * per_collection))
for ((i = 0; i < 3; i++)); do await_healthy "$i"; done
sleep 60 # Until the new shards are at rest: their first seals are over.
before=() tcp=$(packets) said=$(messages)
for ((i = 0; i < 3; i++)); do before[i]=$(ticks "${pids[i]}"); done
sleep "$seconds"
echo "$made shards, three nodes, $seconds s: $((($(messages) - said) / seconds / 3)) messages a second and node," \
    "$((($(packets) - tcp) / seconds / 3)) packets with their acknowledgements"
for ((i = 0; i < 3; i++)); do
    used=$(($(ticks "${pids[i]}") - before[i]))
    memory=$(awk '$1 == "VmRSS:" { print int($2 / 1024) }' "/proc/${pids[i]}/status")
    awk -v used="$used" -v hz="$(getconf CLK_TCK)" -v s="$seconds" -v i="$i" -v memory="$memory" \
        'BEGIN { printf "node %d: %.2f %% of a core, %d MiB resident\n", i, 100 * used / hz / s, memory }'
done
