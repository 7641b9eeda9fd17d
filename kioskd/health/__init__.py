"""Whether all of it works, and who is told when it does not."""
