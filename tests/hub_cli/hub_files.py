"""A hub's configuration in a directory, and the command beside it."""

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from sync.hub.main import main

PATIENCE_SECONDS = 60
KIOSKD_HUB = (
    sys.executable,
    "-P",
    "-c",
    "import sys; from sync.hub.main import main; sys.exit(main())",
)
TEXT = """\
[hub]
listen = "127.0.0.1:0"
database = "{database}"
key = "file:{base}/hub.key"
cards = ['\\d{{3}}[A-Z]\\d{{6}}']
[[hub.municipalities]]
name = "esimerkkila"
feeds = ["esi"]
[[hub.municipalities]]
name = "naapurila"
feeds = ["naa"]
[[hub.branches]]
code = "ESI"
municipality = "esimerkkila"
feeds = ["esi"]
[[hub.branches]]
code = "NAA"
municipality = "naapurila"
feeds = ["naa", "esi"]
"""


@dataclass(frozen=True)
class Hub:
    """A directory with hub.toml in it."""

    base: Path
    database: str

    @property
    def config(self) -> Path:
        return self.base / "hub.toml"

    def write(self, text: str = TEXT) -> None:
        self.config.write_text(text.format(base=self.base, database=self.database))
        self.config.chmod(0o600)

    def run(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
        """The command with this configuration, in this process; what it printed, as text."""
        told = [*arguments, "--config", str(self.config)]
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        mask = os.umask(0o022)
        try:
            with _given(stdin), redirect_stdout(out), redirect_stderr(err):
                code = _ended(told)
        finally:
            os.umask(mask)
        return subprocess.CompletedProcess(told, code, _text(out), _text(err))

    def process(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
        """The same in a process of its own, through pipes."""
        done = subprocess.run(
            [*KIOSKD_HUB, *arguments, "--config", str(self.config)],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def well(self, *arguments: str, stdin: bytes = b"") -> str:
        """Standard output of the command in this process, once it is done without a fault."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def _given(data: bytes) -> Iterator[None]:
    """Standard input with this in it."""
    with tempfile.TemporaryFile() as file:  # a command asks for its descriptor
        file.write(data)
        file.seek(0)
        with io.TextIOWrapper(file, "utf-8") as stdin, mock.patch.object(sys, "stdin", stdin):
            yield


def _ended(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as ended:  # as argparse ends
        return int(ended.code or 0)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
