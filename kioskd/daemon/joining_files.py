"""The files that a device has once it has joined: token, configuration, device key, storage.

They are in the directory of the configuration or in the storage directory, and nowhere else. No
link is followed, and no file is replaced that is not a token. The token is written first: the code
that it came for is spent.

Deliberately not here: the hub (joining), and what of its configuration is believed (joined_text).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.joined_text import Place, Taken, starter, taken
from kioskd.daemon.line_secret import is_replaceable
from kioskd.errors import InputError
from kioskd.store.faults import mapped
from kioskd.vault import files
from kioskd.vault.device_key import write_device_key
from sync.hub_wire import Joined

NOT_TAKEN: Final = ".from-hub"  # beside the configuration: the copy that was not taken, to look at
_ANY_BRANCH: Final = "ANY"


@dataclass(frozen=True, slots=True)
class JoinedDevice:
    """What there is now. written: files that were made; notes: what a person should know.

    signer: base64url of the key that this hub signs with. refused: the hub had a configuration
    that was not taken.
    """

    name: str
    branch: str
    config: Config
    signer: str
    written: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    refused: bool = False

    @property
    def doors(self) -> int:
        """How many doors the configuration has."""
        return len(self.config.doors)


@dataclass(frozen=True, slots=True)
class JoiningFiles:
    """The files of one joining: try_out before the code is spent, settle after.

    before: the configuration that was there; None: one is made.
    """

    place: Place
    before: Config | None

    def try_out(self) -> None:
        """What would fail after the code was spent fails now."""
        if self.before is None:
            starter(_ANY_BRANCH, self.place)
        token = self._token()
        for needed in {self.place.path.parent, token.parent}:
            with mapped(needed):
                needed.mkdir(mode=0o755, parents=True, exist_ok=True)
            if not os.access(needed, os.W_OK):
                raise InputError(f"{needed}: this account may not write there; run setup as root")
        with mapped(token):
            usable = is_replaceable(token)
        if not usable:
            raise InputError(
                f"{token}: is there and is no token of a hub, so it is not replaced; move it away"
            )

    def settle(self, joined: Joined) -> JoinedDevice:
        """Write all there is to be written. KioskError."""
        token = self._token()
        self._keep_token(token, joined.token)
        secrets, written, found = [token], [token], Taken("")
        if self.before is None:
            found = taken(joined.config, joined.branch, self.place)
            written += self._keep_config(joined, found)
        config = self.before or load(self.place.path)
        notes = list(found.notes)
        secrets += self._make_key(config, notes)
        _make_storage(config.storage.directory)
        _give(config.storage.directory, secrets, notes)
        return JoinedDevice(
            joined.name,
            joined.branch,
            config,
            joined.key,
            (*written, *secrets[1:]),
            tuple(notes),
            found.refused,
        )

    def _token(self) -> Path:
        access = self.before.register.hub if self.before else None
        if access is None:
            return self.place.token
        path = self.place.path
        way, _, where = access.token.partition(":")
        if way != "file":
            raise InputError(
                f"{path}: register.hub.token is a credential of the unit, which setup cannot "
                f'write; make it "file:{self.place.token}", or add the device by `kioskd-hub '
                "device add` and load its token as that credential"
            )
        if not self._is_ours(Path(where)):
            raise InputError(
                f"{path}: register.hub.token is {where}; setup writes beside the configuration "
                f'and into the storage directory alone: make it "file:{self.place.token}"'
            )
        return Path(where)

    def _is_ours(self, path: Path) -> bool:
        roots = [self.place.path.parent]
        roots += [self.before.storage.directory] if self.before else []
        return any(path.parent.resolve().is_relative_to(root.resolve()) for root in roots)

    def _keep_token(self, path: Path, token: str) -> None:
        with mapped(path):
            if not is_replaceable(path):
                raise InputError(f"{path}: is no token of a hub any more, so it is not replaced")
            files.replace_whole(path, f"{token}\n".encode())

    def _keep_config(self, joined: Joined, found: Taken) -> list[Path]:
        path = self.place.path
        with mapped(path):
            files.write_whole(path, found.text.encode())
            path.chmod(0o644)  # it holds no secret, and staff's commands read it
        aside = path.with_name(path.name + NOT_TAKEN)
        if not found.refused or os.path.lexists(aside):
            return [path]
        with mapped(aside):
            files.write_whole(aside, joined.config.encode("utf-8", "replace"))
        return [path, aside]

    def _make_key(self, config: Config, notes: list[str]) -> list[Path]:
        way, _, where = config.secrets.device_key.partition(":")
        path = Path(where)
        if way != "file" or os.path.lexists(path):
            return []
        if not self._is_ours(path):
            notes.append(f"there is no device key yet: `kioskd keygen --out {path}`")
            return []
        write_device_key(path)
        return [path]


def _make_storage(directory: Path) -> None:
    with mapped(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _give(directory: Path, secrets: list[Path], notes: list[str]) -> None:
    """What root made belongs to who the daemon runs as: the owner of its storage directory."""
    if os.geteuid() != 0:
        return
    with mapped(directory):
        owner = directory.stat()
    if owner.st_uid == 0:
        notes.append(
            f"{directory} belongs to root: give it, {' and '.join(map(str, secrets))} to the user "
            "that kioskd runs as (chown)"
        )
    for path in secrets:
        with mapped(path):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
