"""Takes out of texts what could be a person: for what leaves the house to be looked at by support.

Better a figure too many than a number too few: any run of six digits goes, unless it is part of a
time or of an id that this program makes. Pure. Deliberately not here: which texts are looked at
(kioskd.daemon.bundling), and names, which no pattern knows: fields that may hold one are left out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

GONE: Final = "…"
# Kept: RFC 3339 times and dates, and UUIDv7 of our own rows.
_KEPT: Final = (
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?"
    r"|(?<![\d-])\d{4}-\d\d-\d\d(?![\d-])"
    r"|(?<![0-9a-f-])[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9a-f-])"
)
_PERSONAL: Final = (
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail
    r"|\d{6}[-+A-FU-Y]\d{3}[0-9A-Z]"  # Finnish identity code
    r"|\+?\(?\d(?:[ ()/-]{0,2}\d){6,}"  # telephone: seven digits and more, however they are grouped
    r"|\d{6,}"
    r"|\$(?:2[aby]|argon2id?)\$[^\s\"']+"  # a verifier
    r"|kd1\.[^\s\"']+"  # a device's token
    r"|(?<![0-9a-zA-Z])[0-9a-fA-F]{32,}(?![0-9a-zA-Z])"  # a card index, a hash, a key as hex
)
_LONG: Final = re.compile(r"(?<![\w-])[A-Za-z0-9_-]{40,}(?![\w-])")  # a key or token as base64url
# Secrets, and free texts that may name a person.
_SECRET_KEYS: Final = re.compile(
    r"token|secret|password|passphrase|pin$|_key$|^key$|accepted_by|insecure_plaintext|screen_messages"
)
_REFERENCE: Final = re.compile(r"(?:file|credential):")
# Numbers that are nobody's; their digits are grouped so that they are not taken for a card.
_COUNTS: Final = frozenset(
    {
        "age_seconds",
        "bytes",
        "cache_age_s",
        "credentials",
        "rows",
        "seq",
        "size",
        "uptime_seconds",
    }
)
_MOST_DIGITS: Final = 100_000


class Redactor:
    """For one site. patterns: of its cards and items. kept: texts to leave, as the help's phone."""

    def __init__(self, patterns: Sequence[re.Pattern[str]], kept: Sequence[str] = ()) -> None:
        keep = [re.escape(text) for text in kept if text]
        self._cards = [re.compile(p.pattern, p.flags | re.IGNORECASE) for p in patterns]
        self._pieces = re.compile("|".join([*keep, _KEPT]))
        self._personal = re.compile(_PERSONAL)

    def text(self, text: str) -> str:
        """The text with an ellipsis in place of whatever could be a person or a secret."""
        done, at = [], 0
        for kept in self._pieces.finditer(text):
            done += [self._cleaned(text[at : kept.start()]), kept[0]]
            at = kept.end()
        return "".join([*done, self._cleaned(text[at:])])

    def value(self, value: Any, key: str = "") -> Any:
        """The same for what JSON or TOML hold. What is named as a secret must be a reference."""
        match value:
            case Mapping():
                return {self.text(str(k)): self.value(v, str(k)) for k, v in value.items()}
            case bool() | None:
                return value
            case int():
                return self._number(value, key)
            case float():
                return value if abs(value) < _MOST_DIGITS else GONE
            case str():
                return self._said(value, key)
            case list() | tuple():
                return [self.value(item, key) for item in value]
            case _:
                return self.text(str(value))

    def _said(self, value: str, key: str) -> str:
        if _SECRET_KEYS.search(key) and not _REFERENCE.match(value):
            return GONE
        return self.text(value)

    def _number(self, value: int, key: str) -> int | str:
        if abs(value) < _MOST_DIGITS:
            return value
        return f"{value:,}" if key in _COUNTS else GONE

    def _cleaned(self, text: str) -> str:
        for pattern in self._cards:
            text = pattern.sub(_gone_if_any, text)
        text = self._personal.sub(GONE, text)
        return _LONG.sub(_gone_if_random, text)


def _gone_if_any(found: re.Match[str]) -> str:
    return GONE if found[0] else ""


def _gone_if_random(found: re.Match[str]) -> str:
    # Names of devices are as long; they have no capitals, small letters and digits at once, or
    # begin as udev has them begin.
    text = found[0]
    mixed = any(c.isdigit() for c in text) and text.lower() != text != text.upper()
    return GONE if mixed and not text.startswith(("usb-", "pci-", "platform-")) else text
