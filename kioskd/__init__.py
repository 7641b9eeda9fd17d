"""kioskd: the daemon that runs a library's doors and desks when nobody is at the desk."""

__version__ = "0.1.0"
