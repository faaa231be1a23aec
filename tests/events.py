"""What SAH writes to its log, whatever the level of the tests."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.testing import capture_logs


@contextmanager
def captured_events() -> Iterator[list[MutableMapping[str, Any]]]:
    """Collect the events of the block, before anything in them is blanked."""
    configured = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("debug"))
    try:
        with capture_logs() as events:
            yield events
    finally:
        structlog.configure(wrapper_class=configured)
