"""What the keys of [register.sip2] say of one another.

    line          no TLS: on this machine, or a reason is given
    account       a user and a secret, or neither
    texts         nothing in them ends a field or cannot be said
    institution   there, where a wrong one would let everybody in
    who enters    a field or a flag tells; a field of the site's own has the values that say yes

A key that has a fault of its own counts as given: its absence is not told as well.
Deliberately not here: each key by itself (sip2.py), what each dialect is (sip2_vendors.py).
"""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kioskd.config import sip2_vendors
from kioskd.config.sip2_vendors import Vendor
from kioskd.config.walk import Table, quoted

_DELIMITER: Final = "|"
_ENCODING: Final = "utf-8"


def compare(table: Table) -> None:
    """Note every fault and warning that takes more than one key to see."""
    for check in _CHECKS:
        check(table)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine for certain."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_line(table: Table) -> None:
    read_ = table.values
    if not table.sound("host", "tls", "insecure_plaintext"):
        return
    here, plain = is_loopback(read_["host"]), not read_.get("tls", True)
    accepted = table.place.of("insecure_plaintext")
    if "insecure_plaintext" not in read_:
        if plain and not here:
            table.place.of("tls").fault(
                "false sends PINs readably over the network; take it out (TLS), put a tunnel on "
                'this machine, or accept it: insecure_plaintext = "why, and who accepts it"'
            )
    elif plain and not here:
        accepted.warn("PINs and card numbers cross the network readably")
    else:
        accepted.warn(f"is not needed: {'the server is on this machine' if plain else 'TLS is on'}")


def _check_ca_file(table: Table) -> None:
    if table.values.get("tls") is False and "ca_file" in table.values:
        table.place.of("ca_file").warn("is not used without TLS")


def _check_account(table: Table) -> None:
    for one, other in (("user", "secret"), ("secret", "user")):
        if _given(table, one) and not _given(table, other):
            table.place.of(other).fault(f"missing; {one} is there, and a log-in needs both")


def _check_texts(table: Table) -> None:
    """A value with a delimiter would become two fields; one that cannot be said is never sent."""
    sign = table.values.get("delimiter", _DELIMITER)
    encoding = table.values.get("encoding", _ENCODING)
    for key, said in _texts(table.values):
        if table.sound("delimiter") and sign in said:
            table.place.of(key).fault(f"has the delimiter {quoted(sign)} in it")
        if not _can_say(encoding, said):
            table.place.of(key).fault(f"has characters that {encoding} cannot say")


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("user", "institution", "location", "login_location"):
        if key in values:
            yield key, values[key]
    for said in values.get("access_values", ()):
        yield "access_values", said


def _can_say(encoding: str, said: str) -> bool:
    try:
        said.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _check_institution(table: Table) -> None:
    vendor = _vendor(table)
    if vendor is None or not vendor.by_institution:
        return
    place = table.place.of("institution")
    said = table.values.get("institution", "")
    if not _given(table, "institution"):
        place.fault(
            "missing; the access field is looked up by it, and a wrong or missing one lets "
            "everybody in"
        )
    elif said != said.strip():
        place.fault("has a blank around it, so it is no branch, and that lets everybody in")


def _check_who_enters(table: Table) -> None:
    """Some field or some flag must say who may not enter; nobody guesses which."""
    vendor = _vendor(table)
    if vendor is None or vendor.access_field or _given(table, "access_field"):
        return
    if _given(table, "access_values"):
        table.place.of("access_field").fault(
            "missing; it names the field that has the access_values"
        )
    elif table.values.get("door_flags") == ():
        table.place.of("door_flags").fault(
            "must have at least 1 in it where no access_field says who may enter"
        )
    elif not _given(table, "door_flags") and not vendor.tells:
        # No fault: what tells is found with a connection that works, by doctor and a test card.
        table.place.of("access_field").warn(
            f'missing; dialect {table.values["dialect"]} does not say what means "may enter": '
            "nobody may until it or door_flags is set"
        )


def _check_access_field(table: Table) -> None:
    """Of a field that is not the dialect's own, only the values that say yes are known to."""
    vendor, place = _vendor(table), table.place
    own = vendor.access_field if vendor else ""
    named = table.values.get("access_field", own)
    if vendor and named != own and not _given(table, "access_values"):
        place.of("access_values").fault(f'missing; the values of {named} that say yes, like ["1"]')
    if vendor and named == own:
        for no in sorted(vendor.denied.intersection(table.values.get("access_values", ()))):
            place.of("access_values").fault(f"has {no} in it, which is {own}'s no")
    if named and named == table.values.get("expiry_field"):
        place.of("expiry_field").fault(f"{named} is the access field already")


def _vendor(table: Table) -> Vendor | None:
    """What is known of the dialect; None where it has a fault of its own or is missing."""
    return sip2_vendors.VENDORS.get(table.values.get("dialect", ""))


def _given(table: Table, key: str) -> bool:
    """Whether the file has it, with a fault or without."""
    return key in table.values or not table.sound(key)


_CHECKS: Final = (
    _check_line,
    _check_ca_file,
    _check_account,
    _check_texts,
    _check_institution,
    _check_who_enters,
    _check_access_field,
)
