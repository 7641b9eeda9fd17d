"""The last good strike map: what it adds to a configuration, and never a frame on a guess."""

import contextlib
import json
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.config.load import load
from kioskd.config.model import DeviceConfig, StrikeConfig
from kioskd.config.strike_map import Wired, leftover, map_of, merged, read, written
from kioskd.config.strikes import Legible
from kioskd.daemon import strike_map
from kioskd.daemon.strike_map import (
    DEFAULT_STORAGE,
    NAME,
    LastGood,
    keep,
    kept,
    last_good,
    storage_of,
)
from kioskd.errors import StoreError

SECURE, SAFE = "fail-secure", "fail-safe"
CONFIG = """\
[site]
name = "Somewhere"
branch = "ESI"
[storage]
directory = "{base}/storage"
retention_days = 14
[secrets]
device_key = "file:{base}/device.key"
[cards]
patron = ['26\\d{{8}}']
[devices.scanner]
driver = "serial-scanner"
port = "socket://127.0.0.1:4000"
[devices.keypad]
driver = "serial-keypad"
port = "socket://127.0.0.1:4002"
[devices.relay]
driver = "lcus-relay"
port = "{base}/relay"
[doors.front]
reader = "scanner"
keypad = "keypad"
strike = {{ device = "relay", channel = 1, lock = "fail-secure" }}
[schedule]
holidays = ""
[schedule.weekly]
monday = ["07:00-21:00 self-service"]
"""


def wired(channel: int = 1, lock: str = SECURE, port: str = "/dev/relay") -> Wired:
    return Wired(port, 9600, "lcus-relay", channel, lock)


def legible(*illegible: str, **strikes: tuple[int, str]) -> Legible:
    """What a file with faults says: doors by name, all on one relay."""
    relays = {"relay": DeviceConfig("relay", "lcus-relay", "/dev/relay")}
    found = {name: StrikeConfig("relay", *which) for name, which in strikes.items()}
    return Legible(found, relays, illegible, None)


def frames(found: Legible) -> dict[str, tuple[str, int, str]]:
    """What would be secured, by door: port, channel, lock."""
    return {
        name: (found.relays[s.device].port, s.channel, s.lock) for name, s in found.strikes.items()
    }


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    (tmp_path / "storage").mkdir(mode=0o700)
    path = tmp_path / "kioskd.toml"
    path.write_text(CONFIG.format(base=tmp_path), encoding="utf-8")
    return path


def test_a_configuration_is_kept_and_read_back(config_file: Path, tmp_path: Path) -> None:
    config = load(config_file)
    assert keep(config)
    found = last_good(tmp_path / "storage")
    assert found.strikes == {"front": wired(port=f"{tmp_path}/relay")}
    assert found.why == ""
    mode = (tmp_path / "storage" / NAME).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_it_is_written_only_when_it_changes(config_file: Path, tmp_path: Path) -> None:
    assert keep(load(config_file))
    before = (tmp_path / "storage" / NAME).stat()
    assert not keep(load(config_file))
    assert (tmp_path / "storage" / NAME).stat() == before
    text = config_file.read_text(encoding="utf-8").replace("channel = 1", "channel = 2")
    config_file.write_text(text, encoding="utf-8")
    assert keep(load(config_file))
    assert last_good(tmp_path / "storage").strikes["front"].channel == 2
    assert os.listdir(tmp_path / "storage") == [NAME]  # noqa: PTH208 - names are enough


