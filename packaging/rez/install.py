"""Copies the folder of an archive to where Rez wants it: install.py FROM TO [install]."""

import shutil
import sys


def main(source, target, *words):
    # Without the word Rez only wants to build, and nothing is to be built.
    if "install" in words or "1" in words:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


main(*sys.argv[1:])
