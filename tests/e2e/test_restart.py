"""After its master was killed SAH can be started again at once, whoever is still connected."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.e2e.processes import PATIENCE_S
from tests.site import make_site, serving

NO_AWS = "http://127.0.0.1:9"
# Its body never comes, so whoever answers it waits.
UNFINISHED = b"POST /login HTTP/1.1\r\nHost: sah\r\nContent-Length: 1\r\n\r\n"


@contextmanager
def unfinished_request(port: int) -> Iterator[None]:
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.sendall(UNFINISHED)
        yield


def ask(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/healthz")
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_request_that_never_ends_does_not_hold_the_port(tmp_path: Path) -> None:
    site = make_site(tmp_path, NO_AWS, "shop")
    with serving(site) as server, unfinished_request(server.port):
        assert ask(server.port) == 200  # who came before was let in before
        server.kill_master()
        with serving(site, server.port) as again:
            assert ask(again.port) == 200
