"""Compares the signature of a file for macOS, made without a certificate, with its bytes: a part each."""

import hashlib
import struct
import sys

FAT, MACH_O = 0xCAFEBABE, 0xFEEDFACF
CODE_SIGNATURE = 0x1D
SUPER_BLOB, CODE_DIRECTORY = 0xFADE0CC0, 0xFADE0C02
PROCESSORS = {0x0100000C: "arm64", 0x01000007: "x86_64"}


def signature(part):
    """The bytes of a part's signature; None if it has none."""
    magic, count = struct.unpack_from("<I", part)[0], struct.unpack_from("<I", part, 16)[0]
    assert magic == MACH_O, hex(magic)
    at = 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", part, at)
        if command == CODE_SIGNATURE:
            start, length = struct.unpack_from("<II", part, at + 8)
            return part[start : start + length]
        at += size
    return None


def check(name, part):
    signed = signature(part)
    if signed is None:
        # Those of Intel run without.
        assert name != "arm64", "no signature of arm64"
        print(name + ": not signed")
        return
    magic, _, count = struct.unpack_from(">III", signed)
    assert magic == SUPER_BLOB, hex(magic)
    checked = 0
    for number in range(count):
        start = struct.unpack_from(">II", signed, 12 + 8 * number)[1]
        if struct.unpack_from(">I", signed, start)[0] != CODE_DIRECTORY:
            continue
        fields = struct.unpack_from(">7I4B", signed, start + 8)
        hashes, pages, limit = fields[2], fields[5], fields[6]
        hash_size, kind, page = fields[7], fields[8], 1 << fields[10]
        assert (hash_size, kind) == (32, 2), "not SHA-256"
        assert pages == -(-limit // page), (pages, limit, page)
        for index in range(pages):
            stored = signed[start + hashes + 32 * index :][:32]
            found = hashlib.sha256(part[index * page : min((index + 1) * page, limit)]).digest()
            assert stored == found, "%s: page %d of %d does not fit" % (name, index, pages)
            checked += 1
    assert checked, "no page is signed"
    print("%s: %d pages fit" % (name, checked))


def main(path):
    with open(path, "rb") as file:
        whole = file.read()
    magic, count = struct.unpack_from(">II", whole)
    assert magic == FAT, hex(magic)
    for number in range(count):
        kind, _, start, size, _ = struct.unpack_from(">5I", whole, 8 + 20 * number)
        check(PROCESSORS[kind], whole[start : start + size])


main(sys.argv[1])
