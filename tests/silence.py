"""An AWS that hangs, and a patience with it that no clock ends."""

import threading
from collections.abc import Collection
from concurrent.futures import Future, wait
from concurrent.futures._base import DoneAndNotDoneFutures

import pytest

from tests.fakes import Call, FakeAws


class Silence:
    """An AWS that answers calls of some names only once ``end`` was called.

    Who waits for one of them gives up as soon as it hangs.
    """

    def __init__(self, aws: FakeAws, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        self.names = names
        self.asked = 0
        self._hung = threading.Event()
        self._over = threading.Event()
        aws.hook = self._answer
        monkeypatch.setattr("sah.services.answers.wait", self._wait)

    def end(self) -> None:
        """Let all go on that hangs, and nothing hang any more."""
        self._over.set()

    def _answer(self, call: Call) -> None:
        if call.name in self.names and not self._over.is_set():
            self.asked += 1
            self._hung.set()
            self._over.wait(60)

    def _wait(
        self, asked: Collection[Future[object]], _patience_s: float
    ) -> DoneAndNotDoneFutures[object]:
        while not self._hung.is_set() and wait(asked, 0.01).not_done:
            pass
        self._hung.clear()
        return wait(asked, 0)
