#!/usr/bin/env python3
"""Random rules for a user, given to our server and to a real redis-server: both must answer the same to them, describe the
user alike, and allow it the same commands. Usage: acl_peer.py SERVER [SEED [ROUNDS]]. Exit 77: no redis-server here."""
import random, re, shutil, socket, subprocess, sys, tempfile, time

WORDS = ("get set store by limit keys streams auth auth2 ex nx withscores count 1 2 3 0 -1 a b c ab x a* * # minid maxlen "
         "aggregate weights ~ = block group subscribe 10 byscore storedist").split()
PATTERNS = ["a", "b", "a*", "*", "?", "x*", "[ab]", "c", "ab"]
FLAGS = ["on", "off", "nopass", "resetpass", "sanitize-payload", "skip-sanitize-payload", "clearselectors", "reset", "", "bogus"]
ALL = ["allkeys", "resetkeys", "allchannels", "resetchannels", "allcommands", "nocommands", "+@all", "-@all", "~*", "&*"]
HASH = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


class Client:
    def __init__(self, port):
        for _ in range(200):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), 10)
                break
            except OSError:
                time.sleep(0.05)
        self.file = self.socket.makefile("rb")

    def read(self):
        line = self.file.readline()[:-2]
        kind, rest = line[:1], line[1:]
        if kind in b"+-":
            return line.decode()
        if kind == b":":
            return int(rest)
        if int(rest) < 0:
            return None
        if kind == b"$":
            return self.file.read(int(rest) + 2)[:-2].decode()
        return [self.read() for _ in range(int(rest))]

    def __call__(self, *words):
        parts = [word.encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self.read()


def commands_of(client):
    found = {}

    def walk(rows):
        for row in rows:
            found[row[0]] = row[1]
            walk(row[9] or [])

    walk(client("command"))
    return found


def rule(chance, commands, categories, nested=False):
    kind = chance.randrange(22)
    name = chance.choice(commands)
    if kind < 4:
        return chance.choice("+-") + name
    if kind < 7:
        return chance.choice("+-") + "@" + chance.choice(categories + ["all", "nope"])
    if kind < 10:
        return chance.choice(["~", "~", "%R~", "%W~", "%RW~", "%rw~", "%R", "%X~", "%~"]) + chance.choice(PATTERNS)
    if kind < 12:
        return "&" + chance.choice(PATTERNS)
    if kind == 12:
        return chance.choice(ALL)
    if kind == 13:
        return "+" + name + "|" + chance.choice(WORDS)
    if kind == 14:
        return chance.choice(FLAGS)
    if kind == 15:
        return chance.choice("><#!") + chance.choice(["a", "b", HASH])
    if kind >= 18 and not nested:
        return "(" + " ".join(rule(chance, commands, categories, True) for _ in range(chance.randrange(4))) + ")"
    return chance.choice(["+@all", "~*", "&*", "+@read", "+@write", "+" + name])


def canonical(line, ours_alone):
    """Redis orders single commands by a hash; commands that only we have are left out."""
    def sort(match):
        words = [word for word in match.group(0).split(" ") if word[1:] not in ours_alone]
        return " ".join([w for w in words if w[1] == "@"] + sorted(w for w in words if w[1] != "@"))

    return re.sub(r"[+-]@all(?: [+-][^ ()]+)*", sort, line)


def compare(ours, theirs, seed, rounds):
    chance = random.Random(seed)
    known, mine = commands_of(theirs), commands_of(ours)
    commands = sorted(set(known) & set(mine))
    ours_alone = set(mine) - set(known)
    categories = theirs("acl", "cat")
    if categories != ours("acl", "cat"):
        sys.exit("other categories")

    def same(*words):
        first, second = theirs(*words), ours(*words)
        if first != second:
            sys.exit(f"seed {seed}: {' '.join(words)}\ntheirs: {first}\nours:   {second}")

    for _ in range(rounds):
        rules = [rule(chance, commands, categories) for _ in range(chance.randrange(1, 6))]
        if chance.random() < 0.15:
            rules.insert(0, "reset")
        same("acl", "setuser", "u", *rules)
        first, second = (canonical(client("acl", "list")[-1], ours_alone) for client in (theirs, ours))
        if first != second:
            sys.exit(f"seed {seed}: after {rules}\ntheirs: {first}\nours:   {second}")
        for _ in range(6):
            name = chance.choice(commands)
            words = name.split("|")
            count = abs(known[name]) + (chance.randrange(5) if known[name] < 0 else 0)
            same("acl", "dryrun", "u", *words, *[chance.choice(WORDS) for _ in range(count - len(words))])
        if chance.random() < 0.02:
            same("acl", "deluser", "u")


def main():
    if shutil.which("redis-server") is None:
        sys.exit(77)
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 600
    servers = []
    try:
        with tempfile.TemporaryDirectory() as directory:
            clients = []
            for program in (sys.argv[1], "redis-server"):
                with socket.socket() as free:
                    free.bind(("127.0.0.1", 0))
                    port = free.getsockname()[1]
                servers.append(subprocess.Popen(
                    [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""],
                    stdout=subprocess.DEVNULL))
                clients.append(Client(port))
            compare(*clients, seed, rounds)
    finally:
        for server in servers:
            server.kill()
            server.wait()


main()
