"""One hub for the stories, and a new machine for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_join.hub_there import HubThere, Machine, answering


@pytest.fixture(scope="session")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubThere]:
    with answering(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    base = tmp_path / "machine"
    base.mkdir(mode=0o755)
    return Machine(base)
