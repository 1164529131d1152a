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

# Debian's own cargo and compiler, for which Debian has the sources of the standard library.
web_cargo() {
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc \
        /usr/bin/cargo "$@"
}
build_std=-Zbuild-std=std,panic_abort,panic_unwind

# The C++ programs that run by themselves; poll_loop.cpp is only looked at, refused.cpp does not compile,
# adapter_page.cpp and recipes_page.cpp need code of a page, allocations.cpp has operators of its own, and the
# ends of processes are for tests/sys/process_life.rs.
cpp_programs() {
    find tests/cpp -name '*.cpp' ! -name poll_loop.cpp ! -name process_life.cpp \
        ! -name refused.cpp ! -name '*_page.cpp' ! -name allocations.cpp | sort
}

# link_name FOLDER: programs look for the library's SONAME.
link_name() { ln -sf libdcc_cancel.so "$1/libdcc_cancel.so.2"; }

# check_rows COMMAND...: each row of the program python_semantics, which ends the command.
check_rows() {
    local rows=0 row
    while read -r row; do
        rows=$((rows + 1))
        check "python_semantics: $row" "$@" "$row"
    done < <("${@: -1}" --list)
    check "rows were found" test "$rows" -gt 20
}
