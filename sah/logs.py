"""Structured logs: one event a line, with the request's id, and no secret ever."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_NAMES = re.compile(
    r"secret|password|token|authorization|cookie|api_key|access_key", re.IGNORECASE
)
_SECRET_VALUES = re.compile(
    r"(?<![A-Za-z0-9/+=])(?:AKIA|ASIA)[A-Z0-9]{12,}|Bearer\s+\S+|aws_secret_access_key\S*\s*\S+",
    re.IGNORECASE,
)
REDACTED = "[redacted]"


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Blank whatever is named like a secret, and what looks like one within texts."""
    for key, value in event.items():
        if _SECRET_NAMES.search(key):
            event[key] = REDACTED
        elif isinstance(value, str):
            event[key] = _SECRET_VALUES.sub(REDACTED, value)
    return event


def configure_logs(log_format: str, level: str) -> None:
    """Send all logs, those of libraries too, through one redacting pipeline to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("apscheduler", "botocore", "boto3", "urllib3", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
