"""A register in a real MariaDB, and parsers over texts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.koha.exported import Read
from tests.koha.mariadb import HERE, MariaDb, Register, missing, serving


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    if absent := missing():
        pytest.skip(f"MariaDB is not installed: {', '.join(absent)}")
    with serving() as server:
        yield server


@pytest.fixture
def register(mariadb: MariaDb) -> Iterator[Register]:
    mariadb.run((HERE / "tables.sql").read_text(encoding="utf-8"))
    found = Register(mariadb)
    found.sql(
        "INSERT INTO categories VALUES ('HENKILÖ', '', 'A'), ('LAPSI', '', 'C'), "
        "('YHTEISÖ', '', 'I'); INSERT INTO branches VALUES ('ESI', ''), ('POR', '');"
    )
    yield found
    mariadb.run("DROP DATABASE koha")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return Read(tmp_path)
