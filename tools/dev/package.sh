# Sourced by ./dev: package.
# shellcheck shell=bash

# Debian packages of the server and the command line, and of their debug symbols. Then what is in
# them is unpacked into a scratch root and used, unless --no-check says not to.
task_package() {
    install build package
    build release kumosearch-server kumosearch-cli
    # The manual pages and completions come out of the programs.
    build release kumosearch-server_page kumosearch-cli_page kumosearch-cli_bash kumosearch-cli_zsh \
        kumosearch-cli_fish
    rm -rf build/release/packages
    local log root deb
    log=$(mktemp)
    (cd build/release && cpack) >"$log" 2>&1 || {
        cat "$log" >&2
        die "cpack failed"
    }
    rm -rf "$log" build/release/packages/_CPack_Packages
    for deb in build/release/packages/*.ddeb; do
        [ ! -e "$deb" ] || mv "$deb" "${deb%.ddeb}.deb"
    done
    ls -l build/release/packages
    [ "${1:-}" != --no-check ] || return 0
    root=$(mktemp -d)
    for deb in build/release/packages/*.deb; do
        dpkg-deb --extract "$deb" "$root"
    done
    packaging/check_root.sh "$root" || {
        rm -rf "$root"
        die "the packages do not work"
    }
    rm -rf "$root"
}
