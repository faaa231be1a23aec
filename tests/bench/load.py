"""Send the same request again and again over a few connections, and time every answer."""

import socket
import threading
import time
from dataclasses import dataclass

_HEADER_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """What came of it: answers a second, and the times of all answers in seconds, sorted."""

    per_second: float
    times: list[float]
    statuses: dict[int, int]

    def percentile_s(self, share: float) -> float:
        """Give the time within which this share of the answers came."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))]


def make_request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Write one POST request for a connection that stays open."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _HEADER_END + body


def put_under_load(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Send a request over so many connections at once, one after the other on each."""
    times: list[float] = []
    statuses: dict[int, int] = {}
    begun = time.perf_counter()

    def work() -> None:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.perf_counter() - begun < seconds:
                sent = time.perf_counter()
                sock.sendall(request)
                status = _read_answer(sock)
                times.append(time.perf_counter() - sent)
                statuses[status] = statuses.get(status, 0) + 1

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(len(times) / (time.perf_counter() - begun), sorted(times), statuses)


def _read_answer(sock: socket.socket) -> int:
    """Read one whole answer; give its status."""
    data = b""
    while _HEADER_END not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(_HEADER_END)
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    while len(body) < length:
        body += sock.recv(65536)
    return int(head.split(b" ", 2)[1])
