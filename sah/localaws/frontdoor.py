"""What every request passes before moto: record, latency, rate limits and faults."""

import json
import logging
import math
import threading
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from xml.sax.saxutils import escape

from sah.localaws.calls import Call, Calls
from sah.localaws.faults import Fault, Faults
from sah.localaws.identify import Asked, Environ, find_account, identify
from sah.localaws.limits import Limits
from sah.localaws.running import SERVED_AT
from sah.localaws.world import WORLD

log = logging.getLogger(__name__)
Headers = list[tuple[str, str]]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Knobs(Protocol):
    """The two knobs; both may be turned while the server runs."""

    latency_ms: float
    rate_limits: bool


@dataclass(slots=True)
class Answer:
    """One complete HTTP response; the headers always give its length, for keep-alive."""

    status: tuple[int, str]
    headers: Headers
    body: bytes

    def __post_init__(self) -> None:
        names = {name.lower() for name, _ in self.headers}
        if "content-length" not in names and self.status[0] != HTTPStatus.NO_CONTENT:
            self.headers.append(("Content-Length", str(len(self.body))))


@dataclass(slots=True)
class FrontDoor:
    """What stands in front of moto's WSGI application."""

    app: App
    knobs: Knobs
    calls: Calls
    limits: Limits
    faults: Faults
    stopping: threading.Event = field(default_factory=threading.Event)

    def answer(self, environ: Environ) -> Answer:
        """Serve one request."""
        SERVED_AT.set(f"http://{environ['HTTP_HOST']}")
        asked = identify(environ)
        self.calls.record(Call(asked.service, asked.operation, asked.params))
        self.stopping.wait(self.knobs.latency_ms / 1000)
        return self._throttle(asked) or self._answer(asked, environ)

    def _throttle(self, asked: Asked) -> Answer | None:
        if not self.knobs.rate_limits:
            return None
        with WORLD:
            account = find_account(asked.key)
        wait = self.limits.wait(asked.service, asked.operation, account, asked.region)
        if not wait:
            return None
        answer = tell_error(asked, 429, "TooManyRequestsException", "Rate exceeded")
        answer.headers.append(("Retry-After", str(math.ceil(wait))))
        return answer

    def _answer(self, asked: Asked, environ: Environ) -> Answer:
        fault = self.faults.take(asked.operation, asked.params)
        if fault is None:
            return self._pass_on(asked, environ)
        if fault.after_effect or fault.status is None:
            return self._fail_after(fault, asked, environ)
        self.stopping.wait(fault.delay_s)
        return tell_error(asked, fault.status, fault.code, fault.message)

    def _fail_after(self, fault: Fault, asked: Asked, environ: Environ) -> Answer:
        answer = self._pass_on(asked, environ)
        self.stopping.wait(fault.delay_s)
        if fault.status is None:
            return answer
        return tell_error(asked, fault.status, fault.code, fault.message)

    def _pass_on(self, asked: Asked, environ: Environ) -> Answer:
        # A queue may let its caller wait for many seconds.
        lock: AbstractContextManager[Any] = nullcontext() if asked.waits else WORLD
        try:
            with lock:
                return run(self.app, environ)
        except NotImplementedError as error:
            return tell_error(asked, 501, "NotImplemented", str(error))
        except Exception as error:
            log.exception("%s %s failed inside the embedded AWS", asked.service, asked.operation)
            return tell_error(asked, 500, "InternalFailure", f"{type(error).__name__}: {error}")


def run(app: App, environ: Environ) -> Answer:
    """Call a WSGI application and collect its whole answer."""
    begun: list[tuple[str, Headers]] = []

    def start(status: str, headers: Headers, _exc_info: object = None) -> None:
        begun.append((status, list(headers)))

    parts = app(environ, start)
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    status, headers = begun[-1]
    code, _, phrase = status.partition(" ")
    return Answer((int(code), phrase), headers, body)


def tell_error(asked: Asked, status: int, code: str, message: str) -> Answer:
    """Say an error in the language that the caller's protocol expects."""
    request_id = str(uuid.uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    line = (status, HTTPStatus(status).phrase)
    if asked.speaks == "json":
        kind = "User" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Server"
        text = json.dumps({"Type": kind, "Message": message, "message": message})
        headers += [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
        return Answer(line, headers, text.encode())
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if asked.speaks == "s3":
        text = f"<Error>{error}<RequestId>{request_id}</RequestId></Error>"
    else:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return Answer(line, [*headers, ("Content-Type", "text/xml")], text.encode())
