"""What several files of this folder look at."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kioskd.cli.doctor import look_around
from kioskd.daemon.ils_talk import Patron
from kioskd.health.findings import Finding
from sync.sip2.fake_ils import Act, Answer
from tests.hub_line.certificates import Authority
from tests.sip2_cli.sip_cli_changes import Looked, found, fresh
from tests.sip2_cli.sip_cli_site import SipSite, library


@pytest.fixture
def look(tmp_path: Path) -> Looked:
    """The doctor's findings of the library system, by check."""
    bases = fresh(tmp_path)

    def run(
        answer: Answer,
        patron: Patron | None = None,
        serves: object = None,
        greeting: Sequence[Act] = (),
        **keys: str,
    ) -> dict[str, Finding]:
        with library(answer, tls=serves, greeting=greeting) as ils:
            site = SipSite(next(bases), ils.port, **keys)
            return found(look_around(site.config, patron))

    return run


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))
