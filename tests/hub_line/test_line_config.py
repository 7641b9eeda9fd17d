"""A published configuration is believed only under the known key, forwards, and within bounds."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sync.hub_faults import HubFault
from sync.hub_wire import PublishedCard, SignedConfig
from sync.signed_config import KnownConfig, open_signed
from tests.hub_line.signing import Signer

SIGNER, OTHER = Signer(), Signer()
KNOWN = KnownConfig("ESI", 2, SIGNER.key)


def refused(signed: SignedConfig, known: KnownConfig = KNOWN) -> str:
    with pytest.raises(HubFault, match="the last good one stays") as caught:
        open_signed(signed, known)
    assert not caught.value.transient
    return str(caught.value)


def test_what_the_hub_signed_is_taken() -> None:
    cards = [PublishedCard("2600000042", date(2026, 12, 1), "lost card")]
    texts = {"door.closed": {"fi": "Suljettu\nhuomenna", "sv": "St\u00e4ngt\u00a0idag"}}
    signed = SIGNER.published(deny=cards, texts=texts, help_phone="+358\u00a040 1234")
    opened = open_signed(signed, KNOWN)
    assert (opened.version, opened.deny, opened.allow) == (3, cards, None)
    assert open_signed(signed, KnownConfig("esi")) == opened  # the first key that is seen


def test_the_same_version_again_is_taken_and_an_older_one_never() -> None:
    assert open_signed(SIGNER.published(2), KNOWN).version == 2
    assert "older than 2" in refused(SIGNER.published(1))
    refused(SIGNER.sign(0, ""), KnownConfig("ESI"))


def test_another_key_is_refused_however_well_it_signs() -> None:
    assert "another key" in refused(OTHER.published())
    forged = replace(OTHER.published(), key=SIGNER.key)
    assert "signature" in refused(forged)


def test_another_version_or_branch_inside_is_refused() -> None:
    assert "another version" in refused(replace(SIGNER.published(3), version=9))
    assert "another branch" in refused(SIGNER.published(branch="TOI"))


@pytest.mark.parametrize("payload", ["", "{}", "[]", "null", "\ud800", "[" * 100_000, "x" * 2**21])
def test_a_payload_that_is_none_is_refused(payload: str) -> None:
    try:
        signed = SIGNER.sign(3, payload)
    except UnicodeEncodeError:
        signed = SignedConfig(3, payload, "", SIGNER.key)
    refused(signed)


CARD = PublishedCard("1", date(2026, 12, 1), "r")


@pytest.mark.parametrize(
    "parts",
    [
        {"help_phone": "0" * 65},
        {"help_phone": "040\x1b[2J"},
        {"texts": {"a": {"fi": "x" * 2001}}},
        {"texts": {"a": {"fi": "right\u202eleft"}}},
        {"texts": {"a": {"fi": "bell\x07"}}},
        {"texts": {"a" * 65: {"fi": "x"}}},
        {"texts": {f"t{number}": {} for number in range(501)}},
        {"allow": [CARD] * 10_001},
        {"deny": [replace(CARD, card="1" * 65)]},
        {"deny": [replace(CARD, reason="because\n")]},
    ],
)
def test_parts_beyond_their_bounds_refuse_the_whole(parts: dict[str, Any]) -> None:
    assert "longer than" in refused(SIGNER.published(**parts))


@pytest.mark.parametrize("text", ["", "A", "*" * 43, "A" * 43, "ä" * 43])
def test_a_key_or_signature_that_is_none_is_refused(text: str) -> None:
    refused(replace(SIGNER.published(), signature=text))
    refused(replace(SIGNER.published(), key=text), KnownConfig("ESI"))


@given(st.integers(0, 10_000), st.characters())
def test_any_change_to_the_payload_is_noticed(at: int, other: str) -> None:
    signed = SIGNER.published()
    at %= len(signed.payload)
    changed = signed.payload[:at] + other + signed.payload[at + 1 :]
    if changed != signed.payload:
        refused(replace(signed, payload=changed))
