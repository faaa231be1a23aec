"""What was asked of the embedded AWS, so that tests can count the calls of their code."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Call(NamedTuple):
    """One request: ``("lambda", "UpdateAlias", {"FunctionName": …})``.

    The parameters are as they arrived: nested members of a form stay flat
    (``Parameters.member.1.ParameterKey``).
    """

    service: str
    operation: str
    params: Mapping[str, Any]


class Calls:
    """A record of calls that many threads may write to and read from."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def record(self, call: Call) -> None:
        """Add one call at the end."""
        with self._lock:
            self._calls.append(call)

    def clear(self) -> None:
        """Forget every call."""
        with self._lock:
            self._calls.clear()

    def count(self, operation: str | None = None) -> int:
        """Count the calls of one operation, or all of them."""
        return len(self) if operation is None else len(self.named(operation))

    def named(self, operation: str) -> list[Call]:
        """List the calls of one operation, oldest first."""
        return [call for call in self if call.operation == operation]

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter(list(self._calls))

    def __len__(self) -> int:
        with self._lock:
            return len(self._calls)

    def __getitem__(self, index: int) -> Call:
        with self._lock:
            return self._calls[index]
