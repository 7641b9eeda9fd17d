"""A connection for a command: one question after another, each with a deadline of its own.

Deliberately not here: events (link), and asyncio.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from kioskd import wire
from kioskd.client import faults

T = TypeVar("T")


class Client:
    """Connected and greeted once it is made; version: the daemon's. AskError.

    timeout: seconds for connecting with its greeting. answering: seconds for each answer as a
    whole, however slowly it drips in; as `timeout` when left out.
    """

    def __init__(
        self, path: Path, timeout: float = faults.TIMEOUT, answering: float | None = None
    ) -> None:
        self.path = path
        self._timeout = timeout
        self._answering = timeout if answering is None else answering
        self._lines = wire.Lines()
        self._asked = 0
        self._deadline = time.monotonic() + timeout
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._io(lambda: self._socket.connect(os.fspath(path)))
            self.version = faults.greeted(path, self._line())
            self._timeout = self._answering
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """The answer to a verb. AskError when there is none, or the daemon refuses."""
        self._asked += 1
        self._deadline = time.monotonic() + self._timeout
        text = faults.request(self._asked, verb, args)
        self._send(text)
        while True:
            told = faults.message(self.path, self._line())
            if self._meant(told):
                return faults.answer(told)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _meant(self, told: Mapping[str, Any]) -> bool:
        # An error without id is about a line that could not be read, or about the connection.
        return "event" not in told and told.get("id", self._asked) in (self._asked, None)

    def _send(self, text: bytes) -> None:
        try:
            self._io(lambda: self._socket.sendall(text))
        except faults.AskError as error:
            # A daemon that has no room says so before it hangs up: that is still to be read.
            if error.code != faults.GONE:
                raise

    def _line(self) -> bytes:
        while (text := self._next()) is None:
            came = self._io(lambda: self._socket.recv(self._lines.room))
            if not came:
                raise faults.gone(self.path)
            self._lines.give(came)
        return text

    def _next(self) -> bytes | None:
        try:
            return self._lines.next()
        except wire.WireError as error:
            raise faults.stranger(self.path, str(error)) from None

    def _io(self, work: Callable[[], T]) -> T:
        left = self._deadline - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            return work()
        except OSError as error:
            raise faults.mapped(self.path, error, self._timeout) from None
