"""The screen beside a door."""
