# Sourced by ./dev: redis-suite, redis-cluster-suite.
# shellcheck shell=bash

task_redis-suite() {
    install redis
    case " $* " in *" --peer "*) install peer ;; esac
    tests/conformance/redis/run.sh "$@"
}

task_redis-cluster-suite() {
    install redis
    case " $* " in *" --peer "*) install peer ;; esac
    tests/conformance/redis/cluster.sh "$@"
}
