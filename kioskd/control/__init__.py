"""What people and screens ask of a running daemon, over its socket."""
