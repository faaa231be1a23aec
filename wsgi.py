"""The WSGI entry point."""

from sah import create_app

app = create_app()
