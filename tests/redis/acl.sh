#!/usr/bin/env bash
# Users with real clients: redis.conf's, an ACL file's, what changes of users do to connections that are open.
# Usage: acl.sh SERVER. Exit 77: redis-cli is not installed.
set -euo pipefail

server=$1
command -v redis-cli >/dev/null || exit 77
directory=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$directory"' EXIT

fail() {
    printf 'acl.sh: %s\n' "$*" >&2
    cat "$directory/log" >&2 || true
    exit 1
}

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

# as USER:PASSWORD COMMAND...
as() {
    redis-cli -p "$port" --no-auth-warning --user "${1%%:*}" --pass "${1#*:}" "${@:2}" 2>&1
}

start() {
    "$server" "$@" --port "$port" --bind 127.0.0.1 --dir "$directory" --save '' >>"$directory/log" 2>&1 &
    pid=$!
    for _ in $(seq 200); do
        redis-cli -p "$port" ping 2>&1 | grep -qE 'PONG|NOAUTH' && return
        kill -0 "$pid" 2>/dev/null || fail "the server ended"
        sleep 0.05
    done
    fail "the server does not answer"
}

stop() {
    kill "$pid"
    wait "$pid" || fail "it did not end well"
    pid=''
}

expect() {
    local wanted=$1 found
    shift
    found=$("$@")
    [ "$found" = "$wanted" ] || fail "$*: '$found' is not '$wanted'"
}

# refuses WORDS OPTION...: the server ends, saying that.
refuses() {
    if "$server" "${@:2}" --port "$port" --dir "$directory" >"$directory/out" 2>&1; then
        fail "it started with ${*:2}"
    fi
    grep -qF "$1" "$directory/out" || fail "$(cat "$directory/out") does not say: $1"
}

# redis.conf and CONFIG REWRITE.
cat >"$directory/redis.conf" <<'TEXT'
user default off
user alice on >wonder ~a:* +@all -@dangerous +config|rewrite +acl|setuser
TEXT
start "$directory/redis.conf"
expect OK as alice:wonder set a:1 x
expect 'NOPERM this user has no permissions to access one of the keys used as arguments' as alice:wonder set b x
expect "NOPERM this user has no permissions to run the 'flushall' command" as alice:wonder flushall
expect OK as alice:wonder acl setuser bob on '>b' '(+get %R~a:*)' '&news'
expect OK as alice:wonder config rewrite
stop
start "$directory/redis.conf"
expect "NOPERM this user has no permissions to run the 'set' command" as bob:b set a:1 x
expect '' as bob:b get a:1
stop
[ "$(grep -c '^user ' "$directory/redis.conf")" = 3 ] || fail "$(cat "$directory/redis.conf")"

# An ACL file: read, written, read again; what is wrong with it changes nothing.
printf 'user admin on >a ~* &* +@all\nuser gone on nopass +@all ~* &*\nuser default off\n' >"$directory/users.acl"
start --aclfile users.acl --acl-pubsub-default allchannels
expect OK as admin:a acl setuser bob on '>b' '~x' +@all
expect OK as admin:a acl save
grep -q '^user bob on #.* ~x &\* +@all$' "$directory/users.acl" || fail "$(cat "$directory/users.acl")"
echo 'user eve on +nope' >>"$directory/users.acl"
as admin:a acl load | grep -q "Error in applying operation '+nope'" || fail "it loaded +nope"
expect admin as admin:a acl whoami
sed -i '/eve/d; /gone/d' "$directory/users.acl"

# Connections end with their user, with the right to their channels, and with ACL LOAD.
ends() {
    local client=$1
    shift
    for _ in $(seq 100); do
        as admin:a client list | grep -q "cmd=$2 user=${client%%:*} " && break
        sleep 0.05
    done
    expect "$1" as admin:a "${@:3}"
    as admin:a client list | grep -q "user=${client%%:*} " && fail "${client%%:*} is still there"
    return 0
}
as gone:x subscribe news >/dev/null &
ends gone:x OK subscribe acl setuser gone resetchannels
wait $! || true
as gone:x blpop none 0 >/dev/null &
ends gone:x 1 blpop acl deluser gone
wait $! || true
as bob:b blpop x 0 >"$directory/out" &
waiting=$!
for _ in $(seq 100); do
    as admin:a client list | grep -q "cmd=blpop user=bob " && break
    sleep 0.05
done
# Who waits is asked again for its rights when there is something to be had.
expect OK as admin:a acl setuser bob resetkeys
expect 1 as admin:a rpush x y
wait $waiting || true
grep -q NOPERM "$directory/out" || fail "$(cat "$directory/out")"
expect 1 as admin:a llen x
expect OK as admin:a acl setuser bob allkeys
as bob:b blpop none 0 >/dev/null &
ends bob:b OK blpop acl load
wait $! || true
stop

refuses "Duplicate user found" --user alice --user alice
refuses "Unknown command or category name in ACL" --user alice +nope
refuses "define either an ACL file or declare users" --user alice --aclfile users.acl
refuses "Error loading ACLs, opening file 'none.acl': No such file or directory" --aclfile none.acl
