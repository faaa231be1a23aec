"""Structured logs: one event a line, with the request's id, and no secret ever."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any, TextIO, cast

import structlog

_SECRET_NAMES = re.compile(
    r"secret|passw|token|authorization|cookie|api_?key|access_?key|encryption_?key|credential",
    re.IGNORECASE,
)
# Groups are what stays of a match; the rest of it is the secret.
_SECRET_VALUES = re.compile(
    r"""(?<![A-Za-z0-9/+=]) (?:AKIA|ASIA)[A-Z0-9]{12,}
      | \bsah_[0-9a-f]{16,}
      | (?P<scheme>\b(?:Bearer|Basic)\s+) [A-Za-z0-9._~+/=-]{6,}
      | (?P<login>://[^/\s:@]*:) [^/\s@]+ (?=@)
      | (?P<pair>\b[\w-]*(?:secret|passw(?:or)?d|token|access_?key)[\w-]*["']?\s*[=:]\s*["']?)
        [^\s"',;&]+
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Something of every alternative above, in small letters: looking for these is ten times quicker,
# and most texts have none.
_SIGNS = (
    *("akia", "asia", "sah_", "bearer", "basic", "://"),
    *("secret", "password", "passwd", "token", "access"),
)
REDACTED = "[redacted]"
_TRACES = ("exception", "stack")  # these have many lines


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Blank whatever is named like a secret, and what looks like one within texts."""
    for key, value in event.items():
        event[key] = _clean(key, value)
    return event


@lru_cache(1000)
def _is_secret(name: str) -> bool:
    return _SECRET_NAMES.search(name) is not None


def _clean(name: str, value: object) -> object:
    if _is_secret(name) and not isinstance(value, bool | None):
        return REDACTED
    if isinstance(value, Mapping):
        return {key: _clean(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item) for item in value]
    if value is None or isinstance(value, bool | int | float | datetime):
        return value
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """Blank what looks like a secret within a text."""
    folded = text.casefold()
    if not any(sign in folded for sign in _SIGNS):
        return text
    return _SECRET_VALUES.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    kept = match["scheme"] or match["login"] or match["pair"] or ""
    return f"{kept}{REDACTED}"


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what standard error is now, not to what it was when logging began."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        """Take no other."""


def configure_logs(log_format: str, level: str) -> None:
    """Send all logs, those of libraries too, through one redacting pipeline to stderr.

    SAH's own events go there straight: a detour through ``logging`` would format each twice.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        redact,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers = _make_renderers(log_format)
    structlog.configure(
        processors=[*shared, *renderers],
        logger_factory=_log_to_stderr,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )
    _configure_libraries(formatter, level.upper())


def _make_renderers(log_format: str) -> list[structlog.typing.Processor]:
    if log_format == "json":
        return [structlog.processors.JSONRenderer()]
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return [disarm, console]


def disarm(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Escape what would steer a terminal or pass for another line; JSON does so by itself."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            kept = "\n\t" if key in _TRACES else ""
            event[key] = "".join(
                c if c.isprintable() or c in kept else c.encode("unicode_escape").decode()
                for c in value
            )
    return event


class _Stderr:
    """What standard error is now. A full disk or a closed pipe loses the log, and nothing else."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


_LOGGER = structlog.WriteLogger(cast("TextIO", _Stderr()))


def _log_to_stderr(*_names: object) -> structlog.WriteLogger:
    return _LOGGER


def _configure_libraries(formatter: logging.Formatter, level: str) -> None:
    handler = _StderrHandler()
    handler.setFormatter(formatter)
    handler.setLevel(level)  # for those too that have a level of their own
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("botocore", "boto3", "urllib3", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of every run that it leaves out because the last one is not over: so be it.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
