"""Runs ministack for as long as standard input is open.

The test process holds the other end of that pipe, so however it ends, killed or not, its server ends with it and
leaves nothing behind. Where ministack listens is told by its own environment variables.
"""

import os
import shutil
import sys
import tempfile
import threading

temporary = tempfile.mkdtemp(prefix="ministack-")
tempfile.tempdir = temporary


def end_with_parent():
    sys.stdin.buffer.read()
    shutil.rmtree(temporary, ignore_errors=True)
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()

from ministack.app import main  # noqa: E402 - the watch begins before anything that could take long

sys.argv = ["ministack"]
main()
