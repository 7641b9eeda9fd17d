"""Drivers: one file for each kind of device, and the shipped fakes. They see ports alone."""
