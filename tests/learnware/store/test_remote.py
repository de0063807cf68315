"""A served store asked by many threads of one process; what it answers is in test_store and tests/serve."""

from __future__ import annotations

import subprocess
import sys

THREADS = """
import sys, threading
sys.setswitchinterval(1e-6)
from starshift.learnware import package
tar = open(sys.argv[1], "rb").read()
start, ids = threading.Barrier(16), []
def load():
    start.wait()
    ids.append(package.load(tar).id)
threads = [threading.Thread(target=load) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(ids), len(set(ids)))
"""


def test_threads_that_load_the_first_learnware_together_live(tmp_path):
    """msgspec 0.22 crashes the process where threads decode a recursive type for the first time at once."""
    from learnware.small import small
    from starshift.learnware import package

    (tmp_path / "cats.tar").write_bytes(package.pack(small()))
    command = [sys.executable, "-c", THREADS, str(tmp_path / "cats.tar")]
    done = [subprocess.run(command, capture_output=True, text=True, timeout=120) for _ in range(2)]
    assert [(one.returncode, one.stdout) for one in done] == [(0, "16 1\n")] * 2, done[0].stderr
