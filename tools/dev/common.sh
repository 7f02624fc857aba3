# Sourced by ./dev: messages, the installation of Debian packages, builds.
# shellcheck shell=bash

jobs=${DEV_JOBS:-$(nproc)}

say() { printf '%s\n' "$*"; }
die() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root; never asks for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        die "this needs root and sudo would ask; run it yourself, then try again: $*"
    fi
}

apt_quietly() {
    local log status=0
    log=$(mktemp)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 </dev/null || status=$?
    [ "$status" = 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

# Whether apt knows any package that can be downloaded.
apt_has_lists() {
    [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -print -quit 2>/dev/null)" ]
}

# packages_missing SET...: names that tools/packages.txt lists and this machine does not have.
packages_missing() {
    local set package command
    while read -r set package command; do
        case " $* " in *" $set "*) ;; *) continue ;; esac
        if [ -n "$command" ] && command -v "$command" >/dev/null 2>&1; then
            continue
        fi
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            say "$package"
    done < <(grep -v '^#' tools/packages.txt)
}

# install SET...: installs what is missing; does nothing, quickly, when nothing is. What CMake found
# before it looks for again.
install() {
    local missing
    command -v dpkg-query >/dev/null 2>&1 ||
        die "this is not Debian: install the packages of tools/packages.txt ($*) by hand"
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    rm -f build/*/build.ninja
    say "installing ${#missing[@]} packages: ${missing[*]}"
    apt_has_lists || apt_quietly update || die "apt-get update failed"
    apt_quietly install --no-install-recommends "${missing[@]}" 2>/dev/null && return 0
    apt_quietly update || die "apt-get update failed"
    apt_quietly install --no-install-recommends "${missing[@]}" ||
        die "could not install: ${missing[*]}"
}

# configure PRESET
configure() {
    [ -e "build/$1/build.ninja" ] || {
        local log
        log=$(mktemp)
        cmake --preset "$1" >"$log" 2>&1 || {
            cat "$log" >&2
            rm -f "$log"
            die "cmake --preset $1 failed"
        }
        rm -f "$log"
    }
}

# build PRESET [TARGET...]
build() {
    local preset=$1
    shift
    configure "$preset" || return 1
    cmake --build --preset "$preset" --parallel "$jobs" ${1+--target "$@"}
}
