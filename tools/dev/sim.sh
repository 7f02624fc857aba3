# Sourced by ./dev: sim.
# shellcheck shell=bash

sim_names="consensus replication"

sim_help() {
    cat <<'TEXT'
./dev sim [NAME] [FIRST COUNT]   run seeds FIRST.. (default 1, 2000 of them) of one simulator, or of all
./dev sim [NAME] --mutations     disable each rule alone and print how soon the checks notice
./dev sim [NAME] --nightly       100,000 seeds
Simulators: consensus (Raft's core), replication (shard copies, leases, the coordinator)
TEXT
}

task_sim() {
    local names=$sim_names first=1 count=2000
    if [[ " $sim_names " == *" ${1:-} "* ]]; then
        names=$1
        shift
    fi
    case ${1:-} in
        help | --help) sim_help && return ;;
        --nightly) count=100000 ;;
        --mutations) first=--mutants ;;
        *) first=${1:-1} count=${2:-2000} ;;
    esac
    [[ $first == --mutants || "$first $count" =~ ^[0-9]+\ [0-9]+$ ]] ||
        die "no simulator or seeds '$first $count'; ./dev sim help"
    task_build release
    local name
    for name in $names; do
        if [[ $first == --mutants ]]; then
            "build/release/bin/${name}_sim" --mutants
        else
            "build/release/bin/${name}_sim" "$first" "$count"
        fi
    done
}
