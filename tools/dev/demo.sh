# Sourced by ./dev: demo. A real cluster with real documents: three servers on this machine, and
# its Debian packages. Everything it makes is in .demo/: the nodes file, the key, and for each node
# a directory with its data, log, pid.
# shellcheck shell=bash

demo_dir=.demo
demo_server=build/release/bin/kumosearch-server
demo_cli=build/release/bin/kumosearch-cli
demo_nodes=(1 2 3)

# demo_port NODE 2|3: the node's port for other nodes, or for clients, from the nodes file.
demo_port() {
    cut -d, -f "$1" "$demo_dir/nodes" | cut -d: -f "$2"
}

demo_url() {
    say "http://127.0.0.1:$(demo_port "$1" 3)"
}

# The pid of a node's supervisor, if it runs.
demo_pid() {
    local pid
    pid=$(cat "$demo_dir/node$1/pid" 2>/dev/null) || return 1
    [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$PWD/$demo_server"* ]] || return 1
    say "$pid"
}

# Whether every node runs, and is the server that is built now.
demo_is_running() {
    local node pid
    for node in "${demo_nodes[@]}"; do
        pid=$(demo_pid "$node") || return 1
        [ "$(readlink "/proc/$pid/exe")" = "$PWD/$demo_server" ] || return 1
    done
}

demo_some_node_runs() {
    local node
    for node in "${demo_nodes[@]}"; do
        demo_pid "$node" >/dev/null && return 0
    done
    return 1
}

demo_end_servers() {
    local node pid tries
    for node in "${demo_nodes[@]}"; do
        pid=$(demo_pid "$node") || continue
        kill -TERM "$pid"
    done
    for ((tries = 0; tries < 300; tries++)); do
        demo_some_node_runs || return 0
        sleep 0.1
    done
    for node in "${demo_nodes[@]}"; do
        pid=$(demo_pid "$node") || continue
        kill -KILL -- "-$pid"
    done
}

demo_stop() {
    if demo_some_node_runs; then
        demo_end_servers
        say "The demo's servers have ended."
    else
        say "No demo server is running."
    fi
    rm -rf "$demo_dir"
    say "Their data is removed."
}

demo_port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# demo_free_ports FIRST: as many as there are nodes.
demo_free_ports() {
    local port found=0
    for ((port = $1; port < $1 + 100; port++)); do
        demo_port_is_free "$port" || continue
        say "$port"
        found=$((found + 1))
        [ "$found" -lt "${#demo_nodes[@]}" ] || return 0
    done
    die "no free ports from $1 on"
}

demo_write_nodes_file() {
    local -a peering api
    local i line=
    mapfile -t peering < <(demo_free_ports 8107)
    mapfile -t api < <(demo_free_ports 8868)
    for i in "${!demo_nodes[@]}"; do
        line+=${line:+,}127.0.0.1:${peering[i]}:${api[i]}
    done
    say "$line" >"$demo_dir/nodes"
}

# A cluster of before, none of which runs, goes on where it was if its ports are still free.
demo_prepare() {
    local node
    if [ -s "$demo_dir/nodes" ]; then
        for node in "${demo_nodes[@]}"; do
            demo_port_is_free "$(demo_port "$node" 2)" &&
                demo_port_is_free "$(demo_port "$node" 3)" && continue
            rm -rf "$demo_dir"
            break
        done
    fi
    for node in "${demo_nodes[@]}"; do
        mkdir -p "$demo_dir/node$node/data" "$demo_dir/node$node/log"
    done
    chmod 700 "$demo_dir"
    [ -s "$demo_dir/key" ] ||
        (umask 077 && head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$demo_dir/key")
    [ -s "$demo_dir/nodes" ] || demo_write_nodes_file
}

# Says where a node is to the commands that follow.
demo_use_node() {
    KUMOSEARCH_URL=$(demo_url "$1")
    KUMOSEARCH_API_KEY=$(cat "$demo_dir/key")
    export KUMOSEARCH_URL KUMOSEARCH_API_KEY
}

demo_start_node() {
    local dir=$demo_dir/node$1
    # The key goes by the environment: arguments are everybody's to read. A session of its own: the
    # supervisor and the server are one process group.
    setsid "$demo_server" --supervise --data-dir "$dir/data" --log-dir "$dir/log" \
        --nodes "$demo_dir/nodes" --node-name "node$1" \
        --peering-address 127.0.0.1 --peering-port "$(demo_port "$1" 2)" \
        --api-address 127.0.0.1 --api-port "$(demo_port "$1" 3)" \
        </dev/null >"$dir/output" 2>&1 9>&- &
    say "$!" >"$dir/pid"
    disown
}

# demo_wait_for_node NODE: until it serves and nothing is wrong with the cluster.
demo_wait_for_node() {
    local tries
    for ((tries = 0; tries < 900; tries++)); do
        if "$demo_cli" --url "$(demo_url "$1")" cluster >/dev/null 2>&1; then
            return
        fi
        demo_pid "$1" >/dev/null || break
        sleep 0.1
    done
    cat "$demo_dir/node$1/output" "$demo_dir/node$1"/log/* >&2
    "$demo_cli" --url "$(demo_url "$1")" cluster >&2 || true
    die "node$1 does not serve; what it said is above"
}

demo_start_servers() {
    local node
    demo_end_servers
    demo_prepare
    demo_use_node 1
    for node in "${demo_nodes[@]}"; do
        demo_start_node "$node"
    done
    for node in "${demo_nodes[@]}"; do
        demo_wait_for_node "$node"
    done
}

# The documents, from apt's own lists.
demo_make_documents() {
    apt_has_lists || {
        say "Fetching apt's package lists ..."
        apt_quietly update || die "apt-get update failed"
    }
    apt-cache dumpavail | python3 tools/demo/debian_catalogue.py >"$demo_dir/packages.jsonl"
    [ -s "$demo_dir/packages.jsonl" ] || die "apt knows no packages: check /etc/apt/sources.list"
}

# demo_count: how many documents the collection has; nothing if it is not there.
demo_count() {
    "$demo_cli" status | awk '{ for (i = 1; i < NF; i++) if ($i == "packages") print $(i + 1) }' |
        tr -d ,
}

demo_load() {
    local total count
    demo_make_documents
    total=$(wc -l <"$demo_dir/packages.jsonl")
    count=$(demo_count)
    if [ "$count" = "$total" ]; then
        say "The $total packages that apt knows are loaded already."
        return
    fi
    [ -n "$count" ] || "$demo_cli" collection create tools/demo/packages.json >/dev/null
    say "Loading the $total packages that apt on this machine knows ..."
    "$demo_cli" import packages "$demo_dir/packages.jsonl" --action upsert \
        --errors "$demo_dir/errors.jsonl" || die "loading failed"
}

demo_heading() {
    say ""
    say "--- $1"
    say ""
}

# demo_search WORDS OPTION...: shows the command, then runs it.
demo_search() {
    local shown='' word
    for word in "$@"; do
        case $word in *[!A-Za-z0-9,.:_-]*) word="'$word'" ;; esac
        shown+=" $word"
    done
    say "\$ kumosearch-cli search packages$shown"
    "$demo_cli" search packages "$@"
}

demo_searches() {
    local brief=name,description,section,version,popularity
    demo_heading "1. With typos: two misspelt words, and the package they mean comes first."
    demo_search 'compresion libary' --query-by name,description --fields "$brief" --per-page 3
    demo_heading "2. Filtered and counted: small packages about HTTP in three languages."
    demo_search http --query-by name,description \
        --filter 'section:=[python,perl,ruby] && installed_kb:<200' --facet section,maintainer \
        --fields "$brief,maintainer,installed_kb" --per-page 3
    demo_heading "3. Sorted: the biggest downloads among the games."
    demo_search '*' --query-by name --filter 'section:=games' --sort download_bytes:desc \
        --fields name,description,section,download_bytes --per-page 3
}

# ---- a machine dies

# demo_shown OPTION...: shows a command of kumosearch-cli, then runs it, whatever it exits with.
demo_shown() {
    say "\$ kumosearch-cli $*"
    "$demo_cli" "$@" || true
    say ""
}

# Writes a document at a time, through each node in turn, until told that it is enough; whoever does
# not take it is passed over. Notes when each was acknowledged.
demo_write_on() {
    local run=$1 parent=$$ n=0 node=1
    while [ ! -e "$demo_dir/enough" ] && kill -0 "$parent" 2>/dev/null; do
        n=$((n + 1))
        until say "{\"id\":\"$run-$n\",\"run\":$run}" | "$demo_cli" --url "$(demo_url "$node")" \
            import writes - --action upsert >/dev/null 2>&1; do
            node=$((node % 3 + 1))
            [ ! -e "$demo_dir/enough" ] && kill -0 "$parent" 2>/dev/null || return 0
            sleep 0.02
        done
        say "$EPOCHREALTIME $run-$n" >>"$demo_dir/acknowledged"
        node=$((node % 3 + 1))
    done
}

# demo_await_acknowledged COUNT: until the writer has so many more.
demo_await_acknowledged() {
    local before tries
    before=$(wc -l <"$demo_dir/acknowledged")
    for ((tries = 0; tries < 600; tries++)); do
        [ "$(wc -l <"$demo_dir/acknowledged")" -lt "$((before + $1))" ] || return 0
        sleep 0.05
    done
    die "the writer was not answered for 30 seconds"
}

# demo_ids NODE RUN: what the node has of the writer's documents.
demo_ids() {
    (umask 077 && say "X-KUMOSEARCH-API-KEY: $KUMOSEARCH_API_KEY" >"$demo_dir/header")
    curl -fsS -H "@$demo_dir/header" \
        "$(demo_url "$1")/collections/writes/documents/export?include_fields=id&filter_by=run:=$2" |
        sed -n 's/.*"id":"\([^"]*\)".*/\1/p'
}

# demo_compare NODE RUN: whether the node has every document that was acknowledged.
demo_compare() {
    local lost total
    total=$(wc -l <"$demo_dir/acknowledged")
    lost=$(comm -23 <(cut -d ' ' -f 2 "$demo_dir/acknowledged" | sort) <(demo_ids "$1" "$2" | sort) |
        wc -l)
    [ "$lost" = 0 ] || die "node$1 lacks $lost of $total acknowledged documents"
    say "  node$1 has all $total documents that were acknowledged."
}

# The longest time between two acknowledgements.
demo_pause() {
    awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 }
        END { printf "%.2f s", most }' "$demo_dir/acknowledged"
}

demo_leader() {
    "$demo_cli" cluster | awk '$4 == "leader" { print substr($1, 5) }'
}

demo_death() {
    local run=$EPOCHSECONDS leader writer node survivor=
    demo_heading "4. A machine dies: kill -9 of the node that leads, while documents are written."
    demo_shown cluster
    say '{"name":"writes","fields":[{"name":"run","type":"int64"}]}' |
        "$demo_cli" collection create - >/dev/null 2>&1 || true # It is there from a run before.
    rm -f "$demo_dir/enough"
    : >"$demo_dir/acknowledged"
    demo_write_on "$run" 9>&- &
    writer=$!
    demo_await_acknowledged 30
    leader=$(demo_leader)
    [ -n "$leader" ] || die "no node leads"
    say "A writer adds a document at a time, through the three nodes in turn. node$leader leads: kill -9."
    kill -KILL -- "-$(demo_pid "$leader")"
    demo_await_acknowledged 60
    touch "$demo_dir/enough"
    wait "$writer" || true
    say "  The writer's longest pause between two acknowledged writes was $(demo_pause)."
    for node in "${demo_nodes[@]}"; do
        [ "$node" != "$leader" ] || continue
        demo_compare "$node" "$run"
        survivor=$node
    done
    say ""
    demo_use_node "$survivor"
    demo_shown cluster
    say "node$leader starts again, and catches up:"
    demo_start_node "$leader"
    demo_wait_for_node "$leader"
    demo_compare "$leader" "$run"
    say ""
    demo_shown cluster
    demo_use_node 1
}

demo_farewell() {
    local key_file=$PWD/$demo_dir/key
    demo_heading "The three servers go on at $(demo_url 1), $(demo_url 2), $(demo_url 3)."
    cat <<TEXT
Their data and logs are in $demo_dir/node1, node2, node3. Ask any of them yourself:

  curl -H "X-KUMOSEARCH-API-KEY: \$(cat $key_file)" \\
    '$(demo_url 2)/collections/packages/documents/search?q=text+editr&query_by=name,description&per_page=3'

or with the command line:

  export KUMOSEARCH_URL=$(demo_url 1) KUMOSEARCH_API_KEY=\$(cat $key_file)
  $demo_cli search packages 'vidoe player'
  $demo_cli cluster

End them and remove their data:   ./dev demo stop
TEXT
}

demo_run() {
    install build demo
    say "Building kumosearch-server and kumosearch-cli (minutes the first time) ..."
    build release kumosearch-server kumosearch-cli
    if demo_is_running; then
        demo_use_node 1
        demo_wait_for_node 1
        say "The demo's three servers are running already; clients find the first at $KUMOSEARCH_URL."
    else
        demo_start_servers
        say "Three kumosearch-servers are a cluster; clients find them at $(demo_url 1), $(demo_url 2), $(demo_url 3)."
    fi
    demo_load
    demo_searches
    demo_death
    demo_farewell
}

task_demo() {
    mkdir -p build
    exec 9>build/demo.lock
    flock -n 9 || die "another ./dev demo is at work"
    case ${1:-} in
        '') demo_run ;;
        stop) demo_stop ;;
        *) die "demo takes no argument but 'stop'" ;;
    esac
}
