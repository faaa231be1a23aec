"""The HTTP server: threads, keep-alive, silence, and a stop that is a stop."""

import contextlib
import socket
import threading
from collections.abc import Callable

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from sah.localaws.frontdoor import Answer
from sah.localaws.identify import Environ

BACKLOG = 128


class Handler(MotoRequestHandler):
    """Answer many requests on one connection, and write no log."""

    protocol_version = "HTTP/1.1"
    # The head and the body are two writes; with Nagle's algorithm the second waits
    # for the client's delayed acknowledgement, 40 ms a call.
    disable_nagle_algorithm = True
    server: "Server"

    def setup(self) -> None:
        """Let the server know of this connection."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Forget this connection."""
        self.server.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle_expect_100(self) -> bool:
        """Promise to read the body, as ``Expect: 100-continue`` asks."""
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def run_wsgi(self) -> None:
        """Answer one request and keep the connection; werkzeug closes every one.

        That is safe here because the front door always reads the whole request.
        """
        answer = self.server.answer(self.make_environ())
        self.send_response(*answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 -- the base's
        """Stay silent: a line per request would drown the demo."""


class Server(ThreadedWSGIServer):
    """A threaded server that closes its clients' idle connections when it stops."""

    def __init__(self, host: str, port: int, answer: Callable[[Environ], Answer]) -> None:
        self.answer = answer
        self.connections: set[socket.socket] = set()
        # werkzeug ends the whole process when the port is taken; bind it here instead.
        with socket.create_server((host, port), backlog=BACKLOG) as listener:
            super().__init__(host, port, _no_app, handler=Handler, fd=listener.fileno())
        self._thread = threading.Thread(target=self._run, name="localaws", daemon=True)

    def _run(self) -> None:
        self.serve_forever(poll_interval=0.05)

    def start(self) -> None:
        """Begin to serve, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and hang up on everybody."""
        self.shutdown()
        self._thread.join()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _no_app(_environ: Environ, _start_response: object) -> list[bytes]:
    """Stand in for the WSGI application, which the handler never calls."""
    return []
