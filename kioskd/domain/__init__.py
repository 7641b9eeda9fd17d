"""Frozen values that every other part speaks in. No behaviour beyond their own."""
