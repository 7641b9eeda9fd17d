"""What happens before anything heavy is imported: the lock is taken, every strike is secured.

Whatever is wrong with the storage directory or the configuration, what can be secured is secured
before anybody is told. One thing alone forbids it: a daemon that holds the directory. Its pulse is
its own business.
"""

import fcntl
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from drivers.lcus_boot import secure_at_boot
from kioskd.config.model import Config, DeviceConfig, StrikeConfig
from kioskd.config.strike_map import leftover
from kioskd.config.strikes import Legible
from kioskd.daemon.privileges import drop_to_owner
from kioskd.daemon.strike_map import last_good
from kioskd.errors import DeviceError, InputError, StoreError

LOCK = "kioskd.lock"
PATIENCE_SECONDS = 2.0  # a command without a daemon holds the lock for the time of a PIN's hash
_PAUSE_SECONDS = 0.05


class DirectoryLock:
    """One daemon, or one writing command, for each storage directory."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, directory: Path) -> "DirectoryLock | None":
        """Take the lock. None where the medium takes no files; InputError when it is held.

        StoreError where the file system knows no locks.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            # A directory that cannot be written: the daemon still secures and tells people.
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise InputError(
                f"{directory}: another kioskd is running on this directory; stop it first "
                "(systemctl stop kioskd)"
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise StoreError(
                f"{directory / LOCK}: cannot be locked: {error.strerror}; "
                "put storage.directory on a local file system"
            ) from error
        return cls(descriptor)

    @staticmethod
    def held(directory: Path) -> bool:
        """Whether a daemon or a writing command holds the lock. Makes and changes nothing."""
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(directory / LOCK, flags)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        """Let others in."""
        os.close(self._descriptor)


def begin(config: Config) -> tuple[DirectoryLock | None, dict[str, str]]:
    """Become the owner, take the lock, secure: the lock, and what went wrong by device.

    InputError when another daemon holds the directory, and goes on to: a command in between is
    waited for. StoreError when it cannot be used at all; the strikes are secured then too.
    """
    directory = config.storage.directory
    try:
        drop_to_owner(directory)
        lock = _taken(directory)
    except InputError:
        raise
    except BaseException:
        if not DirectoryLock.held(directory):
            _secure_all(config)
        raise
    return lock, _secure_all(config)


def _taken(directory: Path) -> DirectoryLock | None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return DirectoryLock.take(directory)
        except InputError:
            if time.monotonic() >= until:
                raise
        time.sleep(_PAUSE_SECONDS)


def _secure_all(config: Config) -> dict[str, str]:
    # A strike that the file names no more may be released still, where the daemon was killed.
    last = last_good(config.storage.directory).strikes
    return {**secure_strikes(config), **secure_legible(leftover(config, last))}


def secure_strikes(config: Config) -> dict[str, str]:
    """Drive every configured strike safe, now. Returns what went wrong, by device."""
    return _secure((door.strike for door in config.doors), config.device)


def secure_legible(found: Legible) -> dict[str, str]:
    """The same for what can be read of a configuration with faults in it."""
    return _secure(found.strikes.values(), found.relays.__getitem__)


def _secure(
    strikes: Iterable[StrikeConfig], device_of: Callable[[str], DeviceConfig]
) -> dict[str, str]:
    channels: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for strike in strikes:
        channels[strike.device].append((strike.channel, strike.lock))
    failed: dict[str, str] = {}
    for name, wired in channels.items():
        device = device_of(name)
        try:
            secure_at_boot(device.port, device.baud, wired)
        except DeviceError as error:
            failed[name] = str(error)
    return failed
