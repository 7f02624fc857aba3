#!/usr/bin/env python3
"""Builds the benchmark corpus "debsrc" from Debian source packages.

    corpus.py --debs DIR --sets glibc --out corpus.tsv

A document is one GNU ChangeLog entry, one paragraph group of a manual, or one function-sized piece
of a source file. One line each:

    id  project  component  kind  lang  author  timestamp  year  tokens...

separated by tabs, the tokens by blanks: runs of [a-z0-9] of title and body, lower-cased, longer
than 64 dropped. Every engine splits them at blanks, so all index the same. Runs of a file's
documents are shuffled by a hash of their path, which leaves ids the moderate locality an ingest
log has. Only the Python standard library is used.
"""
import argparse
import calendar
import glob
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import time

SETS = {  # name -> (package file, archive inside it)
    "gcc": ("gcc-12-source_*.deb", "usr/src/gcc-12/gcc-12.2.0-dfsg.tar.xz"),
    "binutils": ("binutils-source_*.deb", "usr/src/binutils/binutils-2.40.tar.xz"),
    "glibc": ("glibc-source_*.deb", "usr/src/glibc/glibc-2.36.tar.xz"),
    "linux": ("linux-source-6.1_*.deb", "usr/src/linux-source-6.1.tar.xz"),
}
LANGUAGES = {
    ".c": "c", ".h": "c-header", ".cc": "c++", ".cpp": "c++", ".C": "c++", ".S": "asm",
    ".s": "asm", ".f90": "fortran", ".f": "fortran", ".go": "go", ".adb": "ada", ".ads": "ada",
    ".d": "d", ".py": "python", ".sh": "shell", ".exp": "tcl", ".rst": "rst", ".txt": "text",
    ".texi": "texinfo", ".html": "html", ".xml": "xml", ".md": "markdown", ".dts": "devicetree",
    ".dtsi": "devicetree", ".yaml": "yaml", ".def": "def", ".pl": "perl", ".java": "java",
    ".awk": "awk", ".m4": "m4", ".rs": "rust",
}
PROSE = {"rst", "text", "texinfo", "html", "markdown", "yaml", "xml"}
PLAIN_NAMES = ("Kconfig", "MAINTAINERS", "NEWS", "README", "TODO")

# Generated tables and message catalogues: large, and not text.
SKIP_DIR = re.compile(
    r"/(drivers/gpu/drm/amd/include|localedata|iconvdata|charmaps|po|stdlib/tests/data"
    r"|drivers/net/wireless/realtek/rtw\d+/.*table|sound/usb/.*tables?)(/|$)")
SKIP_NAME = re.compile(
    r"(\.po|\.pot|\.ucm|\.gmo|_tables?\.[ch]|-tables?\.[ch]|\.dump|\.out|\.ok|\.xfail)$")
ENTRY = re.compile(r"^(\d{4})-(\d\d)-(\d\d)\s+([^<\n]{2,60}?)\s*<([^>\n]*)>")
OLD_ENTRY = re.compile(
    r"^[A-Z][a-z]{2} ([A-Z][a-z]{2})\s+(\d{1,2}) [\d:]+ (\d{4})\s+([^<(\n]{2,60}?)\s*[<(]([^>)\n]*)[>)]")
