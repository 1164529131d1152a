"""The control endpoint, opened from Python and asked by another process."""

import json
import os
import subprocess
import sys
import unittest

import dcc_cancel
from helpers import LONG, run_python

ASK = """
import json, socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(float(sys.argv[3]))
client.connect(sys.argv[1])
client.sendall(sys.argv[2].encode() + b"\\n")
print(client.makefile().readline())
"""


def address():
    folders = ["/run/user/%d/dcc-cancel", "/tmp/dcc-cancel-%d"]
    files = [os.path.join(folder % os.geteuid(), "%d.sock" % os.getpid()) for folder in folders]
    return next((file for file in files if os.path.exists(file)), None)


def asked(**line):
    """What another process is answered."""
    command = [sys.executable, "-c", ASK, address(), json.dumps(line), str(LONG)]
    return json.loads(subprocess.check_output(command))


class Listing(unittest.TestCase):
    def test_each_live_job_comes_once_however_long_its_texts_are(self):
        jobs = [dcc_cancel.Job("Bake %d" % number) for number in range(200)]
        jobs += [dcc_cancel.Job(end * 4000) for end in "\x01\x02"]
        jobs[0].begin()
        jobs[1].cancel("enough")
        found = {}
        for one in dcc_cancel.live_jobs():
            self.assertNotIn(one["id"], found)
            found[one["id"]] = one
        for job in jobs:
            self.assertEqual(found[job.id]["label"], job.label)
        self.assertEqual(found[jobs[0].id]["state"], "running")
        self.assertEqual(found[jobs[1].id]["cancelled"]["reason"], "enough")


class Control(unittest.TestCase):
    def setUp(self):
        dcc_cancel.open_control("Pipeline ä")
        self.addCleanup(dcc_cancel.close_control)

    def test_the_address(self):
        self.assertEqual(dcc_cancel.control_address(), address())
        dcc_cancel.close_control()
        self.assertIsNone(dcc_cancel.control_address())

    def test_jobs_are_listed_and_cancelled(self):
        job = dcc_cancel.Job("Bake")
        job.begin()
        answer = asked(do="list")
        self.assertEqual(answer["host"]["name"], "Pipeline ä")
        self.assertEqual(answer["host"]["process"], os.getpid())
        self.assertIn((job.id, "Bake"), [(one["id"], one["label"]) for one in answer["jobs"]])
        answer = asked(do="cancel", job=job.id, reason="enough")
        self.assertEqual(answer["changed"][0]["outcome"], "asked")
        self.assertTrue(job.cancelled)
        self.assertEqual(job.token.reason, "enough")

    def test_it_closes(self):
        dcc_cancel.open_control("once more is fine")
        self.assertEqual(asked(do="list")["host"]["name"], "Pipeline ä")
        dcc_cancel.close_control()
        self.assertIsNone(address())
        dcc_cancel.close_control()

    def test_a_name_has_to_be_a_text(self):
        with self.assertRaises(TypeError):
            dcc_cancel.open_control(7)


class Exit(unittest.TestCase):
    def test_the_end_of_the_interpreter_closes_it(self):
        program = "import dcc_cancel, os; dcc_cancel.open_control(); print(os.getpid())"
        status, printed, complaint = run_python(program)
        self.assertEqual((status, complaint), (0, ""))
        process = int(printed)
        for folder in ("/run/user/%d/dcc-cancel", "/tmp/dcc-cancel-%d"):
            file = os.path.join(folder % os.geteuid(), "%d.sock" % process)
            self.assertFalse(os.path.exists(file), file)

    def test_a_forked_child_ends_in_silence(self):
        program = (
            "import dcc_cancel, os, sys, warnings\n"
            # Later versions of Python warn of forks of a process with several threads.
            "warnings.simplefilter('ignore', DeprecationWarning)\n"
            "dcc_cancel.open_control()\n"
            "child = os.fork()\n"
            "if child: sys.exit(os.waitpid(child, 0)[1])\n"
        )
        self.assertEqual(run_python(program), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
