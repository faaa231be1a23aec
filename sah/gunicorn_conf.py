"""How gunicorn serves SAH: one worker with threads, and the scheduler in it, once.

``sah run`` reads this, and so may ``gunicorn -c python:sah.gunicorn_conf "sah:create_app()"``.
"""

import gc
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from sah.config import load_settings
from sah.scheduler import start_scheduler, stop_scheduler

_settings = load_settings()
_MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - gunicorn unlinks its file there at once

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host

bind = f"{_host}:{_settings.port}"
# One process, because the scheduler and the locks of running operations live in it.
workers = 1
threads = _settings.threads
# A running request, such as a move of many aliases, is let finish for so long.
graceful_timeout = 20
timeout = 60
# The worker's sign of life is a file: on a busy disk its touch could block for seconds.
worker_tmp_dir = str(_MEMORY_DISK) if os.access(_MEMORY_DISK, os.W_OK) else None
control_socket_disable = True
# As long as gunicorn allows: a longer address would be refused in a form that is not SAH's.
limit_request_line = 8190
# SAH_PROXY_HOPS alone decides which forwarding headers are believed.
forwarded_allow_ips = ""
loglevel = "debug" if _settings.log_level == "debug" else "warning"

# A client that sends or takes nothing for so long is cut off: it holds one of few threads.
_SILENCE_S = 10

_running: list[BackgroundScheduler] = []


class PlainLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Hands gunicorn's messages to SAH's own log, instead of printing them in another form."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn's Config
        """Undo gunicorn's own handlers."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """Make no traceback of a client that was cut off, see ``Worker``."""
        if isinstance(sys.exception(), BlockingIOError):
            self.debug("A client was silent for too long.")
            return
        super().exception(msg, *args, **kwargs)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's worker with threads, which else waits for clients as long as they like."""

    def enqueue_req(self, conn: Any) -> None:  # noqa: ANN401 - gunicorn's connection
        """Have the system end waits; gunicorn sets Python's own timeout to none at each request."""
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", _SILENCE_S, 0))
        super().enqueue_req(conn)

    def is_parent_alive(self) -> bool:
        """Look whether the master lives; without it accept nobody, and end soon.

        gunicorn itself would keep the port until every connection is closed, and let whoever
        keeps one alive ask on it for as long as ``graceful_timeout``.
        """
        if super().is_parent_alive():
            return True
        self.alive = False  # what is answered from now on says that the connection closes
        self.set_accept_enabled(enabled=False)
        for listener in self.sockets:
            listener.close()
        return False


logger_class = PlainLogger
worker_class = Worker


def post_worker_init(worker: Any) -> None:  # noqa: ANN401 - gunicorn's Worker
    """Start the jobs once the app is loaded."""
    _running.append(start_scheduler(worker.wsgi))


def worker_exit(_server: object, _worker: object) -> None:
    """Stop the jobs; what they read so far is kept by the database."""
    while _running:
        stop_scheduler(_running.pop())
    gc.freeze()  # the process ends: to collect its modules first would take a second


def on_exit(_server: object) -> None:
    """End as quickly as the worker did."""
    gc.freeze()
