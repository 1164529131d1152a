"""The package declares constants, structures and functions as dcc_cancel.h does."""

import ctypes
import os
import re
import subprocess
import sys
import tempfile
import unittest

from dcc_cancel import _declarations as ours
from pycparser import c_ast, c_parser
from test_exit import WAITS_OF_THE_LIBRARY

with open(os.environ["DCC_TEST_HEADER"]) as file:
    HEADER = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)

TYPES = """
typedef int int32_t; typedef unsigned int uint32_t; typedef long int64_t;
typedef unsigned long uint64_t; typedef unsigned long size_t; typedef long ptrdiff_t;
"""

# Functions that the package does not declare, with the reason. It declares all others of the header.
WITHOUT = {
    "each object holds one reference of its own": """
        dcc_context_retain dcc_dispatcher_retain dcc_events_retain dcc_progress_retain dcc_request_retain
        dcc_session_retain""",
    "another function does the same, and more": """
        dcc_cancel_token_create dcc_cancel_token_set_deadline dcc_cancel_token_wait dcc_events_drain
        dcc_job_set_progress dcc_poll_read_current dcc_poll_read_current_at dcc_progress_add
        dcc_stats_live_jobs""",
    "a poll is a read of a word, or a check: a call that is inlined in C costs more here": """
        dcc_poll dcc_poll_at dcc_poll_current dcc_poll_current_at dcc_poll_layer_is_quiet
        dcc_poll_layer_now dcc_poll_of dcc_poll_one dcc_poll_one_at dcc_poll_slow dcc_progress_advance
        dcc_progress_advance_at dcc_progress_counter_of dcc_progress_flush dcc_progress_flush_at""",
    "slots of a thread are put back by dcc_context_unwind": """
        dcc_cancel_token_reset_current dcc_job_reset_current dcc_progress_reset_current
        dcc_context_exit""",
    "context variables carry these in Python": """
        dcc_context_ask dcc_context_bind dcc_context_caller_id dcc_context_run dcc_context_shield
        dcc_progress_current""",
    "Python runs a handler of a signal as any code": "dcc_cancel_token_cancel_async",
    "asyncio is woken by a callback": "dcc_cancel_token_native_event",
    "a callback of the token, or whoever ends the other job, calls wake": """
        dcc_job_wake_at_cancel dcc_job_wake_at_end""",
    "`with_context` and `native` carry Python objects, not pointers": "dcc_job_user_data",
    "a generator asks slice_is_over": "dcc_slice_ends_at_ns",
    "for what calls back from inside of another library, in C": """
        dcc_library_call_ask dcc_library_call_begin dcc_library_call_end""",
    "the package finds the instance by itself, and asks for its version": "dcc_instance_check",
    "the library's threads are the host's, and end with the process": "dcc_shutdown",
}

# The ctypes types of the header's simple types.
SIMPLE = {
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "ptrdiff_t": ctypes.c_ssize_t,
    "double": ctypes.c_double,
    "void": None,
}


def size(name):
    return int(re.search(r"^#define %s (\d+)$" % name, HEADER, re.MULTILINE).group(1))


def parsed():
    """The declarations of the header: typedefs and functions by name."""
    text = HEADER[HEADER.index("typedef struct dcc_cancel_token dcc_cancel_token") :]
    text = text[: text.index("#ifdef", text.index("dcc_instance_check"))]
    text = re.sub(r"^#.*$", "", text.replace('extern "C" {', ""), flags=re.MULTILINE)
    # The macro before each function is empty, unless the library is loaded at run time.
    text = text.replace("DCC_API ", "")
    # A function that is inlined is declared by its head.
    text = re.sub(r"^\{.*?^\}", ";", text, flags=re.DOTALL | re.MULTILINE)
    # The sizes of arrays.
    text = re.sub(r"\[(DCC_\w+)\]", lambda found: "[%d]" % size(found.group(1)), text)
    typedefs, functions = {}, {}
    for declaration in c_parser.CParser().parse(TYPES + text).ext:
        if isinstance(declaration, c_ast.Typedef):
            typedefs[declaration.name] = declaration.type
        elif isinstance(declaration.type, c_ast.FuncDecl):
            functions[declaration.name] = declaration.type
    return typedefs, functions


TYPEDEFS, FUNCTIONS = parsed()


def our_name(name):
    return "".join(word.title() for word in name[len("dcc_") :].split("_"))


def is_opaque(name):
    declared = TYPEDEFS[name]
    return isinstance(declared.type, c_ast.Struct) and declared.type.decls is None


def to_ctypes(declared):
    """The ctypes type that fits a C type."""
    if isinstance(declared, c_ast.TypeDecl):
        inner = declared.type
        name = inner.name if isinstance(inner, c_ast.Struct) else " ".join(inner.names)
        if name in SIMPLE:
            return SIMPLE[name]
        if hasattr(ours, our_name(name)):
            return getattr(ours, our_name(name))
        return to_ctypes(TYPEDEFS[name])
    if isinstance(declared, c_ast.ArrayDecl):
        assert declared.type.type.names == ["char"], declared
        return ctypes.c_char * int(declared.dim.value)
    assert isinstance(declared, c_ast.PtrDecl), declared
    target = declared.type
    if isinstance(target, c_ast.FuncDecl):
        return ctypes.c_void_p
    if isinstance(target, c_ast.TypeDecl):
        inner = target.type
        name = inner.name if isinstance(inner, c_ast.Struct) else " ".join(inner.names)
        if name == "char":
            return ctypes.c_char_p
        if name == "void" or (name in TYPEDEFS and is_opaque(name)):
            return ctypes.c_void_p
    return ctypes.POINTER(to_ctypes(target))


