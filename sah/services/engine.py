"""Move many aliases at once: threads that call AWS, and one loop that decides.

The threads see neither the database nor the app. The loop runs in the thread that
owns the session; it writes down an attempt before the call is made, and every
outcome as it comes. How fast calls may go is the gateway's matter (aws-facts 1).
"""

import heapq
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, Self

import structlog

from sah.aws.gateway import AwsGateway
from sah.domain.errors import AwsServerError, SahError
from sah.domain.operations import MoveOutcome
from sah.domain.steps import Answer, Patience, Phase, Rules, Step, Task

log = structlog.get_logger(__name__)

# Calls in flight at once, updates and readings each: enough for AWS's 15 updates a
# second at 0.8 s each, and no more, since after a failure these still go out.
MOST_IN_FLIGHT = 12
# How long the loop sleeps at most, so that the operation's heartbeat goes on.
LONGEST_WAIT_S = 2.0


class Scribe(Protocol):
    """Who writes down what the engine does."""

    def attempt(self, function: str) -> None:
        """An update is about to be sent."""

    def record(self, step: Step) -> None:
        """AWS answered, and this is what it means."""

    def skip(self, task: Task) -> None:
        """No update was sent, and none will be."""

    def commit(self) -> None:
        """Keep what was written, before the next calls are sent."""


@dataclass(frozen=True, slots=True)
class _Lane:
    """One kind of calls: the tasks that wait, and the threads that take them."""

    tasks: "queue.SimpleQueue[Task | None]" = field(default_factory=queue.SimpleQueue)
    threads: list[threading.Thread] = field(default_factory=list)


class Crew:
    """Threads that make the calls of tasks. Use it as a context manager.

    Readings have threads of their own, so that they need not wait behind updates.
    A thread starts when there is a task for it.
    """

    def __init__(self, gateway: AwsGateway, size: int) -> None:
        self.size = max(1, min(size, MOST_IN_FLIGHT))
        self._gateway = gateway
        self._answers: queue.SimpleQueue[tuple[Task, Answer | BaseException]] = queue.SimpleQueue()
        self._writes = _Lane()
        self._reads = _Lane()
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        lanes = (self._writes, self._reads)
        for lane in lanes:
            for _thread in lane.threads:
                lane.tasks.put(None)
        for lane in lanes:
            for thread in lane.threads:
                thread.join()

    def send(self, task: Task) -> None:
        """Have the call of a task's phase made."""
        lane = self._writes if task.phase.writes else self._reads
        lane.tasks.put(task)
        if len(lane.threads) < self.size:
            name = f"aws-{task.phase}-{len(lane.threads)}"
            thread = threading.Thread(target=self._work, args=(lane.tasks,), name=name)
            lane.threads.append(thread)
            thread.start()

    def collect(self, timeout_s: float) -> list[tuple[Task, Answer]]:
        """Wait for answers, and give all that are there."""
        found: list[tuple[Task, Answer | BaseException]] = []
        try:
            found.append(self._answers.get(timeout=timeout_s))
            while True:
                found.append(self._answers.get_nowait())
        except queue.Empty:
            return [(task, _raised(answer)) for task, answer in found]

    def _work(self, tasks: "queue.SimpleQueue[Task | None]") -> None:
        while (task := tasks.get()) is not None:
            if self._stopped.is_set():
                continue
            self._answers.put((task, self._call(task)))

    def _call(self, task: Task) -> Answer | BaseException:
        try:
            return _ask(self._gateway, task)
        except SahError as error:
            return error
        except Exception as error:
            # A fault of ours, after which nobody knows whether the call had an effect.
            log.exception("operation.call_crashed", function=task.function, phase=task.phase)
            return AwsServerError(f"The call failed unexpectedly: {error!r}.")
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which ends
            return error


@dataclass
class Drive:
    """Bring tasks to their ends. With ``stop_on_failure`` no update follows a failed one."""

    crew: Crew
    scribe: Scribe
    patience: Patience
    stop_on_failure: bool = False
    clock: Callable[[], float] = time.monotonic
    _stopping: bool = False
    _writes: int = 0
    _reads: int = 0
    _waiting: deque[Task] = field(default_factory=deque)
    _later: list[tuple[float, int, Task]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, tasks: Iterable[Task]) -> None:
        """Go on until every task has ended."""
        self._waiting.extend(tasks)
        while self._waiting or self._later or self._writes or self._reads:
            self._send(self._take_due())
            for task, answer in self.crew.collect(self._pause_s()):
                self._count(task, -1)
                self._settle(task, answer)
        self.scribe.commit()

    def _take_due(self) -> list[Task]:
        due = []
        while self._later and self._later[0][0] <= self.clock():
            due.append(heapq.heappop(self._later)[2])
        if self._stopping:
            self._skip(self._waiting)
            self._waiting.clear()
        room = self.crew.size - self._writes - sum(task.phase.writes for task in due)
        while self._waiting and (room > 0 or not self._waiting[0].phase.writes):
            room -= self._waiting[0].phase.writes
            due.append(self._waiting.popleft())
        return due

    def _send(self, tasks: list[Task]) -> None:
        if self._stopping:
            dropped = [task for task in tasks if task.phase is Phase.UPDATE and not task.in_doubt]
            self._skip(dropped)
            tasks = [task for task in tasks if task not in dropped]
        for task in tasks:
            if task.phase.writes:
                self.scribe.attempt(task.function)
        self.scribe.commit()
        for task in tasks:
            self._count(task, 1)
            self.crew.send(task)

    def _settle(self, task: Task, answer: Answer) -> None:
        rules = Rules(self.patience, stopping=self._stopping, now=datetime.now(UTC))
        step = rules.next_step(task, answer)
        self.scribe.record(step)
        if not step.ended:
            due = self.clock() + step.delay_s
            heapq.heappush(self._later, (due, next(self._numbers), step.task))
        elif self.stop_on_failure and step.outcome in (MoveOutcome.FAILED, MoveOutcome.UNKNOWN):
            self._stopping = True

    def _skip(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self.scribe.skip(task)

    def _count(self, task: Task, change: int) -> None:
        if task.phase.writes:
            self._writes += change
        else:
            self._reads += change

    def _pause_s(self) -> float:
        if not (self._writes or self._reads or self._later):
            return 0.0
        due = self._later[0][0] - self.clock() if self._later else LONGEST_WAIT_S
        return min(max(0.0, due), LONGEST_WAIT_S)


def _ask(gateway: AwsGateway, task: Task) -> Answer:
    match task.phase:
        case Phase.UPDATE:
            return gateway.update_alias(task.function, task.alias, task.after, task.revision_id)
        case Phase.FENCE:
            return gateway.update_alias(task.function, task.alias, task.fence, task.revision_id)
        case Phase.CHECK:
            return gateway.get_version(task.function, task.alias).version
        case Phase.LOOK | Phase.CONFIRM:
            return gateway.get_alias(task.function, task.alias)


def _raised(answer: Answer | BaseException) -> Answer:
    """Let what is no answer, such as the end of the process, go up."""
    if isinstance(answer, BaseException) and not isinstance(answer, SahError):
        raise answer
    return answer
