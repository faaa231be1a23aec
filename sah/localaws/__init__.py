"""An embedded AWS for the demo and the tests: moto's server plus what moto lacks.

Nothing here imports moto until a server starts, so that the command line stays quick.
"""

from sah.localaws.server import LocalAws, serve

__all__ = ["LocalAws", "serve"]
