"""Pure helpers that templates use as filters."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the filters."""
    del app
