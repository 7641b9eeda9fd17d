"""[register] with a hub: which parts it serves, and where it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kioskd.config.model import Config, HubAccess, Register

Read = Callable[[str], Config]
HUB = "[register.hub]\nurl = 'https://hub.example.invalid/'\ntoken = 'credential:hub-token'\n"


def test_kind_hub_stands_for_its_parts(read: Read, good: str) -> None:
    found = read(f"{good}\n[register]\nkind = 'hub'\n{HUB}").register
    access = HubAccess("https://hub.example.invalid", "credential:hub-token")
    assert found == Register("hub", credentials="hub", events="hub", hours="hub", hub=access)
    assert found.uses_hub


def test_a_part_that_is_named_counts(read: Read, good: str) -> None:
    found = read(f"{good}\n[register]\nkind = 'hub'\nhours = 'none'\n{HUB}").register
    assert (found.credentials, found.events, found.hours) == ("hub", "hub", "none")
    only_events = read(f"{good}\n[register]\nevents = 'hub'\n{HUB}").register
    assert (only_events.credentials, only_events.events) == ("file", "hub")
    assert only_events.uses_hub


def test_files_need_no_hub(read: Read, good: str) -> None:
    assert not read(good).register.uses_hub


def test_what_a_municipal_network_asks_for(read: Read, good: str) -> None:
    more = "ca_file = '/etc/ssl/own.pem'\npull_seconds = 60\n"
    more += "proxy = 'http://proxy.example.invalid:3128/'\n"
    access = read(f"{good}\n[register]\nkind = 'hub'\n{HUB}{more}").register.hub
    assert access is not None
    assert access.ca_file == Path("/etc/ssl/own.pem")
    assert access.proxy == "http://proxy.example.invalid:3128"
    assert access.pull_seconds == 60


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_plain_http_is_for_this_machine(read: Read, good: str, host: str) -> None:
    text = f"{good}\n[register]\nkind = 'hub'\n{HUB}".replace(
        "https://hub.example.invalid/", f"http://{host}"
    )
    access = read(text).register.hub
    assert access is not None
    assert access.url == f"http://{host}"
