"""The program whose types .ci/types checks uses the whole package, and works."""

import ast
import os
import subprocess
import sys
import unittest

import dcc_cancel
from helpers import LONG
from test_misuse import MADE, members

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "typed", "whole_api.py")


class Typed(unittest.TestCase):
    def test_it_works(self):
        subprocess.run([sys.executable, PROGRAM], stdout=subprocess.DEVNULL, check=True, timeout=LONG)

    def test_it_uses_every_name(self):
        with open(PROGRAM) as file:
            nodes = list(ast.walk(ast.parse(file.read())))
        used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        self.assertEqual(set(dcc_cancel.__all__) - used, set())
        for kind in MADE:
            for name, _ in members(kind):
                self.assertIn(name, used, kind.__name__)

    def test_what_checkers_are_told_goes_with_the_package(self):
        folder = os.path.dirname(dcc_cancel.__file__)
        self.assertTrue(os.path.isfile(os.path.join(folder, "py.typed")))
        self.assertTrue(os.path.isfile(os.path.join(folder, "dcc_mcp_core", "errors.pyi")))


if __name__ == "__main__":
    sys.exit(unittest.main())
