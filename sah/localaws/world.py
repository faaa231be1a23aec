"""The one lock around moto, which has none of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Servers in one process share moto's state, so they share its lock. A RevisionId is only
# worth something when comparing and changing is one step.
WORLD = threading.RLock()


@contextmanager
def let_go() -> Iterator[None]:
    """Give the world to others meanwhile; for a caller who holds it exactly once."""
    WORLD.release()
    try:
        yield
    finally:
        WORLD.acquire()
