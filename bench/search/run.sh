#!/bin/sh
# The search benchmark: kumosearch and Lucene on the same tokens and queries, in one run.
#
#   bench/search/run.sh [--sets glibc] [--runs 7] [--warm 15] [--dir build/bench-search] [--spread]
#                       [--harness DIR]
#
# --sets      which Debian source packages: glibc (70 k documents, 20 MB to download; the default),
#             gcc, binutils, linux, or several with commas (all four: 1.6 M documents)
# --warm      seconds of CPU time that Lucene warms up before each command
# --spread    also ask kumosearch with 8 segments, 5 % of them deleted, while another thread writes
# --harness   directory with debsrc.queries.jsonl and debsrc.golden.tsv: ask those queries, and check
#             the answers against those (they are of all four sets)
# Fails if a count or a sum of scores differs. Needs the packages liblucene8-java and a JDK.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
sets=glibc runs=7 warm=15 dir=$root/build/bench-search spread= harness=
while [ $# -gt 0 ]; do
    case $1 in
        --sets) sets=$2; shift 2 ;;
        --runs) runs=$2; shift 2 ;;
        --warm) warm=$2; shift 2 ;;
        --dir) dir=$2; shift 2 ;;
        --spread) spread=1; shift ;;
        --harness) harness=$2; shift 2 ;;
        *) sed -n '2,/^set -eu/p' "$0" | sed 's/^# \{0,1\}//;$d'; exit 2 ;;
    esac
done

jars=/usr/share/java/lucene-core-8.7.0.jar:/usr/share/java/lucene-analyzers-common-8.7.0.jar
for jar in $(echo "$jars" | tr : ' '); do
    [ -e "$jar" ] || { echo "run.sh: $jar is missing: apt-get install liblucene8-java default-jdk-headless" >&2; exit 1; }
done

cd "$root"
[ -e build/release/build.ninja ] || cmake --preset release
cmake --build --preset release --target search_bench index_bench sample_queries

data=$dir/$sets
mkdir -p "$data/debs"
corpus=$data/corpus.tsv
if [ ! -e "$corpus" ]; then
    for set in $(echo "$sets" | tr , ' '); do
        case $set in
            gcc) package=gcc-12-source ;;
            binutils) package=binutils-source ;;
            glibc) package=glibc-source ;;
            linux) package=linux-source-6.1 ;;
            *) echo "run.sh: no set $set" >&2; exit 2 ;;
        esac
        ls "$data/debs/${package}"_*.deb >/dev/null 2>&1 || (cd "$data/debs" && apt-get download -qq "$package")
    done
    python3 "$here/corpus.py" --debs "$data/debs" --sets "$sets" --out "$corpus"
fi
queries=$data/queries.tsv
if [ -n "$harness" ]; then
    queries=$data/harness-queries.tsv
    python3 - "$harness/debsrc.queries.jsonl" >"$queries" <<'PY'
import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    query, (group, *others) = (json.loads(line)[key] for key in ("query", "tags"))
    group = others[0] if group == "term" or group.startswith("band") else group
    if not group.startswith("prefix"):
        print(group, query, sep="\t")
PY
elif [ ! -e "$queries" ]; then
    build/release/bin/sample_queries "$corpus" >"$data/queries.tmp"
    mv "$data/queries.tmp" "$queries"
fi

javac -cp "$jars" -d "$data/classes" "$here/LuceneBench.java"
java="java -Xmx4g -XX:+UseSerialGC -cp $jars:$data/classes LuceneBench"
[ -e "$data/lucene.txt" ] || {
    $java build "$corpus" "$data/lucene" >"$data/lucene.tmp"
    mv "$data/lucene.tmp" "$data/lucene.txt"
}
cat "$data/lucene.txt"
build/release/bin/search_bench "$corpus" "$queries" 0
build/release/bin/index_bench "$corpus" "$queries" "$runs" "$data/kumosearch.tsv" | tee "$data/kumosearch.txt"
awk 'match($0, /[0-9.]+ CPU-s/) { s[++n] = substr($0, RSTART, RLENGTH) + 0; nextfile }
    END { printf "indexing with columns and stored fields: %.1fx (target >= 2x)\n", s[1] / s[2] }' \
    "$data/lucene.txt" "$data/kumosearch.txt"
$java query "$data/lucene" "$queries" "$runs" "$warm" "$data/lucene.tsv"
status=0
python3 "$here/compare.py" "$data/lucene.tsv" "$data/kumosearch.tsv" || status=1
if [ -n "$harness" ]; then
    python3 "$here/compare.py" --golden "$harness/debsrc.golden.tsv" "$data/kumosearch.tsv" || status=1
fi
if [ -n "$spread" ]; then
    build/release/bin/index_bench "$corpus" "$queries" "$runs" "$data/spread.tsv" --spread
    python3 "$here/compare.py" --spread "$data/kumosearch.tsv" "$data/spread.tsv" || status=1
fi
exit $status
