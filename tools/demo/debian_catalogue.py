#!/usr/bin/env python3
"""Turns apt's package lists into documents, one JSON object a line.

    apt-cache dumpavail | debian_catalogue.py >packages.jsonl

`popularity` is how many other packages depend on or recommend a package: a measure of how well
known it is that needs nobody's statistics.
"""
import collections, json, re, sys

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


def stanzas(lines):
    """Yields each stanza as {field: text}; the lines of a long field are joined by newlines."""
    fields, last = {}, None
    for line in lines:
        line = line.rstrip("\n")
        if not line:
            if fields:
                yield fields
            fields, last = {}, None
        elif line[0] in " \t":
            if last:
                fields[last] += "\n" + line.strip()
        else:
            last, _, text = line.partition(":")
            fields[last] = text.strip()
    if fields:
        yield fields


def relations(stanza, *kinds):
    """The set of packages that are named first in each alternative."""
    names = set()
    for kind in kinds:
        for clause in stanza.get(kind, "").split(","):
            match = NAME.match(clause.strip())
            if match:
                names.add(match[0])
    return names


def describe(stanza):
    """-> (one line, the paragraphs behind it)"""
    text = stanza.get("Description-en") or stanza.get("Description") or ""
    short, _, rest = text.partition("\n")
    return short, " ".join(line for line in rest.split("\n") if line != ".")


def document(stanza, popularity):
    short, details = describe(stanza)
    doc = {
        "id": stanza["Package"],
        "name": stanza["Package"],
        "description": short,
        "section": stanza.get("Section", "unknown").rpartition("/")[2],
        "priority": stanza.get("Priority", "optional"),
        "maintainer": re.sub(r"\s*<.*", "", stanza.get("Maintainer", "")).strip('" '),
        "version": stanza.get("Version", ""),
        "homepage": stanza.get("Homepage", ""),
        "installed_kb": int(stanza.get("Installed-Size", 0)),
        "download_bytes": int(stanza.get("Size", 0)),
        "depends": len(relations(stanza, "Depends", "Pre-Depends")),
        "popularity": popularity,
    }
    if details:
        doc["details"] = details
    if "Tag" in stanza:
        doc["tags"] = [tag.strip() for tag in stanza["Tag"].replace("\n", " ").split(",")]
    return doc


def main():
    packages = {}
    for stanza in stanzas(open(sys.stdin.fileno(), errors="replace")):
        if "Package" in stanza:
            packages.setdefault(stanza["Package"], stanza)
    popularity = collections.Counter()
    for stanza in packages.values():
        popularity.update(relations(stanza, "Depends", "Pre-Depends", "Recommends"))
    for name, stanza in packages.items():
        print(json.dumps(document(stanza, popularity[name]), ensure_ascii=False))


main()