MONTHS = {name: i + 1 for i, name in enumerate(
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}
COPYRIGHT = re.compile(
    r"Copyright\s*(?:\([cC]\)|©)?\s*((?:19|20)\d\d)[^A-Za-z\n]*([A-Z][\w.,\- ]{2,60})?")
AUTHOR = re.compile(
    r"(?:Authors?|Written by|Contributed by|MODULE_AUTHOR)\s*[:(]?\s*\"?\s*"
    r"([A-Z][\w.\-]+(?: [A-Z][\w.\-]+){1,3})")
WORD = re.compile(r"[A-Za-z]{2,}")
FUNCTION = re.compile(r"^[A-Za-z_][\w \t*,]*?\b(\w+)\s*\(", re.M)
COMMENT = re.compile(r"(?:/\*+|\*|//|;;|#)\s*([A-Z][^\n*/]{12,110})")
TOKEN = re.compile(rb"[a-z0-9]+")


def epoch(year, month, day):
    try:
        return calendar.timegm((year, month, day, 12, 0, 0, 0, 0, 0))
    except (ValueError, OverflowError):
        return 0


def is_text(body):
    """Enough letters, enough distinct words: keeps text, drops tables."""
    words = WORD.findall(body)
    return (len(body) >= 80 and len(words) >= 10 and sum(map(len, words)) > 0.42 * len(body)
            and len(set(words)) * 4 > len(words))


def changelog_entries(text):
    entries = []
    for line in text.split("\n"):
        if m := ENTRY.match(line):
            entries.append((epoch(int(m[1]), int(m[2]), int(m[3])), m[4].strip(), []))
        elif m := OLD_ENTRY.match(line):
            entries.append((epoch(int(m[3]), MONTHS.get(m[1], 1), int(m[2])), m[4].strip(), []))
        elif entries:
            entries[-1][2].append(line.strip())
    for when, who, lines in entries:
        body = "\n".join(lines).strip()
        if len(body) >= 60:
            yield body.split("\n", 1)[0][:120], body[:4000], who, when


def pieces(text, code):
    """Cuts at blank lines (prose) or closing braces in column 0 (code); 250 to 1,500 bytes each."""
    lines, size = [], 0
    least, most = (350 if code else 300), 1500
    for line in text.split("\n"):
        line = line.rstrip()
        lines.append(line)
        size += len(line) + 1
        closes = line[:1] == "}" or (line == "" and (not code or size > 900))
        if (closes and size >= least) or size >= most:
            yield "\n".join(lines).strip()
            lines, size = [], 0
    if size >= 80:
        yield "\n".join(lines).strip()


def title_of(body, path, code):
    if code:
        m = COMMENT.search(body)
        if m and "Copyright" not in m[1] and "SPDX" not in m[1]:
            return m[1].strip()
        if m := FUNCTION.search(body):
            return os.path.basename(path) + ": " + m[1]
        return os.path.basename(path)
    for line in body.split("\n"):
        text = re.sub(r"^@\w+\s*|<[^>]*>|[=~\-^*#`{}]+", " ", line).strip()
        if len(text) > 8:
            return text[:120]
    return os.path.basename(path)


def documents(project, path, data, mtime):
    """Yields (title, body, author, timestamp, component, kind, lang) of one file."""
    if b"\0" in data[:4096]:
        return
    text = data.decode("utf-8", "replace")
    name = os.path.basename(path)
    parts = path.split("/")
    component = "/".join(parts[:2]) if len(parts) > 2 else (parts[0] if len(parts) > 1 else ".")
    if name.startswith("ChangeLog"):
        for title, body, who, when in changelog_entries(text):
            yield title, body, who, when, component, "changelog", "text"
        return
    lang = LANGUAGES.get(os.path.splitext(name)[1])
    if lang is None and (name in PLAIN_NAMES or name.startswith("README")):
        lang = "text"
    if lang is None:
        return
    code = lang not in PROSE
    head = text[:3000]
    when, who = mtime, ""
    if m := COPYRIGHT.search(head):
        month = 1 + int(hashlib.md5(path.encode()).hexdigest(), 16) % 12
        when = epoch(int(m[1]), month, 1)
        who = (m[2] or "").split(",")[0].strip(" .-")
    if m := AUTHOR.search(head):
        who = m[1]
    for body in pieces(text, code):
        if is_text(body):
            kind = "code" if code else "doc"
            yield title_of(body, path, code), body, who or "unknown", when, component, kind, lang


def line_of(project, document):
    title, body, who, when, component, kind, lang = document
    text = (title + "\n" + body).encode("utf-8", "replace").lower()
    tokens = b" ".join(t for t in TOKEN.findall(text) if len(t) <= 64).decode()
    year = time.gmtime(max(0, when)).tm_year
    fields = [project, component, kind, lang, who, str(int(when)), str(year)]
    return "\t".join(re.sub(r"[\t\r\n]", " ", f) for f in fields) + "\t" + tokens


def files_of(debs, project):
    pattern, inner = SETS[project]
    found = sorted(glob.glob(os.path.join(debs, pattern)))
    if not found:
        sys.exit("corpus.py: no " + pattern + " in " + debs)
    deb = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", found[-1]], stdout=subprocess.PIPE)
    tar = subprocess.Popen(["tar", "-xO", "./" + inner], stdin=deb.stdout, stdout=subprocess.PIPE)
    plain = subprocess.Popen(["xz", "-dc"], stdin=tar.stdout, stdout=subprocess.PIPE)
    with tarfile.open(fileobj=plain.stdout, mode="r|") as archive:
        for member in archive:
            if not member.isfile() or not 200 <= member.size <= 30 << 20:
                continue
            path = member.name.split("/", 1)[-1]
            name = os.path.basename(path)
            if not name.startswith("ChangeLog") and (
                    member.size > 1500000 or SKIP_DIR.search("/" + path) or SKIP_NAME.search(name)):
                continue
            yield path, archive.extractfile(member).read(), member.mtime


def runs_of(debs, project, files, texts):
    """Yields (sort key, lines): at most 50 documents of one file, each file and each text once."""
    for path, data, mtime in files_of(debs, project):
        fingerprint = hashlib.md5(data).digest()
        if fingerprint in files:
            continue
        files.add(fingerprint)
        lines = []
        for document in documents(project, path, data, mtime):
            fingerprint = hashlib.md5(document[1].encode("utf-8", "replace")).digest()
            if fingerprint not in texts:
                texts.add(fingerprint)
                lines.append(line_of(project, document))
        for i in range(0, len(lines), 50):
            yield hashlib.md5(f"42:{project}:{path}:{i}".encode()).digest(), lines[i:i + 50]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--debs", required=True)
    options.add_argument("--sets", default="glibc")
    options.add_argument("--out", required=True)
    args = options.parse_args()
    runs, files, texts = [], set(), set()
    for project in args.sets.split(","):
        runs += runs_of(args.debs, project, files, texts)
    runs.sort(key=lambda run: run[0])
    count = 0
    with open(args.out + ".tmp", "w", encoding="utf-8") as out:
        for _, lines in runs:
            for line in lines:
                out.write(f"{count}\t{line}\n")
                count += 1
    os.rename(args.out + ".tmp", args.out)
    print(f"{count} documents", file=sys.stderr)


if __name__ == "__main__":
    main()
