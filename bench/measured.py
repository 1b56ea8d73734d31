"""Runs a command and writes what it took to a file, as JSON. It is a process of its own because the system counts the memory
of whoever starts a command as the command's: this one is small.

    python3 -I -S bench/measured.py FILE COMMAND...
"""

import json
import os
import sys
import time

place, command = sys.argv[1], sys.argv[2:]
began = time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - began
with open(place, "w") as file:
    # Linux counts memory in KiB.
    json.dump({"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss / 1024}, file)
sys.exit(os.waitstatus_to_exitcode(status) != 0)
