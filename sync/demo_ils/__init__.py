"""The library system of the demo: a town's loans in memory, spoken to over SIP2 by PyPI pysip2."""
