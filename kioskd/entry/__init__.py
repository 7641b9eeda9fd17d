"""The entry use case: one access point from scan to strike, over ports alone."""
