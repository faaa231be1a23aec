"""How fast SAH is, measured: ``make bench``."""
