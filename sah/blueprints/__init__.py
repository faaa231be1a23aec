"""The pages: parse, check access, call one service, redirect or render."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register every blueprint."""
    del app
