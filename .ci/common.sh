# What the steps share; each step sources this file.
set -euo pipefail

host=x86_64-unknown-linux-gnu

# check NAME COMMAND...: one counted check. After a failure the step goes on, and exits with 1 at its end.
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

# reports TEXT COMMAND...: succeeds if the command fails and its output contains TEXT.
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

# Debian's own cargo and compiler: Debian packages the sources of the standard library for this version only.
web_cargo() {
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc \
        /usr/bin/cargo "$@"
}
build_std=-Zbuild-std=std,panic_abort,panic_unwind

# The C++ programs that run without arguments. Left out are poll_loop.cpp, whose machine code is read but
# which never runs; refused.cpp, which must not compile; adapter_page.cpp and recipes_page.cpp, which need
# code of a page; allocations.cpp, which replaces operator new; and process_life.cpp, which
# tests/sys/process_life.rs runs.
cpp_programs() {
    find tests/cpp -name '*.cpp' ! -name poll_loop.cpp ! -name process_life.cpp \
        ! -name refused.cpp ! -name '*_page.cpp' ! -name allocations.cpp | sort
}

# link_name FOLDER: links the library under its SONAME, by which programs look for it.
link_name() { ln -sf libdcc_cancel.so "$1/libdcc_cancel.so.2"; }

# check_rows COMMAND...: one check for each row of the program python_semantics, the last word of the command.
check_rows() {
    local rows=0 row
    while read -r row; do
        rows=$((rows + 1))
        check "python_semantics: $row" "$@" "$row"
    done < <("${@: -1}" --list)
    check "rows were found" test "$rows" -gt 20
}
