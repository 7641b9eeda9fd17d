"""What is judged of a device: a table of checks over an Examination. Pure and total.

Every finding says what to do, unless nothing is to be done. Deliberately not here: gathering
(kioskd.daemon.doctoring), and what concerns files, keys and databases (checks_storage).
"""

from collections.abc import Callable, Iterator

from kioskd.health.checks_storage import STORAGE_CHECKS
from kioskd.health.examined import DaemonLook, DeviceLook, Examination, Unseen
from kioskd.health.findings import Finding, bad, look, ok
from kioskd.health.ils_checks import ils_checks
from kioskd.health.ils_seen import LOOPBACK, IlsLook
from kioskd.health.line_checks import hub_checks

_MOST_FAULTS = 20  # lines; who sees twenty mends them and looks again
_WEEK_DAYS = 7  # a library that is shut longer knows it
_UNSTABLE = ("/dev/ttyUSB", "/dev/ttyACM")


def judge(seen: Examination) -> tuple[Finding, ...]:
    """Every finding, in the order in which they are best mended."""
    return tuple(found for check in _CHECKS for found in check(seen))


def configuration(seen: Examination) -> Iterator[Finding]:
    """Whether the file can be used; each fault in a line of its own."""
    for fault in seen.faults[:_MOST_FAULTS]:
        yield bad("configuration", fault, "correct it, then run `kioskd check-config`")
    if len(seen.faults) > _MOST_FAULTS:
        left = len(seen.faults) - _MOST_FAULTS
        yield bad("configuration", f"{left} more faults", "run `kioskd check-config`")
    for warning in seen.warnings:
        yield look("configuration", warning, "see whether it is meant")
    if seen.unread is not None:
        yield look("configuration", seen.unread.why, seen.unread.todo)
    elif not seen.faults and not seen.warnings:
        yield ok("configuration", f"{seen.config}: well")


def daemon(seen: Examination) -> Iterator[Finding]:
    """Whether it runs, answers, and is the version that this command is."""
    found = seen.daemon
    if found is None:
        return
    if not found.answers:
        yield _silent(found)
        return
    yield ok("daemon", f"runs, answers at {found.socket}")
    if seen.faults:
        yield look(
            "daemon",
            "goes on with the configuration that it read last, not with this file as it is now",
            "correct the file, then `kioskd reload`; with this one it would not start again",
        )
    if found.version != seen.version:
        yield look(
            "daemon",
            f"is version {found.version or 'unknown'}, this command is {seen.version}",
            "restart the daemon: systemctl restart kioskd",
        )
    if found.late:
        yield bad(
            "watchdog",
            f"late: {', '.join(found.late)}",
            "see `journalctl -u kioskd`; restart the daemon if it does not go on",
        )
    for fault in found.faults:
        yield look("daemon", f"since its start: {fault}", "correct the cause, then restart it")
    for alert in found.alerts:
        yield look("alert", alert, "see `kioskd status`")


def _silent(found: DaemonLook) -> Finding:
    if found.hung:
        return bad("daemon", found.why, "see `journalctl -u kioskd`, then restart the daemon")
    if found.foreign:
        todo = "where the daemon is the older one: systemctl restart kioskd"
        return look("daemon", f"could not be asked: {found.why}", todo)
    if found.why:
        todo = "run the doctor as root" if found.forbidden else "see `journalctl -u kioskd`"
        return look("daemon", f"could not be asked: {found.why}", todo)
    if found.held:
        return look(
            "daemon",
            "its directory is in use, its socket is not there",
            "wait if it is starting; else see `journalctl -u kioskd`",
        )
    return bad("daemon", "does not run: nobody is let in", "start it: systemctl start kioskd")


def clock(seen: Examination) -> Iterator[Finding]:
    """Whether its time can be believed, and what vouches for it."""
    found = seen.clock
    if found is None:
        return
    if isinstance(found, Unseen):
        yield look("clock", found.why, found.todo)
        return
    said = f"{found.now:%Y-%m-%d %H:%M:%S %Z}"
    if not found.trusted:
        yield bad(
            "clock",
            f"{said}: not trusted: {found.why.partition('; ')[0]}",
            "set the clock or give the device a time server; if the time is right as it is: "
            "kioskd clock accept --reason TEXT",
        )
    elif found.source == "assume":
        yield look(
            "clock",
            f"{said}: taken as right, [clock] source is assume",
            'for a real door set source = "auto" and give the device a time server',
        )
    elif not found.synchronised:
        what = "a battery clock" if found.rtc else "the last event"
        yield look(
            "clock",
            f"{said}: no time server, only {what} vouches for it",
            "give the device a time server: timedatectl set-ntp true",
        )
    else:
        yield ok("clock", f"{said}: a time server vouches for it{_battery(rtc=found.rtc)}")


