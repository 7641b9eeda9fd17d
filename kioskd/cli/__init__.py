"""The command line. Only here may rich be imported; nothing heavy before it is needed."""
