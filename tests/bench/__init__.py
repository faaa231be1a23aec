"""How fast operations are, measured: ``make bench``."""
