#!/bin/sh
# A linker for `cargo rustc -- -Clinker=THIS`: puts dcc_cancel.map in the place of the list of exported
# functions that rustc makes. Linkers take no second list beside one without a version.
#
#   DCC_CANCEL_LINKER     the linker that is called then; cc if not set
#   DCC_CANCEL_LINKER_IN  the name of a variable that has another, if that is set: cargo's for a platform
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
