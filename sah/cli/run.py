"""``sah run``: serve SAH, after every setting has been checked."""
# ruff: noqa: PLC0415 - see sah.cli.base

import errno
import fcntl
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sah.cli.base import Failure, instance_option, reason_of

if TYPE_CHECKING:
    from flask import Flask

    from sah.config import Settings


# The worker of a server that was killed gives the port up once it notices: within a second,
# but on a machine that is busy with something else.
_PATIENCE_S = 5.0


@click.command()
@click.option("--host", metavar="H", help="The address to listen on (default: SAH_HOST).")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="P",
    help="The port to listen on, 0 for any free one (default: SAH_PORT).",
)
@click.option("--until-stdin-ends", is_flag=True, hidden=True)
@instance_option
def run(
    *, host: str | None, port: int | None, instance: Path | None, until_stdin_ends: bool
) -> None:
    """Serve SAH; Ctrl-C or SIGTERM ends it."""
    from sah import create_app
    from sah.config import load_settings

    # The server's own configuration and a restart by signal read these again.
    for name, value in (("HOST", host), ("PORT", port), ("INSTANCE", instance)):
        if value is not None:
            os.environ[f"SAH_{name}"] = str(value)
    settings = load_settings()
    listener = listen(settings)
    lock = claim_instance(settings.instance)
    app = create_app(settings)
    click.echo(f"SAH serves on {address_of(listener)} (Ctrl-C stops it)")
    if until_stdin_ends:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    serve(app, listener)
    os.close(lock)


def claim_instance(folder: Path) -> int:
    """Keep a second server off an instance, as long as this process lives.

    The lock is not inherited by the worker: one whose master was killed ends by itself, and
    must not keep SAH from being started again.

    :raises Failure: another server has it, or the folder cannot be written.
    """
    give_up_at = time.monotonic() + _PATIENCE_S
    try:
        lock = os.open(folder / ".serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Failure(f"SAH_INSTANCE: {folder} cannot be written: {reason_of(error)}.") from error
    while True:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:  # POSIX lets it be either
            if time.monotonic() < give_up_at:
                time.sleep(0.1)
                continue
            os.close(lock)
            raise Failure(
                f"SAH_INSTANCE: another SAH serves {folder} already. "
                "Stop it first: two would sync everything twice."
            ) from error
        return lock


def listen(settings: "Settings") -> socket.socket:
    """Take the port before anything else is done, to say so early when it is taken.

    :raises Failure: the address cannot be listened on.
    """
    give_up_at = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return _bind(settings.host, settings.port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < give_up_at:
                time.sleep(0.1)
                continue
            raise Failure(
                f"SAH_HOST, SAH_PORT: SAH cannot listen on {settings.host}:{settings.port}: "
                f"{reason_of(error)}. Choose others with --host and --port."
            ) from error


def _bind(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address[:2], family=family, backlog=2048)


def address_of(listener: socket.socket) -> str:
    """Say where a socket listens, as a browser wants it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: "Flask", listener: socket.socket) -> None:
    """Serve an app on a socket that listens already; does not return."""
    from gunicorn.app.base import BaseApplication

    from sah import gunicorn_conf

    class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
        """gunicorn, with the app that the command line has made."""

        def load_config(self) -> None:
            """Take the settings from ``gunicorn_conf``, but for the address."""
            for name, value in vars(gunicorn_conf).items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)
            self.cfg.set("bind", f"fd://{listener.fileno()}")

        def load(self) -> "Flask":
            """Give the app."""
            return app

    Server(prog="sah").run()


def _end_with_stdin() -> None:
    """End when the program that holds our standard input does, however it ended.

    The file descriptor is read itself: a thread in ``sys.stdin`` would hold its lock.
    """
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
