"""Tables [register.sip2] that the tests of it begin with."""

from collections.abc import Callable
from pathlib import Path

from kioskd.config.model import Config

Read = Callable[[str], Config]
Find = Callable[[str], list[str]]
Write = Callable[[str | bytes], Path]

HERE = "[register.sip2]\nhost = '127.0.0.1'\ntls = false\n"
FAR = "[register.sip2]\nhost = 'sip.example.invalid'\n"
KOHA = "dialect = 'koha'\n"
SUOMI = "dialect = 'koha-suomi'\ninstitution = 'ESI'\n"
EXAMPLE = f"{HERE}{SUOMI}port = 6001\nuser = 'kiosk'\nsecret = 'credential:sip2-secret'\n"
USED = "register.sip2: `kioskd doctor` and `kioskd sip2 trace` use it; doors and desks do not yet"
KEY = "register.sip2."
