#!/usr/bin/env bash
# Redis's form of the server with TLS, as redis-cli speaks it. Usage: tls.sh SERVER. Exit 77: no redis-cli or openssl.
set -euo pipefail

server=$1
command -v redis-cli >/dev/null && command -v openssl >/dev/null || exit 77
grep -q -- --tls <<<"$(redis-cli --help 2>&1)" || exit 77
directory=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$directory"' EXIT

fail() {
    printf 'tls.sh: %s\n' "$*" >&2
    cat "$directory/log" >&2 || true
    exit 1
}

read -r plain port other < <(python3 -c 'import socket
sockets = [socket.socket() for _ in range(3)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])')

# An authority, and what it signs: the server and a client. A stranger signs for itself.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "/CN=$1" \
        -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$directory/$1.key" \
        -out "$directory/$1.crt" "${@:2}" 2>/dev/null
}
certificate ca
for name in server client; do certificate $name -CA "$directory/ca.crt" -CAkey "$directory/ca.key"; done
certificate stranger

# tls [OPTION...] COMMAND: over TLS to $port, trusting the authority.
tls() {
    timeout 10 redis-cli -h localhost -p "$port" --tls --cacert "$directory/ca.crt" "$@" 2>&1 || true
}

as() {
    tls --cert "$directory/$1.crt" --key "$directory/$1.key" "${@:2}"
}

start() {
    "$server" --bind 127.0.0.1 --dir "$directory" --save '' --tls-port "$port" \
        --tls-cert-file server.crt --tls-key-file server.key "$@" >>"$directory/log" 2>&1 &
    pid=$!
    for _ in $(seq 200); do
        as client ping | grep -qE 'PONG' && return
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

refused() {
    if "$@" | grep -q PONG; then fail "$* was let in"; fi
}

# Who may connect.
start --port 0 --tls-ca-cert-file ca.crt
refused tls ping
refused as stranger ping
refused timeout 5 redis-cli -p "$port" ping
head -c 200000 /dev/zero | tr '\0' x | as client -x set key | grep -qx OK || fail "SET of a long value"
expect 200000 as client strlen key
as client get key | head -c 200000 | tr -d x | grep -q . && fail "the value came back otherwise"
as client info server | grep -q "tcp_port:$port" || fail "INFO tells another port"
expect OK as client config set tls-auth-clients optional
expect PONG tls ping
refused as stranger ping
expect OK as client config set tls-auth-clients no
expect PONG as stranger ping
stop

# Both ports; what changes while it runs.
start --port "$plain" --tls-auth-clients no
expect PONG redis-cli -p "$plain" ping
expect PONG tls ping
seq 1000 | sed 's/.*/INCR n/' | tls | tail -n 1 | grep -q '^1000$' || fail "a pipeline broke"
tls subscribe news >"$directory/heard" &
listener=$!
for _ in $(seq 100); do
    [ "$(redis-cli -p "$plain" publish news hello)" = 1 ] && break
    sleep 0.05
done
kill "$listener" 2>/dev/null || true
redis-cli -p "$plain" config set tls-cert-file none.crt | grep -q "Unable to update TLS configuration" ||
    fail "it took a certificate that is not there"
expect PONG tls ping
expect OK redis-cli -p "$plain" config set tls-port "$other"
port=$other
expect PONG tls ping
expect OK tls config set port 0
refused timeout 5 redis-cli -p "$plain" ping
stop

# refuses WORDS OPTION...: the server ends, saying that.
refuses() {
    if "$server" --dir "$directory" --tls-port "$port" "${@:2}" >"$directory/out" 2>&1; then
        fail "it started with ${*:2}"
    fi
    grep -qF "$1" "$directory/out" || fail "$(cat "$directory/out") does not say: $1"
}
refuses "No tls-cert-file configured!"
refuses "No tls-key-file configured!" --tls-cert-file server.crt
refuses "Either tls-ca-cert-file" --tls-cert-file server.crt --tls-key-file server.key
refuses "does not belong to the certificate" --tls-cert-file server.crt --tls-key-file ca.key --tls-auth-clients no
