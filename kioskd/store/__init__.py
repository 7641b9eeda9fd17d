"""The files of a device: credentials, state and journal. SQLAlchemy Core on SQLite."""
