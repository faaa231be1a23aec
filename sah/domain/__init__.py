"""The rules of SAH: pure, standard library only, without clock, database or request."""
