"""What a heartbeat says and brings."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from drivers.fakes import FakeClock
from kioskd.errors import KioskError, RegisterError, StoreError
from sync.heart import RETRY_SECONDS, Heart
from sync.hub_wire import Command
from sync.line_report import Part
from sync.signed_config import KnownConfig
from tests.hub_line.parts import NOON, FakeDevice, FakeHub, down
from tests.hub_line.signing import Signer

DROP, SYNC = Command("c-1", "drop-cache"), Command("c-2", "sync-now")
SIGNER = Signer()


class Setting:
    """A heart with what it stands between."""

    def __init__(self, known: KnownConfig | None = None) -> None:
        self.hub, self.clock = FakeHub(), FakeClock(wall=NOON)
        self.device = FakeDevice(known)
        self.failed: list[tuple[Part, str]] = []
        self.heart = Heart(
            self.hub,
            self.device,
            self.clock,
            carry_out=self.device.carry_out,
            failed=self._failed,
        )

    def _failed(self, part: Part, error: KioskError) -> None:
        self.failed.append((part, str(error)))

    def answers(self, *commands: Command, version: int = 0, want: bool = False) -> None:
        self.hub.answer = replace(
            self.hub.answer, commands=list(commands), config_version=version, want_config=want
        )

    def told_done(self) -> list[list[str]]:
        return [beat.done for beat in self.hub.beats]


async def test_a_beat_carries_the_time_and_brings_the_skew() -> None:
    setting = Setting()
    setting.clock.wall = NOON + timedelta(days=365)
    await setting.heart.beat()
    assert setting.hub.beats[0].at == NOON + timedelta(days=365)
    assert setting.heart.skew == pytest.approx(365 * 86_400)


async def test_a_command_is_carried_out_once_and_told_as_done_once() -> None:
    setting = Setting()
    setting.answers(DROP, SYNC)
    await setting.heart.beat()
    setting.answers()
    await setting.heart.beat()
    await setting.heart.beat()
    assert setting.device.did == ["drop-cache c-1", "sync-now c-2"]
    assert setting.told_done() == [[], ["c-1", "c-2"], []]


async def test_a_done_that_got_lost_is_told_again_without_doing_it_again() -> None:
    setting = Setting()
    setting.answers(DROP)
    await setting.heart.beat()
    setting.hub.fail("heartbeat", down())
    with pytest.raises(RegisterError):
        await setting.heart.beat()
    await setting.heart.beat()  # tells it; the hub's answer still has it
    await setting.heart.beat()
    assert setting.device.did == ["drop-cache c-1"]
    assert setting.told_done() == [[], ["c-1"], ["c-1"]]


async def test_a_command_that_fails_is_not_done_and_comes_again() -> None:
    setting = Setting()
    setting.answers(DROP)
    setting.device.fault = StoreError("the disk is full")
    await setting.heart.beat()
    assert setting.failed == [(Part.COMMAND, "the disk is full")]
    setting.device.fault = None
    await setting.heart.beat()
    assert setting.device.did == ["drop-cache c-1"]
    assert setting.told_done() == [[], []]


async def test_what_is_remembered_of_commands_has_a_bound() -> None:
    setting = Setting()
    for number in range(30):
        setting.answers(*(Command(f"c-{number}-{each}", "sync-now") for each in range(100)))
        await setting.heart.beat()
    assert max(map(len, setting.told_done())) <= 200
    assert len(setting.device.did) == 30 * 50


async def test_the_file_is_sent_when_the_hub_wants_it_and_not_again() -> None:
    setting = Setting()
    setting.answers(want=True)
    await setting.heart.beat()
    setting.answers()
    await setting.heart.beat()
    await setting.heart.beat()
    assert [beat.config_text for beat in setting.hub.beats] == [None, "[site]", None]


async def test_a_newer_configuration_is_fetched_verified_and_handed_over() -> None:
    setting = Setting()
    setting.answers(version=3)
    setting.hub.signed = SIGNER.published(3)
    await setting.heart.beat()
    await setting.heart.beat()
    assert [config.version for config in setting.device.took] == [3]
    assert setting.hub.calls.count("config") == 1
    assert setting.device.knows.key == SIGNER.key


async def test_a_forged_configuration_is_told_and_tried_again_later_only() -> None:
    setting = Setting(KnownConfig("ESI", 2, Signer().key))
    setting.answers(version=3)
    setting.hub.signed = SIGNER.published(3)
    for _ in range(3):
        await setting.heart.beat()
    assert [part for part, _ in setting.failed] == [Part.CONFIG]
    assert setting.device.took == []
    await setting.clock.advance(RETRY_SECONDS)
    await setting.heart.beat()
    assert setting.hub.calls.count("config") == 2


async def test_a_hub_that_went_back_is_not_followed_and_that_is_told() -> None:
    setting = Setting(KnownConfig("ESI", 7, SIGNER.key))
    setting.answers(version=3)
    setting.hub.signed = SIGNER.published(3)
    await setting.heart.beat()
    assert setting.device.took == []
    assert "older than 7" in setting.failed[0][1]


async def test_a_hub_that_published_nothing_is_asked_nothing() -> None:
    setting = Setting()
    await setting.heart.beat()
    assert setting.hub.calls == ["heartbeat"]
