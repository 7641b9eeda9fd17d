"""Keys, card indices, sealed credentials and PIN verification. Nothing here knows a database."""
