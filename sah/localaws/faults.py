"""Failures that a test asks for: the next calls of an operation go wrong."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Match = Callable[[dict[str, Any]], bool]


@dataclass(slots=True)
class Fault:
    """How the next matching calls of one operation answer.

    A ``status`` of None lets the true answer through, after ``delay_s``.
    """

    operation: str
    times: int
    status: int | None
    code: str
    message: str
    after_effect: bool
    match: Match | None
    delay_s: float

    def fits(self, operation: str, params: Mapping[str, Any]) -> bool:
        """Tell whether this fault is meant for such a call."""
        if self.times < 1 or operation != self.operation:
            return False
        return self.match is None or self.match(dict(params))


class Faults:
    """The faults still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Line up one more fault, behind those already there."""
        with self._lock:
            self._faults.append(fault)

    def take(self, operation: str, params: Mapping[str, Any]) -> Fault | None:
        """Use up one turn of the first fault that fits this call."""
        with self._lock:
            fault = next((f for f in self._faults if f.fits(operation, params)), None)
            if fault:
                fault.times -= 1
            return fault

    def clear(self) -> None:
        """Drop every fault that was not used."""
        with self._lock:
            self._faults.clear()
