"""How a doctor looks at the library system of [register.sip2]: its name, then a conversation.

Nothing of SIP2, TLS or asyncio is loaded where no library system is configured. All of it is over
within a few seconds: a name server that does not answer is left to itself.
Deliberately not here: judging (kioskd.health.ils_checks) and the conversation (ils_talk).
"""

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from kioskd.clock.system import SystemClock
from kioskd.config.model import Config, SipAccess
from kioskd.config.sip2_checks import is_loopback
from kioskd.daemon.ils_secret import SecretFault, secret_of
from kioskd.daemon.machine import user_name
from kioskd.errors import ConfigError
from kioskd.health.examined import Unseen
from kioskd.health.ils_seen import LOOPBACK, IlsLook, Step, Unreadable

if TYPE_CHECKING:
    from kioskd.daemon.ils_talk import Found, Patron, Plan
    from sync.sip2.settings import SipSettings, Watcher

DOCTOR_SECONDS: Final = 4.0  # and up to one to close the connection
_PACKAGED: Final = "kioskd"
_SAYABLE: Final = "give the account a password that a message can carry"


def ils_look(config: Config, patron: "Patron | None" = None) -> IlsLook | Unseen | None:
    """The library system as a doctor looks at it; None where the site has none. Blocks for 5 s."""
    if config.register.sip2 is None:
        if patron is None:
            return None
        return Unseen("no library system to ask about a card", "set [register.sip2]")
    from kioskd.daemon.ils_talk import Plan

    limit = f"{DOCTOR_SECONDS:g} s, the limit of doctor itself"
    plan = Plan(DOCTOR_SECONDS, patron, wrong_pin=True, limit=limit)
    return looked(config, config.register.sip2, plan)


def looked(
    config: Config, access: SipAccess, plan: "Plan", watcher: "Watcher | None" = None
) -> IlsLook:
    """The library system, looked at by a plan. Blocks for plan.seconds. ConfigError."""
    from kioskd.daemon.ils_talk import talk

    settings, fault = settings_for(config, access)
    look = _before(access, settings, plan, fault)
    began = time.monotonic()
    found, why = _resolved(access, plan.seconds)
    if not found:
        return replace(look, stopped=Step.NAME, why=f"{access.host}: {why}")
    addresses = tuple(dict.fromkeys(str(place[0]) for *_, place in found))
    left = max(plan.seconds - (time.monotonic() - began), 0.0)
    clock, zone = SystemClock(), ZoneInfo(config.site.timezone)
    return talk(
        replace(look, addresses=addresses),
        settings,
        replace(plan, seconds=left),
        found,
        lambda: clock.moment().wall.astimezone(zone),
        watcher,
    )


def settings_for(config: Config, access: SipAccess) -> "tuple[SipSettings, SecretFault | None]":
    """What a connection is made with, and why a secret cannot be read; None when all can."""
    password, terminal_password, fault = "", "", None
    owner = owner_of(config.storage.directory)
    try:
        password = secret_of(access.secret, owner)
        terminal_password = secret_of(access.terminal_secret, owner)
    except SecretFault as error:
        fault = error
    try:
        return _settings(config, access, password, terminal_password), fault
    except ConfigError as wrong:
        if not password and not terminal_password:
            raise
        # Raises once more where it is not for a secret.
        settings = _settings(config, access, "", "")
        return settings, SecretFault("; ".join(wrong.faults), _SAYABLE)


def _settings(
    config: Config, access: SipAccess, password: str, terminal_password: str
) -> "SipSettings":
    from sync.sip2.dialects import settings_of

    return settings_of(
        access,
        password=password,
        terminal_password=terminal_password,
        branch=config.site.branch,
        timezone=config.site.timezone,
    )


def owner_of(storage: Path) -> str:
    """The account that the storage directory belongs to; the packaged one before there is one."""
    try:
        return user_name(storage.stat().st_uid)
    except OSError:
        return _PACKAGED


def _before(
    access: SipAccess, settings: "SipSettings", plan: "Plan", fault: SecretFault | None
) -> IlsLook:
    from kioskd.daemon.ils_told import entrance_of, speech_of

    return IlsLook(
        access.host,
        access.port,
        settings.institution,
        entrance_of(settings.dialect),
        speech_of(settings.dialect),
        plain=_plain(access),
        account=bool(access.user),
        asks_status=settings.dialect.send_status,
        tested=plan.patron is not None,
        secret=Unreadable(fault.what, fault.todo, fault.bad) if fault else None,
    )


def _plain(access: SipAccess) -> str:
    if access.tls:
        return ""
    return LOOPBACK if is_loopback(access.host) else access.insecure_plaintext


def _resolved(access: SipAccess, seconds: float) -> "tuple[Sequence[Found], str]":
    """What its name leads to, or why it leads nowhere."""
    found: list[Found] = []
    faults: list[str] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(access.host, access.port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            faults.append(getattr(error, "strerror", None) or "is no name of a host")
        except LookupError:  # a codec, loaded when it is needed
            faults.append("this account may not read the part of Python that names are asked with")

    # Not through the loop: it would wait for a name server that never answers, at its end.
    asking = threading.Thread(target=ask, name="ils-name", daemon=True)
    asking.start()
    asking.join(seconds)
    return found, faults[0] if faults else "the name server does not answer"
