"""What happens before anything heavy is imported: the lock is taken, every strike is secured."""

import fcntl
import os
from collections import defaultdict
from pathlib import Path

from drivers.lcus_boot import secure_at_boot
from kioskd.config.model import Config
from kioskd.errors import DeviceError, InputError

LOCK = "kioskd.lock"


class DirectoryLock:
    """One daemon, or one writing command, for each storage directory."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, directory: Path) -> "DirectoryLock | None":
        """Take the lock. None where the medium takes no files; InputError when it is held."""
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
        return cls(descriptor)

    def release(self) -> None:
        """Let others in."""
        os.close(self._descriptor)


def secure_strikes(config: Config) -> dict[str, str]:
    """Drive every configured strike safe, now. Returns what went wrong, by device."""
    channels: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for door in config.doors:
        channels[door.strike.device].append((door.strike.channel, door.strike.lock))
    failed: dict[str, str] = {}
    for name, strikes in channels.items():
        device = config.device(name)
        try:
            secure_at_boot(device.port, device.baud, strikes)
        except DeviceError as error:
            failed[name] = str(error)
    return failed
