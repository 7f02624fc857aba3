#!/usr/bin/env bash
# Starts the server of a tree that was installed into a directory, and uses it.
#
#     packaging/check_root.sh ROOT
set -euo pipefail

root=$(cd "$1" && pwd)
server=$root/usr/bin/kumosearch-server
cli=$root/usr/bin/kumosearch-cli
state=$(mktemp -d)
pid=

cleanup() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    rm -rf "$state"
}
trap cleanup EXIT

fail() {
    printf 'check_root: %s\n' "$*" >&2
    [ ! -e "$state/output" ] || cat "$state/output" >&2
    exit 1
}

for file in usr/bin/kumosearch-server usr/bin/kumosearch-cli etc/kumosearch/server.ini \
    usr/lib/systemd/system/kumosearch.service usr/share/man/man8/kumosearch-server.8 \
    usr/share/man/man1/kumosearch-cli.1 usr/share/bash-completion/completions/kumosearch-cli \
    usr/share/zsh/vendor-completions/_kumosearch-cli \
    usr/share/fish/vendor_completions.d/kumosearch-cli.fish \
    usr/share/doc/kumosearch-server/copyright usr/share/doc/kumosearch-cli/copyright; do
    [ -s "$root/$file" ] || [ -s "$root/$file.gz" ] || fail "$file is missing"
done

# What would run as the service is what is here.
if command -v systemd-analyze >/dev/null 2>&1; then
    sed "s,=/usr/bin/,=$root/usr/bin/,; /^Documentation=/d; s/^User=.*/User=root/; s/^Group=.*/Group=root/" \
        "$root/usr/lib/systemd/system/kumosearch.service" >"$state/kumosearch.service"
    problems=$(systemd-analyze verify --man=no "$state/kumosearch.service" 2>&1 | grep kumosearch.service || true)
    [ -z "$problems" ] || fail "the unit: $problems"
fi
if command -v man >/dev/null 2>&1; then
    for page in man8/kumosearch-server.8 man1/kumosearch-cli.1; do
        problems=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -l "$root/usr/share/man/$page"* 2>&1 >/dev/null)
        [ -z "$problems" ] || fail "$page: $problems"
    done
fi

mkdir "$state/data" "$state/log"
sed "s,/var/lib/kumosearch,$state/data,; s,/var/log/kumosearch,$state/log,; s/^api-port.*/api-port = 0/" \
    "$root/etc/kumosearch/server.ini" >"$state/server.ini"
export KUMOSEARCH_API_KEY=key-of-the-check
"$server" --supervise --config "$state/server.ini" >"$state/output" 2>&1 &
pid=$!
for _ in $(seq 600); do
    KUMOSEARCH_URL=$(sed -n 's/^kumosearch-server listens on //p' "$state/output")
    [ -z "$KUMOSEARCH_URL" ] || break
    kill -0 "$pid" 2>/dev/null || fail "the server ended"
    sleep 0.1
done
[ -n "$KUMOSEARCH_URL" ] || fail "the server does not listen"
export KUMOSEARCH_URL
"$cli" status >/dev/null || fail "status: $?"
printf '{"name":"books","fields":[{"name":"title","type":"string"}]}' | "$cli" collection create - >/dev/null
printf '{"id":"1","title":"The Name of the Wind"}\n' | "$cli" import books - >/dev/null
"$cli" search books 'name of the wnd' --json | grep -q '"found":1' || fail "nothing was found"
kill "$pid"
wait "$pid" || fail "the server ended with $?"
pid=
grep -q 'ended' "$state/log/kumosearch.log" || fail "the log is not where the settings say"
printf 'check_root: %s works\n' "$root"
