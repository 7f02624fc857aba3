# Sourced by ./dev: keydb-cluster. Six nodes of a cluster of keys on this machine, in the way of the
# tutorial's create-cluster: the stock redis-cli makes a cluster of them. Everything is in .keydb-cluster/.
# shellcheck shell=bash

keydb_dir=.keydb-cluster
keydb_server=$PWD/build/release/bin/kumosearch-server
keydb_first=${KEYDB_PORT:-30000}
keydb_nodes=${KEYDB_NODES:-6}
keydb_replicas=${KEYDB_REPLICAS:-1}

keydb_ports() {
    seq $((keydb_first + 1)) $((keydb_first + keydb_nodes))
}

keydb_start() {
    local port
    install build
    build release kumosearch-server
    mkdir -p "$keydb_dir"
    for port in $(keydb_ports); do
        if redis-cli -p "$port" ping >/dev/null 2>&1; then
            say "port $port answers already"
            continue
        fi
        (cd "$keydb_dir" && "$keydb_server" --port "$port" --bind 127.0.0.1 --protected-mode yes \
            --cluster-enabled yes --cluster-config-file "nodes-$port.conf" --cluster-node-timeout 2000 \
            --dbfilename "dump-$port.rdb" --logfile "$port.log" --daemonize yes)
        say "started 127.0.0.1:$port"
    done
}

keydb_stop() {
    local port
    for port in $(keydb_ports); do
        redis-cli -p "$port" shutdown nosave >/dev/null 2>&1 && say "stopped 127.0.0.1:$port"
    done
    return 0
}

keydb_clean() {
    keydb_stop
    rm -rf "$keydb_dir"
}

keydb_help() {
    cat <<'TEXT'
./dev keydb-cluster VERB. KEYDB_NODES (6), KEYDB_REPLICAS (1) and KEYDB_PORT (30000: 30001 on) change what it makes.

  start         build and start the nodes
  create        make one cluster of them, with the stock redis-cli
  call WORDS..  a command to every node
  watch         the list of nodes, again and again
  tail NODE     the log of the node with that number
  stop          end the nodes
  clean         end them and remove their data
TEXT
}

task_keydb-cluster() {
    local verb=${1:-help}
    command -v redis-cli >/dev/null || install redis
    case $verb in
        start) keydb_start ;;
        create)
            # shellcheck disable=SC2046
            redis-cli --cluster create $(keydb_ports | sed 's/^/127.0.0.1:/') \
                --cluster-replicas "$keydb_replicas" --cluster-yes
            ;;
        call) redis-cli --cluster call "127.0.0.1:$((keydb_first + 1))" "${@:2}" ;;
        watch) watch -n 1 "redis-cli -p $((keydb_first + 1)) cluster nodes" ;;
        tail) tail -f "$keydb_dir/$((keydb_first + ${2:-1})).log" ;;
        stop) keydb_stop ;;
        clean) keydb_clean ;;
        help) keydb_help ;;
        *) die "no verb '$verb': ./dev keydb-cluster help lists them" ;;
    esac
}
