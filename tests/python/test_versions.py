"""The package needs Python 3.7 and nothing else."""

import ast
import os
import re
import sys
import unittest

import dcc_cancel
import vermin
from helpers import run_python

FOLDER = os.path.dirname(dcc_cancel.__file__)


def sources():
    for name in sorted(os.listdir(FOLDER)):
        if name.endswith(".py"):
            with open(os.path.join(FOLDER, name)) as file:
                yield name, file.read()


class WithoutTypes(ast.NodeTransformer):
    """Leaves out what only checkers of types see."""

    def visit_If(self, node):
        self.generic_visit(node)
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse
        return node


def without_types(tree):
    return WithoutTypes().visit(tree)


def needed(name, text):
    """The least version of Python 3 that vermin knows to run this."""
    config = vermin.Config()
    # Annotations are not evaluated here; typing.Protocol is in a `try` with a fallback for 3.7.
    config.set_eval_annotations(False)
    if name == "probes.py":
        config.add_exclusion("typing.Protocol")
        config.add_exclusion("typing.runtime_checkable")
    visitor = vermin.visit(text, config)
    return max([version for version in visitor.minimum_versions() if version][-1:] or [(0, 0)])


class Versions(unittest.TestCase):
    def test_what_is_public_is_listed_and_described(self):
        listed = dcc_cancel.__all__
        self.assertEqual(listed, sorted(set(listed)))
        for name, value in vars(dcc_cancel).items():
            if not name.startswith("_") and (callable(value) or name in ("current_job",)):
                self.assertIn(name, listed)
        for name in listed:
            value = getattr(dcc_cancel, name)
            if not callable(value) or name in ("Message", "RequestId"):
                continue
            self.assertTrue(value.__doc__, name)
            for member, what in vars(value).items() if isinstance(value, type) else ():
                if not member.startswith("_") and (callable(what) or isinstance(what, property)):
                    self.assertTrue(what.__doc__, "%s.%s" % (name, member))

    def test_it_parses_as_python_3_7(self):
        for name, text in sources():
            ast.parse(text, name, feature_version=(3, 7))

    def test_it_uses_nothing_newer_than_3_7(self):
        for name, text in sources():
            self.assertLessEqual(needed(name, text), (3, 7), name)

    def test_the_version_is_that_of_cargo_toml(self):
        with open(os.path.join(FOLDER, "..", "..", "Cargo.toml")) as file:
            declared = re.search(r'^version = "(.*)"$', file.read(), re.MULTILINE).group(1)
        self.assertEqual(dcc_cancel.__version__, declared)
        self.assertIn(declared, dcc_cancel.version())

    def test_newer_things_would_be_found(self):
        self.assertEqual(needed("x.py", "import graphlib\n"), (3, 9))
        self.assertEqual(needed("x.py", "def f(a, /): pass\n"), (3, 8))

    def test_it_imports_the_standard_library_and_itself_only(self):
        allowed = {
            "__future__", "asyncio", "atexit", "collections", "concurrent", "contextlib", "contextvars",
            "ctypes", "functools", "importlib", "inspect", "itertools", "json", "logging", "math", "os",
            "reprlib", "struct", "sys", "threading", "time", "typing", "warnings", "weakref",
        }  # fmt: skip
        for name, text in sources():
            for node in ast.walk(without_types(ast.parse(text))):
                if isinstance(node, ast.Import):
                    for alias in node.names:
                        self.assertIn(alias.name.split(".")[0], allowed, name)
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    self.assertIn(node.module.split(".")[0], allowed, name)

    def test_importing_what_is_for_servers_imports_none(self):
        script = (
            "import sys, dcc_cancel.mcp\n"
            "print([name for name in ('anyio', 'fastmcp', 'mcp') if name in sys.modules])\n"
        )
        self.assertEqual(run_python(script), (0, "[]\n", ""))


if __name__ == "__main__":
    sys.exit(unittest.main())
