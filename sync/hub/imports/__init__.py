"""Imports: what a register exports becomes persons in the hub."""
