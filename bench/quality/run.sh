#!/usr/bin/env bash
# How good what is found is, in process: nDCG@10 of ranking by BM25 on judged collections beside
# that of the text-book's formula; titles with typos that are found first; pieces of Chinese lines.
# ./dev bench quality DIRECTORY (or KUMOSEARCH_QUALITY_DATA), with any of these (.zst or not):
#   */qrels.tsv with corpus.jsonl and queries.jsonl beside it; books.jsonl, movies.jsonl (title),
#   tang_poems.jsonl (title, paragraphs). What is not there is skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

data=${1:-${KUMOSEARCH_QUALITY_DATA:-}}
if [ -z "$data" ] || [ ! -d "$data" ]; then
    echo "bench quality: skipped: no directory of collections; give one, or set KUMOSEARCH_QUALITY_DATA"
    exit 0
fi
cmake --build --preset release --target quality_bench >/dev/null
bench=build/release/bin/quality_bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Puts NAME.jsonl of directory $1 into $2; false if it is not there.
unpack() {
    if [ -e "$1/$3.jsonl.zst" ]; then
        zstd -qdf "$1/$3.jsonl.zst" -o "$2/$3.jsonl"
    elif [ -e "$1/$3.jsonl" ]; then
        cp "$1/$3.jsonl" "$2/$3.jsonl"
    else
        return 1
    fi
}

for qrels in "$data"/*/qrels.tsv; do
    [ -e "$qrels" ] || { echo "judged collections: skipped: none in $data"; continue; }
    from=$(dirname "$qrels")
    if unpack "$from" "$work" corpus && unpack "$from" "$work" queries; then
        "$bench" judged "$(basename "$from")" "$work/corpus.jsonl" "$work/queries.jsonl" "$qrels"
    else
        echo "$(basename "$from"): skipped: no corpus.jsonl or no queries.jsonl"
    fi
done
for name in books movies; do
    if unpack "$data" "$work" "$name"; then
        "$bench" titles "$name" "$work/$name.jsonl"
    else
        echo "$name: skipped: not in $data"
    fi
done
if unpack "$data" "$work" tang_poems; then
    "$bench" pieces tang_poems "$work/tang_poems.jsonl"
else
    echo "tang_poems: skipped: not in $data"
fi
