# Sourced by ./dev: demo. A real server with real documents: this machine's Debian packages.
# Everything it makes is in .demo/: data, log, key, port, pid.
# shellcheck shell=bash

demo_dir=.demo
demo_server=build/release/bin/kumosearch-server
demo_cli=build/release/bin/kumosearch-cli

# The pid of the demo's server, if it runs.
demo_pid() {
    local pid
    pid=$(cat "$demo_dir/pid" 2>/dev/null) || return 1
    [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$PWD/$demo_server"* ]] || return 1
    say "$pid"
}

demo_end_server() {
    local pid tries
    pid=$(demo_pid) || return 0
    kill -TERM "$pid"
    for ((tries = 0; tries < 300; tries++)); do
        demo_pid >/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$pid"
}

demo_stop() {
    if demo_pid >/dev/null; then
        demo_end_server
        say "The demo's server has ended."
    else
        say "No demo server is running."
    fi
    rm -rf "$demo_dir"
    say "Its data is removed."
}

demo_port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

demo_choose_port() {
    local port
    for ((port = 8868; port < 8968; port++)); do
        if demo_port_is_free "$port"; then
            say "$port"
            return
        fi
    done
    die "no free port from 8868 to 8967"
}

# Says where the server is to the commands that follow.
demo_use_server() {
    KUMOSEARCH_URL=http://127.0.0.1:$(cat "$demo_dir/port")
    KUMOSEARCH_API_KEY=$(cat "$demo_dir/key")
    export KUMOSEARCH_URL KUMOSEARCH_API_KEY
}

demo_start_server() {
    local tries
    mkdir -p "$demo_dir/data" "$demo_dir/log"
    chmod 700 "$demo_dir"
    [ -s "$demo_dir/key" ] ||
        (umask 077 && head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$demo_dir/key")
    demo_choose_port >"$demo_dir/port"
    demo_use_server
    # The key goes by the environment: arguments are everybody's to read.
    setsid "$demo_server" --data-dir "$demo_dir/data" --log-dir "$demo_dir/log" \
        --api-address 127.0.0.1 --api-port "$(cat "$demo_dir/port")" \
        </dev/null >"$demo_dir/output" 2>&1 9>&- &
    say "$!" >"$demo_dir/pid"
    disown
    for ((tries = 0; tries < 600; tries++)); do
        if "$demo_cli" status >/dev/null 2>&1; then
            return
        fi
        demo_pid >/dev/null || break
        sleep 0.1
    done
    cat "$demo_dir/output" "$demo_dir"/log/* >&2
    die "the server did not start; what it said is above"
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

demo_farewell() {
    local key_file=$PWD/$demo_dir/key
    demo_heading "The server goes on at $KUMOSEARCH_URL (pid $(demo_pid), log in $demo_dir/log)."
    cat <<TEXT
Ask it yourself:

  curl -H "X-KUMOSEARCH-API-KEY: \$(cat $key_file)" \\
    '$KUMOSEARCH_URL/collections/packages/documents/search?q=text+editr&query_by=name,description&per_page=3'

or with the command line:

  export KUMOSEARCH_URL=$KUMOSEARCH_URL KUMOSEARCH_API_KEY=\$(cat $key_file)
  $demo_cli search packages 'vidoe player'
  $demo_cli status

End it and remove its data:   ./dev demo stop
TEXT
}

demo_run() {
    install build demo
    say "Building kumosearch-server and kumosearch-cli (minutes the first time) ..."
    build release kumosearch-server kumosearch-cli
    if pid=$(demo_pid) && [ "$(readlink "/proc/$pid/exe")" = "$PWD/$demo_server" ]; then
        demo_use_server
        say "The demo's server is running already, at $KUMOSEARCH_URL."
    else
        demo_end_server
        demo_start_server
        say "kumosearch-server listens at $KUMOSEARCH_URL; its data is in $demo_dir/."
    fi
    demo_load
    demo_searches
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
