#!/bin/sh
# A package for Debian of an unpacked archive of `cargo xtask dist`, or of what CMake has installed with
# -DCMAKE_INSTALL_LIBDIR=lib:
#
#     packaging/debian/build.sh PREFIX ARCHITECTURE FOLDER
#
# writes FOLDER/dcc-cancel_VERSION_ARCHITECTURE.deb. DEBEMAIL is who answers for it. With SOURCE_DATE_EPOCH
# the same files give the same bytes.
set -eu
umask 022
[ $# = 3 ] || { echo "usage: $0 PREFIX ARCHITECTURE FOLDER" >&2; exit 2; }
prefix=$1 architecture=$2 folder=$3

version_file=$prefix/lib/cmake/dcc_cancel/dcc_cancel-config-version.cmake
[ -f "$version_file" ] || { echo "$prefix is no unpacked archive: it has no $version_file" >&2; exit 1; }
version=$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")$/\1/p' "$version_file")
glibc=$(grep -aohE 'GLIBC_2(\.[0-9]+)+' "$prefix/lib/libdcc_cancel.so" "$prefix/bin/dcc-control" |
    sed 's/^GLIBC_//' | sort -Vu | tail -n 1)

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
chmod 755 "$stage"
mkdir "$stage/DEBIAN" "$stage/usr"
cp -rP "$prefix/." "$stage/usr"
chmod -R u=rwX,go=rX "$stage/usr"
documents=$stage/usr/share/doc/dcc-cancel
mkdir -p "$documents"
{
    printf 'MIT OR Apache-2.0. Both texts, and the licences of what is linked in, are in\n'
    printf '/usr/share/licenses/dcc_cancel. The first of them:\n\n'
    cat "$prefix/share/licenses/dcc_cancel/LICENSE-MIT"
} >"$documents/copyright"

cat >"$stage/DEBIAN/control" <<END
Package: dcc-cancel
Version: $version
Architecture: $architecture
Maintainer: ${DEBEMAIL:-whoever built this package <root@localhost>}
Installed-Size: $(du -sk --apparent-size "$stage/usr" | cut -f1)
Depends: libc6 (>= $glibc)
Section: libs
Priority: optional
Description: cooperative cancellation for native DCC plugins
 Tokens, jobs and cheap polls behind a C ABI: the library, its headers for C and C++, packages for CMake and
 pkg-config, a Python package, and dcc-control, which shows and stops what is going on in a host.
END
echo "activate-noawait ldconfig" >"$stage/DEBIAN/triggers"
dpkg-deb --root-owner-group --build "$stage" "$folder/dcc-cancel_${version}_$architecture.deb"
