#!/usr/bin/env python3
"""Compares two result files of the search benchmark and prints the ratio table and the targets.

    compare.py lucene.tsv kumosearch.tsv            both sides, and how they do against the targets
    compare.py --golden golden.tsv kumosearch.tsv   only checks the answers, against the harness's
    compare.py --spread one.tsv spread.tsv          kumosearch in one segment and in many

Lines: command, class, query, count, sum, then least, median and largest microseconds of CPU.
Fails if a count differs, or a sum (of scores, facet counts, sort keys) by more than 1e-3 of it.
With --spread only counts are compared: deleted documents count in what scores are made of.
"""
import math
import sys

ORDER = ["term_high", "term_med", "term_low", "intersection", "union", "phrase", "and_high_high",
         "and_high_med", "and_high_low", "or_high_high", "or_high_med", "or_high_low", "or_5",
         "fuzzy1", "fuzzy2"]
TERMS = ["term_high", "term_med", "term_low"]
TARGETS = [  # what, command, classes, ratio of total times to reach
    ("top-10 disjunctions", "TOP_10", ["union"], 5),
    ("top-10 conjunctions", "TOP_10", ["intersection"], 4),
    ("top-10 phrases", "TOP_10", ["phrase"], 3),
    ("top-10 single terms", "TOP_10", TERMS, 8),
    ("top-10 disjunction with exact count", "TOP_10_COUNT", ["union"], 8),
    ("count, or", "COUNT", ["union"], 10),
    ("count, and", "COUNT", ["intersection"], 3),
    ("two filters + top-10", "FILTER_TOP_10", ["union", "intersection"] + TERMS, 10),
    ("two facets", "FACET", ["union"], 5),
    ("sort by column", "SORT_10", ["union", "intersection"] + TERMS, 4),
    ("one typo", "FUZZY_TOP_10", ["fuzzy1"], 4),
    ("two typos", "FUZZY_TOP_10", ["fuzzy2"], 3),
]
NO_SUMS = {"FUZZY_TOP_10"}  # each side scores corrected words its own way
SPREAD_MAX = 1.3


def load(path):
    results = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            command, group, query, count, total, _, median, _ = line.rstrip("\n").split("\t")
            results[(command, group, query)] = (int(count), float(total), float(median))
    return results


def load_golden(path):
    """The harness's answers, as results without times."""
    results = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            group, query, count, top10, top100 = line.rstrip("\n").split("\t")
            results[("COUNT", group, query)] = (int(count), 0.0, 0.0)
            if group.startswith(("fuzzy", "prefix")):
                continue
            results[("TOP_10", group, query)] = (0, int(top10) / 1e3, 0.0)
            results[("TOP_100", group, query)] = (0, int(top100) / 1e3, 0.0)
            results[("TOP_10_COUNT", group, query)] = (int(count), int(top10) / 1e3, 0.0)
    return results


def differences(base, other, sums):
    for key in base.keys() & other.keys():
        count, total, _ = base[key]
        our_count, our_total, _ = other[key]
        if count != our_count:
            yield f"{key}: count {our_count}, expected {count}"
        if sums and key[0] not in NO_SUMS and abs(total - our_total) > 1e-3 * max(1.0, total):
            yield f"{key}: sum {our_total}, expected {total}"


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def cell(values):
    mean = sum(values) / len(values)
    return f"{percentile(values, .5):.0f} / {percentile(values, .99):.0f} / {mean:.0f}"


def print_classes(base, other, names):
    print(f"| command | class | n | {names[0]} p50 / p99 / mean us | {names[1]} p50 / p99 / mean us"
          " | ratio of means | geometric mean |")
    print("|---|---|---|---|---|---|---|")
    for command in dict.fromkeys(key[0] for key in base):
        for group in ORDER:
            keys = [k for k in base if k[:2] == (command, group) and k in other]
            if not keys:
                continue
            theirs = [base[k][2] for k in keys]
            ours = [other[k][2] for k in keys]
            logs = [math.log(max(a, .2) / max(b, .2)) for a, b in zip(theirs, ours)]
            print(f"| {command} | {group} | {len(keys)} | {cell(theirs)} | {cell(ours)} | "
                  f"{sum(theirs) / sum(ours):.2f}x | {math.exp(sum(logs) / len(logs)):.2f}x |")


def total_of(results, keys):
    return sum(results[k][2] for k in keys)


def print_targets(base, other):
    print("\n| what | target | measured | |\n|---|---|---|---|")
    for what, command, groups, target in TARGETS:
        keys = [k for k in base if k[0] == command and k[1] in groups and k in other]
        if keys:
            ratio = total_of(base, keys) / total_of(other, keys)
            verdict = "met" if ratio >= target else "MISSED"
            print(f"| {what} | >= {target}x | {ratio:.1f}x | {verdict} |")


def print_spread(base, other):
    print("\n| command | target | measured | |\n|---|---|---|---|")
    for command in dict.fromkeys(key[0] for key in base):
        keys = [k for k in base if k[0] == command and k in other]
        if keys:
            ratio = total_of(other, keys) / total_of(base, keys)
            verdict = "met" if ratio <= SPREAD_MAX else "MISSED"
            print(f"| {command} | <= {SPREAD_MAX}x | {ratio:.2f}x | {verdict} |")


def main():
    mode = sys.argv[1] if sys.argv[1].startswith("--") else ""
    first, second = sys.argv[-2:]
    base = load_golden(first) if mode == "--golden" else load(first)
    other = load(second)
    if mode == "--spread":
        print_classes(base, other, ["one segment", "spread"])
        print_spread(base, other)
    elif mode == "":
        print_classes(base, other, ["Lucene", "kumosearch"])
        print_targets(base, other)
    bad = list(differences(base, other, sums=mode != "--spread"))
    shared = len(base.keys() & other.keys())
    print(f"\n{shared} answers compared, {len(bad)} differ")
    print(*bad[:20], sep="\n")
    return 1 if bad or shared == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
