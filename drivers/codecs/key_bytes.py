"""Keys of a serial keypad: one byte a key. Sans-io, and without state: every byte stands alone.

Deliberately not here: what a key means while a PIN is typed (kioskd.access.session).
"""

_KEYS = {**{ord(digit): digit for digit in "0123456789"}, ord("#"): "#", ord("\r"): "#", 0x2A: "*"}
_NOISE = bytes(byte for byte in range(256) if byte not in _KEYS)


def keys(data: bytes) -> list[str]:
    """The keys in these bytes: "0" to "9", "#" for `#` or CR, "*"; all else is dropped."""
    return [_KEYS[byte] for byte in data.translate(None, _NOISE)]
