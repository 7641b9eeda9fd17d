"""The configuration file: frozen values, and every fault of a file in one run."""
