#!/usr/bin/env python3
"""Compares two result files of the search benchmark and prints the ratio table.

    compare.py lucene.tsv kumosearch.tsv

Lines: command, class, query, count, score sum, then least, median and largest microseconds of CPU.
Fails if a count differs, or a sum of scores by more than 1e-3 of it.
"""
import math
import sys

ORDER = ["term_high", "term_med", "term_low", "intersection", "union", "phrase", "and_high_high",
         "and_high_med", "and_high_low", "or_high_high", "or_high_med", "or_high_low", "or_5",
         "fuzzy1", "fuzzy2"]


def load(path):
    results = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            command, group, query, count, total, _, median, _ = line.rstrip("\n").split("\t")
            results[(command, group, query)] = (int(count), float(total), float(median))
    return results


def differences(base, other):
    for key in base.keys() & other.keys():
        count, total, _ = base[key]
        our_count, our_total, _ = other[key]
        if count != our_count:
            yield f"{key}: count {our_count}, Lucene {count}"
        if abs(total - our_total) > 1e-3 * max(1.0, total):
            yield f"{key}: score sum {our_total}, Lucene {total}"


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def cell(values):
    mean = sum(values) / len(values)
    return f"{percentile(values, .5):.0f} / {percentile(values, .99):.0f} / {mean:.0f}"


def main():
    base, other = load(sys.argv[1]), load(sys.argv[2])
    print("| command | class | n | Lucene p50 / p99 / mean us | kumosearch p50 / p99 / mean us"
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
                  f"{sum(theirs) / sum(ours):.1f}x | {math.exp(sum(logs) / len(logs)):.1f}x |")
    bad = list(differences(base, other))
    shared = len(base.keys() & other.keys())
    print(f"\n{shared} answers compared, {len(bad)} differ")
    print(*bad[:20], sep="\n")
    return 1 if bad or shared == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
