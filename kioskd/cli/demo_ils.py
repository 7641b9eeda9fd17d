"""The demo's library system beside its site: a process of its own, on a port of the loopback.

It is PyPI pysip2, which only the extra `demo` installs; without it the demo goes on without a
library system. Deliberately not here: what it lends to whom (sync.demo_ils), and what the demo
asks it (kioskd.cli.demo_moves_ils).
"""

import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from kioskd.cli.demo_child import Child
from kioskd.cli.demo_config import BRANCH
from sync.demo_ils.people import USER

HOST: Final = "127.0.0.1"
MISSING: Final = "the library system of the demo needs pysip2: pip install 'kioskd-omatoimi[demo]'"
_PROGRAM: Final = (sys.executable, "-P", "-m", "sync.demo_ils.main", "--encoding", "utf-8")
_PATIENCE_SECONDS: Final = 10.0  # it takes about half of one
_LOOK_SECONDS: Final = 0.005
_PASSWORD_BYTES: Final = 12
_OWNER_ALONE: Final = 0o600
_TABLE: Final = """\
[register.sip2]
host = "{host}"
port = {port}
tls = false
dialect = "koha"
user = "{user}"
secret = "file:{secret}"
institution = "{branch}"
"""


class DemoIls(Child):
    """The process. port: where it listens, 0 until it does. password: of USER, this demo's own."""

    def __init__(self, directory: Path) -> None:
        self.host = HOST
        self.port = 0
        self.password = secrets.token_urlsafe(_PASSWORD_BYTES)
        self._secret = directory / "ils.secret"
        self._secret.touch(_OWNER_ALONE)
        self._secret.write_text(self.password + "\n", encoding="utf-8")
        super().__init__((*_PROGRAM, "--secret", str(self._secret)), directory / "ils.log")

    def await_ready(self, check: Callable[[], object]) -> None:
        """Wait until it listens, or has ended. check: called meanwhile; what it raises ends it."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not self.port and self.running and time.monotonic() < end:
            check()
            time.sleep(_LOOK_SECONDS)
            self.listen()
            self.port = next((e["port"] for e in self.events if e["event"] == "ready"), 0)

    @property
    def table(self) -> str:
        """The table [register.sip2] of a device that asks it; empty where it does not listen."""
        if not self.port:
            return ""
        account = {"user": USER, "secret": self._secret}
        return _TABLE.format(host=HOST, port=self.port, branch=BRANCH, **account)


def ils_beside(closing: ExitStack, directory: Path, check: Callable[[], object]) -> DemoIls | None:
    """The library system of a demo's directory, started; None without pysip2."""
    if find_spec("pysip2") is None:
        return None
    ils = DemoIls(directory)
    closing.callback(ils.close)
    ils.start()
    ils.await_ready(check)
    return ils
