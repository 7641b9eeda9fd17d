"""Door policy, hours, lockout and the machines of an entry. Pure: no clock, no files, no loop."""
