"""A hub's configuration in a directory, and the real command beside it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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

    def run(
        self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """The command with this configuration; what it printed, as text."""
        done = subprocess.run(
            [*KIOSKD_HUB, *arguments, "--config", str(self.config)],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=PATIENCE_SECONDS,
            env={**os.environ, **(environ or {})},
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def well(self, *arguments: str, stdin: bytes = b"") -> str:
        """The same; its standard output, once it is done without a fault."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout
