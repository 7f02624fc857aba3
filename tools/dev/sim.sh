# Sourced by ./dev: sim.
# shellcheck shell=bash

sim_names="consensus replication node keys"
sim_chunk=1000

sim_help() {
    cat <<'TEXT'
./dev sim [NAME] [FIRST COUNT]   run seeds FIRST.. (default 1, 2000 of them) of one simulator, or of all
./dev sim [NAME] --mutations     disable each rule alone and print how soon the checks notice; fails
                                 if one of them is not caught within half a minute
./dev sim [NAME] --nightly [COUNT]
                                 100,000 seeds, in parallel
Simulators: consensus (Raft's core), replication (shard copies, leases, the coordinator), node (whole
nodes: about three seeds a second), keys (clusters of keys: the same)
TEXT
}

# The table of all the rules; every row, even after one that is not caught.
sim_mutations() {
    local name result=0 begin=$SECONDS
    printf '%-11s | %-54s | %-24s | %-3s | %6s | %5s | %s\n' \
        simulator "rule disabled" mutant hit seeds s "what the checks said first"
    for name in "$@"; do
        "build/release/bin/${name}_sim" --mutants || result=1
    done
    say "$((SECONDS - begin)) s"
    ((result == 0)) || die "a rule can be broken without notice"
}

# NAME COUNT: chunks of seeds, as many at a time as there are cores.
sim_nightly() {
    local name=$1 count=$2 begin=$SECONDS failed=0 first
    for ((first = 1; first <= count; first += sim_chunk)); do
        echo "$first"
    done | xargs -P "$jobs" -I FIRST "build/release/bin/${name}_sim" FIRST "$sim_chunk" \
        >"build/sim-$name.log" || failed=1
    grep -v "^$name: $sim_chunk runs, 0 failed" "build/sim-$name.log" || true
    say "$name: $count seeds in $((SECONDS - begin)) s"
    ((failed == 0)) || die "the seeds that failed are above"
}

task_sim() {
    local names=$sim_names mode=seeds first=1 count=2000
    if [[ " $sim_names " == *" ${1:-} "* ]]; then
        names=$1
        shift
    fi
    case ${1:-} in
        help | --help) sim_help && return ;;
        --nightly) mode=nightly count=${2:-100000} ;;
        --mutations) mode=mutations ;;
        *) first=${1:-1} count=${2:-2000} ;;
    esac
    [[ "$first $count" =~ ^[0-9]+\ [0-9]+$ ]] ||
        die "no simulator or seeds '$first $count'; ./dev sim help"
    task_build release
    local name
    case $mode in
        # shellcheck disable=SC2086  # names without blanks
        mutations) sim_mutations $names ;;
        nightly) for name in $names; do sim_nightly "$name" "$count"; done ;;
        seeds) for name in $names; do "build/release/bin/${name}_sim" "$first" "$count"; done ;;
    esac
}
