"""SAH rolls a whole serverless stack back by repointing its Lambda aliases."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from sah.config import Settings
    from sah.services.accounts import ConnectionPool

__version__ = "0.1.0"


def create_app(
    settings: "Settings | None" = None,
    *,
    instance: "Path | None" = None,
    connections: "ConnectionPool | None" = None,
) -> "Flask":
    """Make the app, see ``sah.factory``; its imports wait until then, for a quick ``sah --help``.

    :raises ConfigError: a setting is missing or wrong; the message names it.
    """
    from sah import factory  # noqa: PLC0415 - see above

    return factory.create_app(settings, instance=instance, connections=connections)
