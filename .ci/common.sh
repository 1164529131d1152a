# Shared by the steps.
# shellcheck shell=bash
set -euo pipefail

host=x86_64-unknown-linux-gnu

# check NAME COMMAND...: one counted check; the step goes on and fails at its end.
check() {
    local name=$1
    shift
    if "$@"; then
        echo "CHECK passed: $name"
    else
        echo "CHECK failed: $name"
        trap 'exit 1' EXIT
    fi
}

skip() {
    echo "SKIPPED $1: $2"
}

# reports TEXT COMMAND...: whether the command fails and says TEXT.
reports() {
    local text=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    if [ "$status" = 0 ] || ! grep -q -- "$text" <<<"$output"; then
        echo "$* ended with $status and did not say $text:"
        echo "$output"
        return 1
    fi
}

# test_arguments NAME...: the arguments of cargo test for those of the tests that there are.
test_arguments() {
    local name
    for name in "$@"; do
        if [ -e "tests/$name.rs" ]; then
            echo "--test=$name"
        else
            skip "tests/$name.rs" "there is none" >&2
        fi
    done
}

# Debian's own cargo and compiler, for which Debian has the sources of the standard library.
web_cargo() {
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc \
        /usr/bin/cargo "$@"
}
build_std=-Zbuild-std=std,panic_abort,panic_unwind
