"""A MariaDB of the tests' own, on a socket in a temporary directory, and a register in it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
SCRIPTS: Final = Path(__file__).parents[2] / "config" / "koha"
PROGRAMS: Final = ("mariadbd", "mariadb-install-db", "mariadb")
BLOCKS: Final = "koha_plugin_fi_kohasuomi_selfservice_borrower_ss_blocks"
_SBIN: Final = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
_READY: Final = b"ready for connections"


def missing() -> list[str]:
    """Programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=_SBIN) is None]


def _program(name: str) -> str:
    found = shutil.which(name, path=_SBIN)
    assert found is not None, name
    return found


@dataclass
class Failed(Exception):
    """The client ended with an error: what it had printed, and what it said."""

    output: str
    said: str


@dataclass(frozen=True)
class MariaDb:
    """A running server; nobody reaches it but through its socket."""

    socket: Path

    def run(
        self, sql: str, database: str = "", user: str = "root", options: Sequence[str] = ()
    ) -> str:
        """What the client prints. Failed."""
        command = [
            _program("mariadb"),
            "--no-defaults",
            f"--socket={self.socket}",
            f"--user={user}",
        ]
        done = subprocess.run(
            [*command, "--quick", "--batch", "--raw", "--skip-column-names", *options, database],
            input=sql.encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise Failed(done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()


def _account() -> str:
    """Whom a server of root's runs as: mysql, where Debian's package of the server is whole."""
    try:
        return pwd.getpwnam("mysql").pw_name
    except KeyError:
        return "nobody"


@contextmanager
def serving() -> Iterator[MariaDb]:
    """A server with an empty data directory until the end of the block."""
    as_root = os.geteuid() == 0
    # Not in pytest's own directory: the server's account may not look into that.
    home = Path(tempfile.mkdtemp(prefix="kioskd-mariadb-"))
    try:
        home.chmod(0o755)
        if as_root:
            shutil.chown(home, _account())
        as_account = [f"--user={_account()}"] if as_root else []
        common = ["--no-defaults", f"--datadir={home / 'data'}", *as_account]
        options = ["--skip-test-db", "--auth-root-authentication-method=normal"]
        subprocess.run(
            [_program("mariadb-install-db"), *common, *options], check=True, capture_output=True
        )
        with _server(home, common) as server:
            yield server
    finally:
        shutil.rmtree(home)


@contextmanager
def _server(home: Path, common: Sequence[str]) -> Iterator[MariaDb]:
    socket = home / "socket"
    options = ["--skip-networking", f"--socket={socket}", f"--pid-file={home / 'pid'}"]
    with subprocess.Popen(
        [_program("mariadbd"), *common, *options, "--innodb-flush-log-at-trx-commit=0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stderr is not None
            said = b""
            while _READY not in (line := process.stderr.readline()):
                said += line
                assert line, said.decode(errors="replace")
            yield MariaDb(socket)
        finally:
            process.terminate()
            process.communicate()


@dataclass(frozen=True)
class Register:
    """The tables of a Koha, empty at first."""

    server: MariaDb
    name: str = "koha"

    def sql(self, text: str) -> str:
        """Run this in the register's database, as root."""
        return self.server.run(text, self.name)

    def insert(self, table: str, **columns: str | int | None) -> None:
        """A row of a table."""
        values = ", ".join(map(literal, columns.values()))
        self.sql(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})")  # noqa: S608

    def select(self, column: str, table: str, user: str) -> str:
        """A column, as this account sees it. Failed."""
        return self.server.run(f"SELECT {column} FROM {table}", self.name, user)  # noqa: S608

    def patron(self, number: int, **columns: str | int | None) -> None:
        """A patron with this borrower number and card 167A and six digits."""
        row: dict[str, str | int | None] = {
            "borrowernumber": number,
            "cardnumber": f"167A{number:06}",
            "surname": "Möttönen",
            "address": "Kotikatu 7",
            "email": "a@example.invalid",
            "userid": f"tunnus{number}",
            "borrowernotes": "Muistiinpano",
            "categorycode": "HENKILÖ",
            "dateofbirth": "1980-01-01",
            **columns,
        }
        self.insert("borrowers", **row)

    def attribute(self, number: int, code: str, value: str) -> None:
        """Give a patron an attribute."""
        self.insert("borrower_attributes", borrowernumber=number, code=code, attribute=value)

    def preference(self, name: str, value: str) -> None:
        """Set a system preference."""
        self.sql(f"DELETE FROM systempreferences WHERE variable = {literal(name)}")  # noqa: S608
        self.insert("systempreferences", variable=name, value=value)

    def install_plugin(self, table: str = BLOCKS) -> None:
        """What the self-service plugin makes: its preference and its table of branch blocks."""
        self.preference("SSRules", "---")
        self.sql(
            f"CREATE TABLE {table} (borrower_ss_block_id int(12) NOT NULL AUTO_INCREMENT "
            "PRIMARY KEY, borrowernumber int(11) NOT NULL, branchcode varchar(10) NOT NULL, "
            "expirationdate datetime NOT NULL, notes text, created_by int(11) NOT NULL, "
            "created_on datetime NOT NULL DEFAULT NOW(), KEY (borrowernumber))"
        )

    def block(self, number: int, branch: str, days: int, table: str = BLOCKS) -> None:
        """Block a patron at a branch for that many days from now."""
        end = self.sql(f"SELECT NOW() + INTERVAL {days} DAY").strip()
        self.insert(
            table,
            borrowernumber=number,
            branchcode=branch,
            expirationdate=end,
            notes="Riiteli",
            created_by=99,
        )

    def export(self, kind: str = "full", user: str = "root", **settings: str) -> str:
        """What the project's script prints of it."""
        first = "".join(f"SET @{name} = {literal(value)};\n" for name, value in settings.items())
        script = (SCRIPTS / f"patrons-{kind}.sql").read_text(encoding="utf-8")
        return self.server.run(first + script, self.name, user)


def literal(value: str | int | None) -> str:
    """A value as SQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
