# Sourced by run.sh: Redis 7.0.15's own tests, from Debian's source package into a cache. They are
# another project's (BSD-3): nothing of them is kept in this repository.
# shellcheck shell=bash

suite_version=7.0.15
suite_sha256=4b1dc4ee6d622a09fff9c6777191209750fb5e5a725ef78ea012d6eef4c22982

# source_lists DIR: this machine's package sources, as sources of source packages, in DIR.
source_lists() {
    local file
    mkdir -p "$1/parts" "$1/lists/partial"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -e "$file" ] || continue
        grep -E '^deb .*debian\.org' "$file" | sed 's/^deb /deb-src /' >"$1/parts/${file##*/}.list" || true
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -e "$file" ] || continue
        grep -q 'debian\.org' "$file" || continue
        sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$1/parts/${file##*/}"
    done
    [ -n "$(ls -A "$1/parts")" ] || {
        echo "no Debian mirror in /etc/apt: give the unpacked suite with --suite DIR" >&2
        return 1
    }
}

# download_source DIR: leaves redis_*.orig.tar.gz in DIR. As any user: apt's own state is not touched.
download_source() (
    local -a options=(-qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$1/parts"
        -o "Dir::State::lists=$1/lists" -o "Dir::Cache=$1/cache" -o APT::Sandbox::User=
        -o Acquire::Languages=none)
    mkdir -p "$1/cache/archives/partial"
    cd "$1" && apt-get "${options[@]}" update &&
        apt-get "${options[@]}" source --download-only redis
)

# obtain_suite DIR: unpacks the suite into DIR unless it is there.
obtain_suite() {
    [ -e "$1/tests/test_helper.tcl" ] && return
    local work archive
    work=$(mktemp -d)
    echo "fetching Redis $suite_version's tests into $1" >&2
    source_lists "$work" && download_source "$work" >&2 || return 1
    archive=$work/redis_$suite_version.orig.tar.gz
    echo "$suite_sha256  $archive" | sha256sum --check --quiet || return 1
    mkdir -p "$1" && tar xzf "$archive" -C "$1" --strip-components=1 --wildcards \
        '*/tests' '*/runtest' '*/runtest-cluster' '*/COPYING' '*/src/version.h' || return 1
    rm -rf "$work"
}
