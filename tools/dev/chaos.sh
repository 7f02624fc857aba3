# Sourced by ./dev: chaos.
# shellcheck shell=bash

chaos_help() {
    cat <<'TEXT'
./dev chaos [OPTION...]            real servers, each on a network and a disk that fail; judges every answer
    --nodes N     servers (default 3)         --seconds S   how long faults go on (default 60)
    --seed S      which faults (default 1)    --runs R      seeds S, S+1, ... (default 1)
    --only A,B    only these kinds of faults; tests/chaos/README.md describes them
    --acknowledge sync|majority   the collection's replication_mode (default sync)
./dev chaos failover [--nodes N] [--trials T] [--only pause,unplug,kill,handover,hang]
                                   how long clients wait when the leader stops, is cut off, dies, or hands over,
                                   or when another copy hangs
./dev chaos keys [--rounds N] [--only killed,stopped,unplugged,isolated,deaf,mute] [--clients N]
                 [--peer PROGRAM] [--peer-rounds N]
                                   three masters and three replicas of keys under 50 clients that count: what is lost,
                                   invented, stale, and how long they wait; a redis-server as peer shows its own
    --supervised  servers run with --supervise, and kill ends the child only
Needs root. Logs, histories and violations: build/release/chaos/.
TEXT
}

task_chaos() {
    case ${1:-} in
        help | --help | -h) chaos_help && return ;;
    esac
    [ "$(id -u)" = 0 ] || die "chaos makes network namespaces and mounts disks: run it as root"
    install build test chaos
    install_node_modules
    build release kumosearch-server chaos_switch chaos_power_cut chaos_faults >/dev/null ||
        die "the build failed: ./dev build says why"
    # Everything it makes is in these namespaces: when its first process ends, however it ends, the
    # kernel ends the others and takes the mounts and the network with them.
    local program=tests/chaos/chaos.mjs
    if [ "${1:-}" = keys ]; then
        program=tests/chaos/keys.mjs
        shift
    fi
    unshare --net --mount --pid --fork --kill-child --mount-proc \
        node "$program" --build "$PWD/build/release" "$@"
}