def test_a_map_that_cannot_be_written_is_told_and_keeps_nobody(
    config_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = load(config_file)
    (tmp_path / "storage").rmdir()
    with pytest.raises(StoreError, match=f"storage/{NAME}"):
        keep(config)
    kept(config)
    assert [r.message for r in caplog.records] == ["strikes.not_kept"]


def test_no_map_is_nothing_to_tell(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing"):
        found = last_good(directory)
        assert (dict(found.strikes), found.why) == ({}, "")


def _junk(map_: Mapping[str, object]) -> bytes:
    return json.dumps(map_).encode()


GOOD = written({"front": wired()})
BROKEN: Mapping[str, bytes] = {
    "empty": b"",
    "binary": bytes(range(256)),
    "another version": _junk({"version": 2, "strikes": {}, "sha256": ""}),
    "not an object": b"[]",
    "deep": b"[" * 100_000,
    "cut": GOOD[:-20],
    "another channel": GOOD.replace(b'"channel": 1', b'"channel": 3'),
    "another lock": GOOD.replace(b"fail-secure", b"fail-safe"),
    "another port": GOOD.replace(b"/dev/relay", b"/dev/other"),
    "a driver to be": written({"front": Wired("/dev/relay", 9600, "gpio-relay", 1, SECURE)}),
    "no channel": written({"front": wired(channel=0)}),
    "no port": written({"front": wired(port="relay")}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_map_that_is_not_what_was_written_counts_for_nothing(tmp_path: Path, name: str) -> None:
    assert BROKEN[name] != GOOD
    (tmp_path / NAME).write_bytes(BROKEN[name])
    found = last_good(tmp_path)
    assert dict(found.strikes) == {}
    assert found.why.startswith(f"{tmp_path / NAME}: ")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    (path.parent / "other.json").write_bytes(GOOD)
    path.symlink_to(path.parent / "other.json")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("put", [_pipe, _link, _huge, Path.mkdir], ids=lambda f: f.__name__)
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / NAME)
    found = last_good(tmp_path)
    assert dict(found.strikes) == {}
    assert found.why


def test_a_map_that_this_user_may_not_read_is_told() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        (directory / NAME).write_bytes(GOOD)
        (directory / NAME).chmod(0)
        with _not_root():
            found = last_good(directory)
    assert (dict(found.strikes), found.why) == (
        {},
        f"{directory / NAME}: cannot be read: Permission denied",
    )


@contextlib.contextmanager
def _not_root() -> Iterator[None]:
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_disk_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()

    def hanging(path: Path) -> LastGood:
        hangs.wait()
        return LastGood()

    monkeypatch.setattr(strike_map, "_read", hanging)
    monkeypatch.setattr(strike_map, "READ_SECONDS", 0.01)
    found = last_good(tmp_path)
    hangs.set()
    assert (dict(found.strikes), "does not answer" in found.why) == ({}, True)


@pytest.mark.parametrize(
    ("in_file", "environment", "where"),
    [
        ("/srv/kioskd", {"STATE_DIRECTORY": "/var/lib/other"}, "/srv/kioskd"),
        (None, {"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}, "/var/lib/one"),
        (None, {"STATE_DIRECTORY": "relative"}, str(DEFAULT_STORAGE)),
        (None, {"STATE_DIRECTORY": ""}, str(DEFAULT_STORAGE)),
        (None, {}, str(DEFAULT_STORAGE)),
    ],
)
def test_where_the_map_is_looked_for(
    in_file: str | None, environment: Mapping[str, str], where: str
) -> None:
    assert storage_of(Path(in_file) if in_file else None, environment) == Path(where)


def test_what_the_file_does_not_say_comes_from_the_map() -> None:
    found, disputed = merged(legible("front"), {"front": wired(2, SAFE)})
    assert frames(found) == {"front": ("/dev/relay", 2, SAFE)}
    assert (found.illegible, disputed) == ((), ())


def test_what_the_file_says_for_certain_is_secured_once() -> None:
    found, disputed = merged(legible(front=(1, SECURE)), {"front": wired(1)})
    assert list(frames(found).values()) == [("/dev/relay", 1, SECURE)]
    assert disputed == ()


def test_a_strike_that_moved_is_secured_at_both_places() -> None:
    found, _ = merged(legible(front=(2, SECURE)), {"front": wired(1)})
    assert sorted(frames(found).values()) == [("/dev/relay", 1, SECURE), ("/dev/relay", 2, SECURE)]


def test_a_wire_on_which_both_see_another_lock_is_left_alone_and_both_doors_named() -> None:
    found, disputed = merged(
        legible(entrance=(1, SAFE), back=(2, SECURE)), {"front": wired(1), "back": wired(2)}
    )
    assert frames(found) == {"back": ("/dev/relay", 2, SECURE)}
    assert disputed == ("entrance", "front")


def test_two_names_of_one_relay_are_one_wire(tmp_path: Path) -> None:
    """by-id in the file, ttyUSB0 in the map: the same wire, and here with another lock."""
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    relays = {"relay": DeviceConfig("relay", "lcus-relay", f"{tmp_path}/by-id")}
    in_file = Legible({"front": StrikeConfig("relay", 1, SAFE)}, relays, (), None)
    found, disputed = merged(in_file, {"front": wired(port=f"{tmp_path}/ttyUSB0")})
    assert (frames(found), disputed) == ({}, ("front",))


def test_a_door_that_neither_knows_is_named() -> None:
    found, disputed = merged(legible("front", "side"), {"front": wired()})
    assert (found.illegible, disputed) == (("side",), ())


def test_a_valid_file_that_was_cut_down_leaves_the_map_its_strikes(config_file: Path) -> None:
    config = load(config_file)
    relay = config.device("relay").port
    last = {"front": wired(1, SAFE, relay), "side": wired(2, SAFE, relay), "back": wired(3)}
    assert frames(leftover(config, last)) == {
        "side": (relay, 2, SAFE),
        "back": ("/dev/relay", 3, SECURE),
    }
    assert frames(leftover(config, map_of(config))) == {}


Which = tuple[int, str]
DOORS = st.sampled_from(["front", "back", "side"])
LOCKS = st.sampled_from([SECURE, SAFE])
STRIKES = st.lists(
    st.tuples(DOORS, st.integers(1, 3), LOCKS),
    max_size=3,
    unique_by=(lambda s: s[0], lambda s: s[1]),
).map(lambda found: {door: (channel, lock) for door, channel, lock in found})


@given(STRIKES, st.frozensets(DOORS), STRIKES)
def test_every_wire_gets_its_frame_unless_two_locks_are_said_of_it(
    strikes: dict[str, Which], illegible: frozenset[str], before: dict[str, Which]
) -> None:
    last = {name: wired(*which) for name, which in before.items()}
    found, disputed = merged(legible(*(illegible - strikes.keys()), **strikes), last)
    said: dict[int, set[str]] = {}
    for channel, lock in [*strikes.values(), *before.values()]:
        said.setdefault(channel, set()).add(lock)
    sent = sorted((channel, lock) for _, channel, lock in frames(found).values())
    assert sent == sorted((c, min(locks)) for c, locks in said.items() if len(locks) == 1)
    told = {name.partition(" (")[0] for name in frames(found)} | {*found.illegible, *disputed}
    secured_through_the_file = {n for n, which in before.items() if which in strikes.values()}
    assert told | secured_through_the_file == strikes.keys() | illegible | before.keys()


@given(st.dictionaries(st.text(max_size=5), st.builds(wired, st.integers(1, 16), LOCKS)))
def test_what_is_written_is_read(last: dict[str, Wired]) -> None:
    assert read(written(last)) == last


@given(st.binary(max_size=200))
def test_whatever_the_file_holds_it_is_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert read(raw) == {}
