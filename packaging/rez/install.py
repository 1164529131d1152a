"""Copies the folder of an archive to the folder of the Rez package: install.py FROM TO [install]."""

import shutil
import sys


def main(source, target, *words):
    # Without the word "install" Rez asks for a build only, and nothing has to be built.
    if "install" in words or "1" in words:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


main(*sys.argv[1:])
