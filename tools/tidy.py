#!/usr/bin/env python3
"""Checks what compilers do not: layering, size, banned words, dead links in docs.

    tools/tidy.py build/release/modules.txt [ROOT]      # written by cmake/KumoModule.cmake
"""
import pathlib, re, subprocess, sys

PRINTING = "base/log.h"  # Programs for people (apps/) need not.

BANNED = {  # regex -> what to use instead
    r"\bstd::(mutex|lock_guard|unique_lock|shared_mutex)\b": "base/mutex.h (clang can check it)",
    r"\b(std::chrono::\w+_clock::now|time\(nullptr\)|gettimeofday|clock_gettime)\b": "base/clock.h (simulated time)",
    r"\b(std::random_device|std::mt19937\w*|rand\(\))": "base/random.h (one seed)",
    r"\bstd::thread\b": "io/thread.h (named, joined, counted)",
    r"\b(FIXME|XXX|DONOTMERGE)\b": "nothing: resolve before merging",
    r'#\s*include\s+"\.\.?/': 'a path from the module root: "raft/log.h"',
    r"\bstd::(cout|cerr)\b|\bprintf\(": PRINTING,
    r"\bstd::regex\b": "RE2 (linear time on user input)",
    r"\bco_(await|return|yield)\b": "callbacks and state machines (g++ 12.2 miscompiles coroutines)",
}
ALLOWED = {"src/base": r"mutex|clock|random|log|assert|published", "src/io": r".*thread"}
FILE_LINES_MAX = {".cc": 800, ".h": 400}
TRACKED_BYTES_MAX = 256 << 10
RATCHET = {}  # path -> lines today; may only shrink. Empty on the first day.


def read_modules(path):
    """-> {module: (include prefix, set of direct dependencies)}"""
    modules = {}
    for line in pathlib.Path(path).read_text().splitlines():
        head, _, rest = line.partition(":")
        _, name, prefix = head.split()
        modules[name] = (prefix, set(rest.split()))
    return modules


def reach(modules, start):
    seen, todo = {start}, [start]
    while todo:
        for dep in modules[todo.pop()][1]:
            if dep not in seen:
                seen.add(dep)
                todo.append(dep)
    return seen


def owner(modules, path):
    """The module whose prefix is the longest one that `path` (below src/) starts with."""
    best = max((p for p, _ in modules.values() if path.startswith(p + "/")), key=len, default=None)
    return next((m for m, (p, _) in modules.items() if p == best), None)


def check_source(root, path, modules, allowed, banned, errors):
    rel = path.relative_to(root).as_posix()
    below = rel.split("/", 1)[1]
    lines = path.read_text(errors="replace").splitlines()
    limit = max(RATCHET.get(rel, 0), FILE_LINES_MAX[path.suffix])
    if len(lines) > limit:
        errors.append(f"{rel}: {len(lines)} lines, limit {limit}")
    ours = rel.startswith(("src/", "apps/"))
    module = owner(modules, below) if ours else None
    if rel.startswith("apps/"):
        banned = [(rx, instead) for rx, instead in banned if instead != PRINTING]
    free = path.stem.endswith("_test") or not ours or any(
        rel.startswith(d + "/") and re.match(p, path.stem) for d, p in ALLOWED.items())
    for n, text in enumerate(lines, 1):
        inc = re.match(r'\s*#\s*include\s+"([^"]*)"', text)
        if inc and module:
            other = owner(modules, inc[1])
            if other and other not in allowed[module]:
                errors.append(f"{rel}:{n}: {module} may not include {inc[1]}")
            elif other and other != module and "internal/" in inc[1]:
                errors.append(f"{rel}:{n}: {inc[1]} is private to {other}")
        for rx, instead in ([] if free else banned):
            if rx.search(text):
                errors.append(f"{rel}:{n}: banned: {rx.search(text)[0]} -- use {instead}")


PATH_IN_TEXT = re.compile(r"`((?:src|apps|bench|cmake|docs|fuzz|tests|tools)/[\w./-]+)`")


def check_links(root, errors):
    for doc in [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("src/**/*.md"),
                *root.glob("apps/**/*.md"), *root.glob("bench/**/*.md")]:
        for n, text in enumerate(doc.read_text(errors="replace").splitlines(), 1):
            for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
                if not (doc.parent / target).exists():
                    errors.append(f"{doc.relative_to(root)}:{n}: dead link {target}")
            for target in PATH_IN_TEXT.findall(text):
                if not (root / target).exists():
                    errors.append(f"{doc.relative_to(root)}:{n}: no such file {target}")


def check_sizes(root, errors):
    """What a run has left behind is not a source."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = root / name
        if path.is_file() and path.stat().st_size > TRACKED_BYTES_MAX:
            errors.append(f"{name}: {path.stat().st_size} bytes, limit {TRACKED_BYTES_MAX}")


def main() -> int:
    root = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parent.parent
    modules, errors = read_modules(sys.argv[1]), []
    allowed = {m: reach(modules, m) for m in modules}
    banned = [(re.compile(k), v) for k, v in BANNED.items()]
    for place in ("src", "apps", "fuzz", "bench", "tests"):
        for path in sorted((root / place).glob("**/*.*")):
            if path.suffix in FILE_LINES_MAX and "node_modules" not in path.parts:
                check_source(root, path, modules, allowed, banned, errors)
    check_links(root, errors)
    check_sizes(root, errors)
    print(*errors, sep="\n", end="\n" if errors else "")
    return bool(errors)


sys.exit(main())
