"""Every error that crosses a module boundary, and whose fault it is.

    KioskError
    ├── ConfigError      the installer's: each fault named, in one run
    ├── InputError       the caller's: a file or an argument that cannot be used
    ├── VaultError       the key's: missing, wrong, or a keyring that it does not open
    ├── DeviceError      the hardware's            (transient or permanent)
    ├── RegisterError    the register's            (transient or permanent)
    └── StoreError       the disk's                (transient or permanent)
        ├── StoreFull        no space left
        ├── StoreReadOnly    the medium takes no writes
        └── StoreDamaged     the file is not what was written

A denial is never an error: it is a value (kioskd.domain.decision). No OSError,
SerialException or SQLAlchemyError leaves its adapter; it becomes one of these.
"""

from collections.abc import Sequence


class KioskError(Exception):
    """Anything that this project raises on purpose. The text names the thing and the way out."""


class ConfigError(KioskError):
    """A configuration that cannot be used; `faults` holds one line for each fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class InputError(KioskError):
    """A file or argument that the caller must mend."""


class VaultError(KioskError):
    """The device key or the keyring cannot be used."""


class _AtTheEdge(KioskError):
    """A failure of something outside; `transient` says whether to try again."""

    transient = True

    def __init__(self, message: str, *, transient: bool | None = None) -> None:
        super().__init__(message)
        if transient is not None:
            self.transient = transient


class DeviceError(_AtTheEdge):
    """A reader, keypad or relay that does not answer or answers nonsense."""


class RegisterError(_AtTheEdge):
    """The central register cannot be reached or refuses this device."""


class StoreError(_AtTheEdge):
    """The journal, the state or the cache cannot be read or written."""


class StoreFull(StoreError):
    """No space is left on the storage directory's file system."""


class StoreReadOnly(StoreError):
    """The storage directory takes no writes."""

    transient = False


class StoreDamaged(StoreError):
    """A database file is not what was written."""

    transient = False