def signature(function):
    """Result and arguments of a function type of the header."""
    arguments = [to_ctypes(argument.type) for argument in (function.args.params or [])]
    return to_ctypes(function.type), [] if arguments == [None] else arguments


def callback_signature(function_type):
    return function_type._restype_, list(function_type._argtypes_)


class Declarations(unittest.TestCase):
    maxDiff = None

    def test_functions(self):
        self.assertGreater(len(ours.FUNCTIONS), 50)
        for name, declared in ours.FUNCTIONS.items():
            self.assertEqual(declared, signature(FUNCTIONS[name]), name)

    def test_every_function_of_the_header_is_declared_or_has_a_reason(self):
        without = [name for names in WITHOUT.values() for name in names.split()]
        names = set(re.findall(r"\b(dcc_\w+)\(", HEADER))
        self.assertEqual(sorted(names - set(ours.FUNCTIONS)), sorted(without))

    def test_every_function_is_used(self):
        folder = os.path.dirname(ours.__file__)
        code = ""
        for name in os.listdir(folder):
            if name.endswith(".py") and name != "_declarations.py":
                with open(os.path.join(folder, name)) as file:
                    code += file.read()
        for name in ours.FUNCTIONS:
            self.assertTrue(re.search(r"\b%s\b" % name, code), name)

    def test_what_waits_lets_a_process_exit(self):
        waits = {
            name
            for name in ours.FUNCTIONS
            for argument in FUNCTIONS[name].args.params
            if argument.name == "timeout_ns"
        }
        self.assertEqual(waits, set(WAITS_OF_THE_LIBRARY))

    def test_callbacks(self):
        found = 0
        for name, declared in TYPEDEFS.items():
            if name.endswith("_fn") and hasattr(ours, our_name(name)):
                found += 1
                expected = signature(declared.type)
                self.assertEqual(
                    callback_signature(getattr(ours, our_name(name))), expected, name
                )
        self.assertGreater(found, 5)

    def compiled(self):
        """Sizes, offsets and constants as the C compiler has them."""
        lines = []
        for name in TYPEDEFS:
            structure = getattr(ours, our_name(name), None) if name.startswith("dcc_") else None
            if structure is None or not issubclass(structure, ctypes.Structure):
                continue
            lines.append('printf("%s %%zu\\n", sizeof(%s));' % (our_name(name), name))
            for field in TYPEDEFS[name].type.decls:
                lines.append(
                    'printf("%s.%s %%zu %%zu\\n", offsetof(%s, %s), sizeof(((%s *)0)->%s));'
                    % (our_name(name), field.name, name, field.name, name, field.name)
                )
        for name in self.constants():
            lines.append('printf("%s %%lld\\n", (long long)(%s));' % (name, self.constants()[name]))
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "layout.c")
            with open(source, "w") as file:
                file.write(
                    '#include "dcc_cancel.h"\n#include <stdio.h>\nint main(void) {\n%s\n'
                    "return 0; }\n" % "\n".join(lines)
                )
            program = os.path.join(folder, "layout")
            include = os.path.dirname(os.environ["DCC_TEST_HEADER"])
            compiler = os.environ.get("CC") or "gcc"
            subprocess.check_call([compiler, "-std=c99", "-I", include, source, "-o", program])
            return subprocess.check_output([program], universal_newlines=True).splitlines()

    def constants(self):
        """Our constants, and what the header calls them."""
        names = [name for name in vars(ours) if re.match(r"(DCC|ABI)_[A-Z_]+$", name)]
        return {name: name if name.startswith("DCC_") else "DCC_" + name for name in names}

    def test_layouts_and_constants(self):
        expected = []
        structures = 0
        for name in TYPEDEFS:
            structure = getattr(ours, our_name(name), None) if name.startswith("dcc_") else None
            if structure is None or not issubclass(structure, ctypes.Structure):
                continue
            structures += 1
            expected.append("%s %d" % (our_name(name), ctypes.sizeof(structure)))
            for field, _ in structure._fields_:
                place = getattr(structure, field)
                expected.append(
                    "%s.%s %d %d" % (our_name(name), field, place.offset, place.size)
                )
        self.assertEqual(structures, self.our_structures())
        self.assertGreater(len(self.constants()), 50)
        for name in self.constants():
            value = ctypes.c_int64(getattr(ours, name)).value
            expected.append("%s %d" % (name, value))
        self.assertEqual(self.compiled(), expected)

    def our_structures(self):
        return sum(
            isinstance(thing, type) and issubclass(thing, ctypes.Structure)
            for name, thing in vars(ours).items()
            if name != "Structure"
        )

    def test_fields_have_the_headers_types(self):
        checked = 0
        for name, declared in TYPEDEFS.items():
            structure = getattr(ours, our_name(name), None) if name.startswith("dcc_") else None
            if structure is None or not issubclass(structure, ctypes.Structure):
                continue
            expected = [(field.name, to_ctypes(field.type)) for field in declared.type.decls]
            self.assertEqual(structure._fields_, expected)
            checked += 1
        self.assertEqual(checked, self.our_structures())


if __name__ == "__main__":
    sys.exit(unittest.main())
