"""The machine's clocks, and what speaks for them."""