def _battery(*, rtc: bool) -> str:
    return "" if rtc else "; no battery clock, so after a power cut only once the network is back"


def devices(seen: Examination) -> Iterator[Finding]:
    """Each configured device; the worst that is known of it."""
    for device in seen.devices:
        yield _device(device)
        if device.stable and device.port.startswith(_UNSTABLE):
            yield look(
                f"device {device.name}",
                f"{device.port} may be another device after the next start",
                f'port = "{device.stable}"',
            )


def _device(device: DeviceLook) -> Finding:
    check = f"device {device.name}"
    if device.present:
        place = f" at {device.port}" if device.port else ""
        return ok(check, f"{device.driver}{place}: there, in use")
    if not device.port and device.present is False:
        why = device.why or "the daemon cannot use it"
        return bad(check, f"{device.driver}: {why}", "`kioskd devices` shows what is plugged in")
    if not device.port:
        return ok(check, f"{device.driver}: hangs on another device")
    if not device.there:
        why = device.why or "not there"
        return bad(check, f"{device.port}: {why}", "plug it in; `kioskd devices` shows what is")
    if device.usable is False:
        group = device.group or "dialout"
        return bad(
            check,
            f"{device.port}: the daemon's user may not use it",
            f"add that user to group {group}: usermod -aG {group} USER, then restart the daemon",
        )
    if device.present is False:
        why = device.why or "the daemon cannot use it"
        return bad(check, f"{device.port}: {why}", "see `journalctl -u kioskd`")
    return ok(check, f"{device.driver} at {device.port}{_leads(device)}: there")


def _leads(device: DeviceLook) -> str:
    return f" ({device.node})" if device.node and device.node != device.port else ""


def hours(seen: Examination) -> Iterator[Finding]:
    """When anybody is let in next."""
    found = seen.hours
    if found is None:
        return
    if isinstance(found, Unseen):
        yield look("hours", found.why, found.todo)
    elif found.state != "closed":
        yield ok("hours", f"{found.state} now")
    elif found.opens is None or (found.opens - found.now).days >= _WEEK_DAYS:
        when = f"before {found.opens:%Y-%m-%d %H:%M}" if found.opens else "at any time"
        yield look(
            "hours",
            f"closed now and not open {when}",
            "see `kioskd schedule show` and [schedule] in the configuration",
        )
    else:
        yield ok("hours", f"closed now, opens {found.opens:%Y-%m-%d %H:%M}")


def outward(seen: Examination) -> Iterator[Finding]:
    """Whom the device contacts: what a firewall or a register's list of addresses must allow."""
    if seen.faults or seen.unread is not None:
        return
    if seen.hub is not None:
        yield from hub_checks(seen.hub, _besides(seen.ils))
    elif seen.ils is None:
        yield ok("network", "nothing goes out: the register's feed comes as a file")
    elif isinstance(seen.ils, IlsLook):
        yield ok("network", _to_library_system(seen.ils))


def _besides(ils: IlsLook | Unseen | None) -> str:
    return ils.where if isinstance(ils, IlsLook) and ils.plain != LOOPBACK else ""


def _to_library_system(ils: IlsLook) -> str:
    if ils.plain == LOOPBACK:
        return "nothing goes out: the library system, or a tunnel to it, is on this device"
    return f"goes out to {ils.where} alone, for commands that look at the library system"


def library_system(seen: Examination) -> Iterator[Finding]:
    """What the library system of [register.sip2] says, from its name to who may enter."""
    found = seen.ils
    if isinstance(found, Unseen):
        yield look("sip2", found.why, found.todo)
    elif found is not None:
        yield from ils_checks(found)


def versions(seen: Examination) -> Iterator[Finding]:
    """What a report of a fault must name."""
    listed = ", ".join(f"{name} {version}" for name, version in seen.versions.items())
    yield ok("versions", f"kioskd {seen.version}" + (f", {listed}" if listed else ""))


_CHECKS: tuple[Callable[[Examination], Iterator[Finding]], ...] = (
    configuration,
    daemon,
    clock,
    devices,
    *STORAGE_CHECKS,
    hours,
    outward,
    library_system,
    versions,
)
