# Sourced by ./dev: check.
# shellcheck shell=bash

cpp_files() {
    git ls-files --cached --others --exclude-standard -- '*.cc' '*.h' | while read -r file; do
        [ -e "$file" ] && say "$file"
    done
}

shell_files() {
    git ls-files --cached --others --exclude-standard -- dev '.ci/*' '*.sh'
}

# The files clang-tidy reads: sources that differ from `base`, and the sources beside headers
# that do.
changed_sources() {
    { git diff --name-only --diff-filter=d "$1"; git ls-files --others --exclude-standard; } |
        sed -n 's/\.h$/.cc/;/\.cc$/p' | sort -u
}

# Where the work began: the fork from main, or on main itself the commit before.
default_base() {
    local base
    base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null) ||
        base=HEAD
    if [ "$(git rev-parse "$base")" = "$(git rev-parse HEAD)" ]; then
        base=$(git rev-parse --verify --quiet HEAD~1 || git rev-parse HEAD)
    fi
    say "$base"
}

check_format() {
    cpp_files | xargs -r -P "$jobs" -n 20 clang-format-14 --dry-run -Werror
}

check_shell() {
    local file status=0
    for file in $(shell_files); do
        bash -n "$file" || status=1
    done
    return "$status"
}

check_tidy_py() {
    python3 tools/tidy.py build/release/modules.txt
}

check_headers() {
    build release headers
}

# Each module links alone with what it declares, and the fixtures show that every lock holds.
check_layers() {
    local -a targets
    mapfile -t targets < <(awk '{ print $2 "_link_test" }' build/release/modules.txt)
    build release "${targets[@]}" &&
        ctest --test-dir build/release --output-on-failure --no-tests=error \
            -R '^(link|layering)\.'
}

# check_clang_tidy BASE|--all
check_clang_tidy() {
    local wanted known
    configure clang
    ninja -C build/clang build.ninja >/dev/null  # A file newer than that folder is read too.
    known=$(python3 -c 'import json, os, sys
for unit in json.load(open("build/clang/compile_commands.json")):
    print(os.path.relpath(unit["file"]))' | grep -v '^build/' | sort -u)
    if [ "$1" = --all ]; then
        wanted=$known
    else
        wanted=$(comm -12 <(changed_sources "$1") <(say "$known"))
    fi
    # GoogleTest's macros break half of the rules; tests are read by people.
    wanted=$(grep -v '_test\.cc$' <<<"$wanted" || true)
    [ -n "$wanted" ] || return 0
    xargs -P "$jobs" -n 1 clang-tidy-14 --quiet -p build/clang <<<"$wanted" 2>/dev/null
}

# step NAME COMMAND...: prints the output of what fails, and goes on. `set -e` does not hold inside
# the command.
step() {
    local log
    log=$(mktemp)
    if ("${@:2}") >"$log" 2>&1; then
        say "check: $1: ok"
    else
        cat "$log"
        say "check: $1: FAILED"
        failed_steps+=("$1")
    fi
    rm -f "$log"
}

task_check() {
    local base
    failed_steps=()
    case ${1:-} in
        --all) base=--all ;;
        --base) base=${2:?--base needs a commit} ;;
        '') base=$(default_base) ;;
        *) die "check takes --all or --base REF" ;;
    esac
    install build check clang
    configure release
    step format check_format
    step shell check_shell
    step "layers, sizes, links" check_tidy_py
    step headers check_headers
    step "layering locks" check_layers
    step clang-tidy check_clang_tidy "$base"
    if [ ${#failed_steps[@]} -gt 0 ]; then
        say "check: failed: ${failed_steps[*]}"
        return 1
    fi
    say "check: all passed"
}
