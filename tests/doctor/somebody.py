"""A command that runs as an account of one's choice, or becomes one."""

import subprocess
import sys
from pathlib import Path

SOMEBODY = 65533  # an account that owns nothing here
# After a look of root's own every module is in memory, wherever the interpreter is installed.
_PROGRAM = """
import contextlib, gzip, io, os, sys, zlib
import kioskd.daemon.bundling
from kioskd.cli.main import main
user, well = int(sys.argv[1]), sys.argv[2]
with contextlib.redirect_stdout(io.StringIO()):
    main(["doctor", "--json", "--config", well])
if user:
    os.setgroups([]); os.setresgid(user, user, user); os.setresuid(user, user, user)
sys.exit(main(sys.argv[3:]))
"""


def as_account(
    user: int, well: Path, config: Path, *command: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command as this account. Only root can. well: the configuration of a site of root's."""
    begin = [sys.executable, "-P", "-c", _PROGRAM, str(user), str(well)]
    line = [*begin, *command, "--config", str(config)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
