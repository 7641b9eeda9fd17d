"""A site with a library system: a fake one that serves in a thread, a configuration, commands."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync.sip2.fake_ils import Answer, FakeIls
from sync.sip2.fake_library import WellBehaved
from tests.outside.premises import KIOSKD, Premises

CARD, PIN, PASSWORD = "167A006007", "482915", "sesam-oeffne-dich"
NAME, ADDRESS, EMAIL = "Virtanen, Maija", "Kotikatu 17 B 4", "maija@example.invalid"
SECRETS = (CARD, CARD[:7], PIN, PASSWORD, "Virtanen", "Maija", "Kotikatu", EMAIL, "1987", "99931")
PATRON = {
    "pin": PIN,
    "PA": "1",
    "BD": ADDRESS,
    "BE": EMAIL,
    "BF": "+358 40 99931",
    "PB": "19870102",
    "AF": "Hei Maija Virtanen!",
}


def well_behaved(**fields: str) -> WellBehaved:
    """A library with the one patron; fields over theirs."""
    return WellBehaved({CARD: {**PATRON, **fields}}, login=("kiosk", PASSWORD))


@contextmanager
def library(answer: Answer, **options: Any) -> Iterator[FakeIls]:
    """A library system that serves until the block is left."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    served: list[FakeIls] = []
    over = asyncio.Event()

    async def serve() -> None:
        async with FakeIls(answer, **options) as ils:
            served.append(ils)
            ready.set()
            await over.wait()
            await _turns()  # who connected and left at once is still to be met
        await _turns()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield served[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _turns() -> None:
    """A few turns of the loop: sockets are met and closed some of them after what led to it."""
    for _ in range(20):
        await asyncio.sleep(0)


class SipSite:
    """A site whose configuration names a library system. Its storage is the test's account's."""

    def __init__(self, base: Path, port: int, **keys: str) -> None:
        self.premises = Premises(base)
        self.premises.storage.mkdir(mode=0o700)
        self.secret = base / "sip2.secret"
        self.secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
        self.secret.chmod(0o600)
        values = {
            "host": '"127.0.0.1"',
            "port": str(port),
            "tls": "false",
            "dialect": '"koha-suomi"',
            "user": '"kiosk"',
            "secret": f'"file:{self.secret}"',
            "institution": '"ESI"',
            "answer_seconds": "0.2",
            "retries": "0",
        } | keys
        table = "".join(f"{key} = {value}\n" for key, value in values.items() if value)
        with self.config.open("a", encoding="utf-8") as file:
            file.write(f"[register.sip2]\n{table}")

    @property
    def config(self) -> Path:
        return self.premises.config

    def ran(
        self, *arguments: str, stdin: str = f"{CARD}\n{PIN}\n"
    ) -> "subprocess.CompletedProcess[str]":
        """A command in a process of its own."""
        return subprocess.run(
            [*KIOSKD, *arguments, "--config", str(self.config)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def leaked(*texts: str) -> list[str]:
    """What must be in nothing that a command writes, and is."""
    return [secret for secret in SECRETS if any(secret in text for text in texts)]
