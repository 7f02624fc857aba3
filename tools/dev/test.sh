# Sourced by ./dev: test, asan, tsan.
# shellcheck shell=bash

# Black-box tests drive the server with real clients from npm.
install_node_modules() {
    local lock dir
    for lock in tests/*/package-lock.json; do
        dir=$(dirname "$lock")
        [ -e "$lock" ] || continue
        [ "$dir/node_modules/.package-lock.json" -nt "$lock" ] && continue
        say "npm ci in $dir"
        npm ci --silent --no-audit --no-fund --prefix "$dir" </dev/null ||
            die "npm ci failed in $dir"
        touch "$dir/node_modules/.package-lock.json"
    done
}

# run_tests PRESET [CTEST-OPTION...]: ends with "N passed, N failed".
run_tests() {
    local report=build/$1/test-report.xml status=0 total failed skipped
    rm -f "$report"
    ctest --test-dir "build/$1" --parallel "$jobs" --output-on-failure --no-tests=error \
        --output-junit test-report.xml --progress "${@:2}" || status=$?
    total=$(report_count tests "$report")
    failed=$(report_count failures "$report")
    skipped=$(report_count skipped "$report")
    say "$((total - failed - skipped)) passed, $failed failed$(
        [ "$skipped" = 0 ] || printf ', %s skipped' "$skipped"
    )"
    return "$status"
}

# A number from the head of a JUnit report; 0 if it is not there.
report_count() {
    local number
    number=$(grep -o "$1=\"[0-9]*\"" "$2" 2>/dev/null | head -n 1 | tr -dc 0-9) || true
    say "${number:-0}"
}

task_test() {
    install build test
    install_node_modules
    build release
    run_tests release "$@"
}

sanitized() {
    install build test
    build "$1"
    run_tests "$1" --exclude-regex '^(link|layering|e2e|durability|cluster)\.' "${@:2}"
}

task_asan() {
    UBSAN_OPTIONS=print_stacktrace=1 sanitized asan "$@"
}

task_tsan() {
    TSAN_OPTIONS=halt_on_error=1 sanitized tsan "$@"
}
