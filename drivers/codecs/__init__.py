"""Frames of devices as pure values and sans-io machines: bytes in, meaning out."""
