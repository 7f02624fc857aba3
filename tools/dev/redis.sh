# Sourced by ./dev: redis-suite.
# shellcheck shell=bash

task_redis-suite() {
    install redis
    case " $* " in *" --peer "*) install peer ;; esac
    tests/conformance/redis/run.sh "$@"
}
