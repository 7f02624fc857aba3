#!/usr/bin/env python3
"""tools/tidy.py finds what it must, in a small tree that breaks its rules one by one.

    tidy_test.py PATH/TO/tidy.py
"""
import pathlib, subprocess, sys, tempfile

MODULES = "0 base base: \n3 search search: base\n"
SOUND = {
    "src/base/log.h": '#pragma once\n#include <string>\n',
    "src/search/index.h": '#pragma once\n#include "base/log.h"\n',
    "src/search/internal/tree.h": "#pragma once\n",
    "docs/map.md": "[the log](../src/base/log.h)\n",
}
CASES = {  # name -> (files on top of the sound tree, what tidy.py must say; None: nothing)
    "sound": ({}, None),
    "upward include": ({"src/base/x.cc": '#include "search/index.h"\n'},
                       "src/base/x.cc:1: base may not include search/index.h"),
    "private header": ({"src/node/x.cc": '#include "search/internal/tree.h"\n'},
                       "search/internal/tree.h is private to search"),
    "banned word": ({"src/search/x.cc": "std::mutex m;\n"}, "banned: std::mutex"),
    "too long": ({"src/search/x.cc": "\n" * 801}, "src/search/x.cc: 801 lines, limit 800"),
    "dead path": ({"docs/x.md": "see `src/base/gone.h`\n"},
                  "docs/x.md:1: no such file src/base/gone.h"),
    "dead link": ({"docs/x.md": "[gone](gone.md)\n"}, "docs/x.md:1: dead link gone.md"),
}


def run(tidy, files, modules):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        listing = pathlib.Path(root, "modules.txt")
        listing.write_text(modules)
        return subprocess.run([sys.executable, tidy, listing, root], capture_output=True, text=True)


def main():
    failed = 0
    for name, (files, expected) in CASES.items():
        modules = MODULES + "4 node node: base search\n"
        result = run(sys.argv[1], {**SOUND, **files}, modules)
        good = result.returncode == 0 if expected is None else (
            result.returncode == 1 and expected in result.stdout)
        if not good:
            failed += 1
            print(f"{name}: expected {expected!r}, exit {result.returncode}, said:\n{result.stdout}{result.stderr}")
    return bool(failed)


sys.exit(main())
