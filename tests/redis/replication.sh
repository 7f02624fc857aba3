#!/usr/bin/env bash
# Replication streams between our server in Redis's form and a real redis-server, in both directions, and what
# redis-cli does with them; MIGRATE, FAILOVER, chains. Usage: replication.sh SERVER. Exit 77: redis-cli or
# redis-server is not installed.
set -euo pipefail

server=$1
if ! command -v redis-cli >/dev/null || ! command -v redis-server >/dev/null; then
    printf 'skipped: redis-cli and redis-server are not both installed\n'
    exit 77
fi
directory=$(mktemp -d)
declare -A pids=()
finish() {
    local pid
    for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$directory"
}
trap finish EXIT
trap "exit 1" INT TERM

fail() {
    printf 'replication.sh: line %s: %s\n' "${BASH_LINENO[*]}" "$*" >&2
    tail -n 25 "$directory"/*/log >&2 || true
    exit 1
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

ours=$(free_port)
theirs=$(free_port)
third=$(free_port)

# start PORT ours|theirs [OPTION..]
start() {
    local port=$1 program=$server
    [ "$2" = ours ] || program=redis-server
    shift 2
    mkdir -p "$directory/$port"
    "$program" --port "$port" --bind 127.0.0.1 --dir "$directory/$port" --save '' --repl-diskless-sync-delay 0 \
        --repl-ping-replica-period 1 "$@" >>"$directory/$port/log" 2>&1 &
    pids[$port]=$!
    eventually PONG "$port" ping
}

stop() {
    kill -9 "${pids[$1]}" 2>/dev/null || true
    wait "${pids[$1]}" 2>/dev/null || true
    unset "pids[$1]"
}

cli() {
    local port=$1
    shift
    redis-cli -p "$port" "$@"
}

expect() {
    local wanted=$1 port=$2 found
    shift 2
    found=$(cli "$port" "$@" 2>&1) || true
    [ "$found" = "$wanted" ] || fail "$port: $*: '$found' is not '$wanted'"
}

# eventually WANTED PORT COMMAND..: within 20 s
eventually() {
    local wanted=$1 port=$2 found=''
    shift 2
    for _ in $(seq 400); do
        found=$(cli "$port" "$@" 2>/dev/null) || true
        [ "$found" = "$wanted" ] && return
        [ -z "${pids[$port]:-}" ] || kill -0 "${pids[$port]}" 2>/dev/null || fail "the server on $port ended"
        sleep 0.05
    done
    fail "$port: $*: '$found' did not become '$wanted'"
}

field() {
    cli "$1" info "$2" | tr -d '\r' | sed -n "s/^$3://p"
}

eventually_field() {
    local wanted=$4 found=''
    for _ in $(seq 400); do
        found=$(field "$1" "$2" "$3")
        [ "$found" = "$wanted" ] && return
        sleep 0.05
    done
    fail "$1: $3 is '$found', not '$wanted'"
}

# Everything that a server holds, in one line, whatever it is encoded as.
digest() {
    local port=$1 db=$2
    cli "$port" -n "$db" eval_ro "
        local keys, out = redis.call('keys', '*'), {}
        table.sort(keys)
        for _, key in ipairs(keys) do
            local kind, value = redis.call('type', key).ok, nil
            if kind == 'string' then value = {redis.call('get', key)}
            elseif kind == 'list' then value = redis.call('lrange', key, 0, -1)
            elseif kind == 'set' then value = redis.call('smembers', key); table.sort(value)
            elseif kind == 'zset' then value = redis.call('zrange', key, 0, -1, 'withscores')
            elseif kind == 'stream' then value = {}
                for _, entry in ipairs(redis.call('xrange', key, '-', '+')) do
                    value[#value + 1] = entry[1] .. '=' .. table.concat(entry[2], ',')
                end
            else local pairs_ = redis.call('hgetall', key); value = {}
                for i = 1, #pairs_, 2 do value[#value + 1] = pairs_[i] .. '=' .. pairs_[i + 1] end
                table.sort(value)
            end
            out[#out + 1] = redis.sha1hex(key .. kind .. redis.call('pexpiretime', key) .. table.concat(value, '/'))
        end
        return #keys .. ':' .. redis.sha1hex(table.concat(out))" 0
}

# The replica on $2 has what the master on $1 has: within 20 s, for keys expire between two looks.
same() {
    eventually_field "$2" replication master_link_status up
    local db master replica
    for _ in $(seq 200); do
        master='' replica=''
        for db in 0 3; do
            master+=" $(digest "$1" "$db")"
            replica+=" $(digest "$2" "$db")"
        done
        [ "$master" = "$replica" ] && return
        sleep 0.1
    done
    fail "$2 has$replica, its master $1 has$master"
}

# Commands of every type, with chance, expiry, scripts and transactions; the same for the same SEED and COUNT.
commands() {
    awk -v seed="$1" -v count="$2" 'BEGIN {
        srand(seed)
        for (i = 0; i < count; i++) {
            n = int(rand() * 60); v = int(rand() * 100000); kind = int(rand() * 26)
            if (kind == 0) print "set s" n " value" v
            else if (kind == 1) print "incrby c" n " " v
            else if (kind == 2) print "rpush l" n " a" v " b" v " c"
            else if (kind == 3) print "lpop l" n
            else if (kind == 4) print "hset h" n " f" v % 50 " " v
            else if (kind == 5) print "hdel h" n " f" v % 50
            else if (kind == 6) print "sadd t" n " " v " m" v
            else if (kind == 7) print "spop t" n
            else if (kind == 8) print "zadd z" n " " v / 7 " m" v % 100
            else if (kind == 9) print "zpopmin z" n
            else if (kind == 10) print "xadd x" n " MAXLEN ~ 100 * f " v
            else if (kind == 11) print "set e" n " v" v " px " 1 + v % 900
            else if (kind == 12) print "expire s" n " 1000"
            else if (kind == 13) print "eval \"redis.call(\x27incr\x27, KEYS[1]) redis.call(\x27sadd\x27, \x27t1\x27, \x27x\x27) redis.call(\x27spop\x27, \x27t2\x27)\" 1 c" n
            else if (kind == 14) print "multi\nset m" n " 1\nincr c" n "\nselect 3\nset in3 " v "\nselect 0\nexec"
            else if (kind == 15) print "setrange r" n " " v % 200 " xyz"
            else if (kind == 16) print "setbit b" n " " v % 999 " 1"
            else if (kind == 17) print "pfadd p" n " " v
            else if (kind == 18) print "rename s" n " s" (n + 1) % 60
            else if (kind == 19) print "incrbyfloat f" n " 0.1"
            else if (kind == 20) print "geoadd g" n " " v % 180 " " v % 85 " m" v % 9
            else if (kind == 21) print "lmove l" n " l" (n + 1) % 60 " left right"
            else if (kind == 22) print "getdel s" n
            else if (kind == 23) print "copy h" n " h" (n + 1) % 60 " replace"
            else if (kind == 24) print "sunionstore u" n " t" n " t" (n + 1) % 60
            else print "zunionstore y" n " 2 z" n " t" n " weights 2 1"
        }
    }'
}

write() {
    commands "$2" "$3" | cli "$1" >/dev/null
}

# A real redis-server follows us ------------------------------------------------------------------
start "$ours" ours --client-output-buffer-limit 'replica 256mb 64mb 60'
start "$theirs" theirs
write "$ours" 1 3000
expect lib "$ours" function load "#!lua name=lib
redis.register_function{function_name='answer', callback=function() return 42 end, flags={'no-writes'}}"
cli "$theirs" replicaof 127.0.0.1 "$ours" >/dev/null
write "$ours" 2 3000
eventually_field "$theirs" replication master_link_status up
write "$ours" 3 2000
eventually 0 "$ours" eval "return #redis.call('keys', 'e*')" 0
same "$ours" "$theirs"
expect 42 "$theirs" fcall_ro answer 0
cli "$ours" info replication | grep -q 'slave0:ip=127.0.0.1,port='"$theirs"',state=online' || fail "no slave0"
[ "$(cli "$ours" role | head -n 1)" = master ] || fail "ROLE does not say master"
printf 'full synchronization of redis-server and its stream: ok\n'

# Cut, it goes on from where it was.
partial=$(field "$ours" stats sync_partial_ok)
cli "$theirs" client kill type master >/dev/null
write "$ours" 4 2000
eventually_field "$ours" stats sync_partial_ok $((partial + 1))
same "$ours" "$theirs"
expect OK "$ours" config set maxmemory-policy allkeys-random
cli "$ours" config set maxmemory 1 >/dev/null
cli "$ours" set evicts me >/dev/null 2>&1 || true
cli "$ours" config set maxmemory 0 >/dev/null
cli "$ours" set evicted yes >/dev/null
same "$ours" "$theirs"
cli "$ours" flushall >/dev/null
write "$ours" 5 1000
same "$ours" "$theirs"
printf 'partial synchronization, eviction, FLUSHALL: ok\n'

# Through a file, without the mark.
cli "$ours" config set repl-diskless-sync no >/dev/null
cli "$theirs" replicaof no one >/dev/null
cli "$theirs" flushall >/dev/null
cli "$theirs" replicaof 127.0.0.1 "$ours" >/dev/null
write "$ours" 6 1000
same "$ours" "$theirs"
[ -z "$(find "$directory/$ours" -name 'temp-*')" ] || fail "a temporary file was left"
cli "$ours" config set repl-diskless-sync yes >/dev/null
printf 'synchronization by a file: ok\n'

# Limits of writes.
expect 'READONLY You can'"'"'t write against a read only replica.' "$theirs" set a b
cli "$ours" config set min-replicas-to-write 2 >/dev/null
expect 'NOREPLICAS Not enough good replicas to write.' "$ours" set a b
cli "$ours" config set min-replicas-to-write 1 >/dev/null
expect OK "$ours" set a b
cli "$ours" config set min-replicas-to-write 0 >/dev/null
kill -STOP "${pids[$theirs]}"
[ "$(printf 'set unseen 1\nwait 1 200\n' | cli "$ours" | tail -n 1)" = 0 ] || fail "WAIT of a stopped replica"
kill -CONT "${pids[$theirs]}"
[ "$(printf 'set seen 1\nwait 1 5000\n' | cli "$ours" | tail -n 1)" = 1 ] || fail "WAIT of a replica"
printf 'WAIT, min-replicas-to-write: ok\n'

# redis-cli.
redis-cli -p "$ours" --rdb "$directory/dump.rdb" >/dev/null 2>&1
redis-check-rdb "$directory/dump.rdb" >/dev/null || fail "redis-check-rdb refuses what redis-cli --rdb wrote"
cli "$ours" set seen-by-cli no >/dev/null
redis-cli -p "$ours" --replica >"$directory/replica.txt" 2>&1 &
pids[cli]=$!
for _ in $(seq 400); do
    cli "$ours" set seen-by-cli yes >/dev/null
    grep -q '"set","seen-by-cli","yes"' "$directory/replica.txt" && break
    sleep 0.05
done
grep -q '"set","seen-by-cli","yes"' "$directory/replica.txt" || fail "redis-cli --replica shows nothing"
kill "${pids[cli]}"
unset 'pids[cli]'
printf 'redis-cli --rdb and --replica: ok\n'

# We follow a real redis-server -------------------------------------------------------------------
cli "$theirs" replicaof no one >/dev/null
cli "$ours" replicaof 127.0.0.1 "$theirs" >/dev/null
write "$theirs" 7 2000
same "$theirs" "$ours"
[ "$(field "$ours" replication role)" = slave ] || fail "the role is not slave"
[ "$(field "$theirs" stats sync_partial_ok)" -ge 1 ] || fail "the former master did not go on from its place"
stop "$ours"
for diskless in yes no; do
    cli "$theirs" config set repl-diskless-sync "$diskless" >/dev/null
    rm -rf "${directory:?}/$ours"
    start "$ours" ours --replicaof "127.0.0.1 $theirs" --appendonly yes
    write "$theirs" 8 2000
    same "$theirs" "$ours"
    expect 'READONLY You can'"'"'t write against a read only replica.' "$ours" set a b
    cli "$ours" eval "return redis.call('set', 'a', 'b')" 0 | grep -q '^READONLY ' || fail "a script wrote to a replica"
    eventually_field "$ours" persistence aof_rewrite_in_progress 0
    eventually 0 "$theirs" eval "return #redis.call('keys', 'e*')" 0
    same "$theirs" "$ours"
    stop "$ours"
done
# What the master sent is in the append-only file.
mv "$directory/$ours/appendonlydir" "$directory/kept"
before=$(digest "$theirs" 0)
start "$third" ours --appendonly no
stop "$third"
mv "$directory/kept" "$directory/$third/appendonlydir"
start "$third" ours --appendonly yes
[ "$(digest "$third" 0)" = "$before" ] || fail "the append-only file of the replica holds something else"
stop "$third"
rm -rf "${directory:?}/$third"
printf 'full synchronization from redis-server, with a mark and with a length, into an append-only file: ok\n'

start "$ours" ours --replicaof "127.0.0.1 $theirs"
same "$theirs" "$ours"
partial=$(field "$theirs" stats sync_partial_ok)
cli "$theirs" client kill type replica >/dev/null
write "$theirs" 9 2000
same "$theirs" "$ours"
[ "$(field "$theirs" stats sync_partial_ok)" -gt "$partial" ] || fail "the cut replica did not go on from its place"

# A chain: redis-server, us, and one of ours behind us.
start "$third" ours --replicaof "127.0.0.1 $ours"
write "$theirs" 10 2000
same "$theirs" "$ours"
same "$ours" "$third"
[ "$(field "$third" replication master_replid)" = "$(field "$theirs" replication master_replid)" ] ||
    fail "the chain does not pass the stream's id on"
expect OK "$theirs" set expires soon px 300
eventually 0 "$theirs" exists expires
same "$ours" "$third"
printf 'partial synchronization from redis-server, a chain: ok\n'

# The master is gone.
cli "$ours" config set replica-serve-stale-data no >/dev/null
stop "$theirs"
eventually_field "$ours" replication master_link_status down
expect "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'." "$ours" get s1
partial=$(field "$ours" stats sync_partial_ok)
full=$(field "$ours" stats sync_full)
expect OK "$ours" replicaof no one
expect OK "$ours" set written after
[ "$(field "$ours" replication master_replid2)" != 0000000000000000000000000000000000000000 ] || fail "no second id"
eventually after "$third" get written
[ "$(field "$ours" stats sync_partial_ok)" -gt "$partial" ] || fail "the replica of the promoted one does not go on"
[ "$(field "$ours" stats sync_full)" = "$full" ] || fail "the replica of the promoted one began anew"
printf 'stale data, promotion: ok\n'

# FAILOVER there and back.
expect 'ERR FAILOVER target HOST and PORT is not a replica.' "$ours" failover to 127.0.0.1 1
expect 'ERR No failover in progress.' "$ours" failover abort
expect OK "$ours" failover to 127.0.0.1 "$third" timeout 10000
eventually_field "$third" replication role master
eventually_field "$ours" replication role slave
expect OK "$third" set failed over
same "$third" "$ours"
start "$theirs" theirs --replicaof "127.0.0.1 $third"
same "$third" "$theirs"
expect OK "$third" failover to 127.0.0.1 "$theirs"
eventually_field "$theirs" replication role master
eventually_field "$third" replication master_link_status up
expect OK "$theirs" set failed twice
same "$theirs" "$third"
expect OK "$theirs" failover to 127.0.0.1 "$third"
eventually_field "$third" replication role master
expect OK "$third" set failed thrice
same "$third" "$theirs"
printf 'FAILOVER to ours and to redis-server: ok\n'

# Passwords.
cli "$third" replicaof no one >/dev/null
cli "$ours" replicaof no one >/dev/null
cli "$theirs" replicaof no one >/dev/null
cli "$theirs" config set requirepass secret >/dev/null
cli "$ours" replicaof 127.0.0.1 "$theirs" >/dev/null
eventually_field "$ours" replication master_link_status down
cli "$ours" config set masterauth secret >/dev/null
eventually_field "$ours" replication master_link_status up
cli "$ours" replicaof no one >/dev/null
REDISCLI_AUTH=secret cli "$theirs" config set requirepass '' >/dev/null
printf 'masterauth: ok\n'

# MIGRATE -----------------------------------------------------------------------------------------
for pair in "$ours $theirs" "$theirs $ours" "$ours $third"; do
    read -r from to <<<"$pair"
    cli "$from" flushall >/dev/null
    cli "$to" flushall >/dev/null
    write "$from" 11 1500
    cli "$from" set with-ttl v ex 1000 >/dev/null
    eventually 0 "$from" eval "return #redis.call('keys', 'e*')" 0
    before=$(digest "$from" 0)
    expect NOKEY "$from" migrate 127.0.0.1 "$to" nokey 0 5000
    expect OK "$from" migrate 127.0.0.1 "$to" with-ttl 0 5000 copy
    expect "ERR Target instance replied with error: BUSYKEY Target key name already exists." \
        "$from" migrate 127.0.0.1 "$to" with-ttl 0 5000
    mapfile -t keys < <(cli "$from" keys '*')
    expect OK "$from" migrate 127.0.0.1 "$to" '' 0 5000 replace keys "${keys[@]}"
    eventually 0 "$from" dbsize
    [ "$(cli "$to" dbsize)" = "${before%%:*}" ] || fail "not all keys arrived"
    [ "$(cli "$to" ttl with-ttl)" -ge 990 ] || fail "the expiry did not arrive"
    cli "$from" set a 1 >/dev/null
    expect OK "$from" migrate 127.0.0.1 "$to" a 9 5000
    eventually 1 "$to" -n 9 get a
    cli "$from" set a 1 >/dev/null
    cli "$from" migrate 127.0.0.1 1 a 0 500 | grep -q '^IOERR error or timeout ' || fail "MIGRATE to nobody"
    expect "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string" \
        "$from" migrate 127.0.0.1 "$to" a 0 500 keys a
    expect 1 "$from" get a
done
cli "$third" config set requirepass secret >/dev/null
# By another name: the connection that is kept was let in before there was a password.
expect "ERR Target instance replied with error: NOAUTH Authentication required." \
    "$ours" migrate localhost "$third" a 0 5000
expect OK "$ours" migrate 127.0.0.1 "$third" a 0 5000 auth secret
expect 0 "$ours" exists a
cli "$ours" set a 1 >/dev/null
expect OK "$ours" migrate 127.0.0.1 "$third" a 0 5000 replace auth2 default secret
# While a target does not answer, others are served, reads of the key too; a write of it waits.
cli "$ours" set a 1 >/dev/null
kill -STOP "${pids[$theirs]}"
cli "$ours" migrate 127.0.0.1 "$theirs" a 0 1500 replace >"$directory/migrate.txt" 2>&1 &
waiting=$!
eventually_field "$ours" clients blocked_clients 1
expect 1 "$ours" get a
cli "$ours" set a 2 >"$directory/set.txt" &
writer=$!
eventually_field "$ours" clients blocked_clients 2
wait "$waiting" "$writer"
kill -CONT "${pids[$theirs]}"
grep -q '^IOERR error or timeout reading to target instance' "$directory/migrate.txt" || fail "$(cat "$directory/migrate.txt")"
expect 2 "$ours" get a
printf 'MIGRATE, both ways: ok\n'
