#!/bin/sh
# A linker for `cargo rustc -- -Clinker=THIS`. It replaces rustc's list of exported functions by
# dcc_cancel.map, because linkers accept no second list beside a list without versions.
#
#   DCC_CANCEL_LINKER     the linker that this script calls; cc if it is not set
#   DCC_CANCEL_LINKER_IN  the name of a variable whose value, if set, is used instead: cargo's for a platform
set -eu
map=${0%/*}/dcc_cancel.map
found=
for argument; do
    case $argument in
    -Wl,--version-script=*)
        cat "$map" >"${argument#*=}"
        found=yes
        ;;
    esac
done
if [ -z "$found" ]; then
    echo "$0: rustc has given no -Wl,--version-script=, into which $map has to be written" >&2
    exit 1
fi
if [ -n "${DCC_CANCEL_LINKER_IN-}" ]; then
    DCC_CANCEL_LINKER=$(printenv "$DCC_CANCEL_LINKER_IN" || echo "${DCC_CANCEL_LINKER-}")
fi
exec "${DCC_CANCEL_LINKER:-cc}" "$@"
