"""AWS's pages: callers that do not follow the marker see only the first one."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from moto.core.exceptions import ServiceException

T = TypeVar("T")


def page(
    items: Sequence[T], marker: str | None, size: int, bad_marker: ServiceException
) -> tuple[list[T], str | None]:
    """Cut one page out of ``items``; the second value is the next marker, or None."""
    start = _read(marker, bad_marker) if marker else 0
    end = start + size
    return list(items[start:end]), _write(end) if end < len(items) else None


def _write(position: int) -> str:
    return base64.urlsafe_b64encode(f"position {position}".encode()).decode()


def _read(marker: str, bad_marker: ServiceException) -> int:
    try:
        word, number = base64.urlsafe_b64decode(marker).decode().split()
    except (binascii.Error, ValueError):
        raise bad_marker from None
    return int(number) if word == "position" and number.isdigit() else 0
