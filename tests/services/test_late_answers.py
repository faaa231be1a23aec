"""An update whose answer was lost may still arrive at AWS: at any later moment, even at the end."""

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from sah.domain.aliases import AliasState
from sah.domain.errors import AwsError, AwsUnreachableError
from sah.domain.operations import MoveOutcome, OnFailure
from tests.fakes import FakeAws
from tests.services.scene import ALIAS, TARGET, Ground, Killed, Killer, Scene, make_aws

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = tuple(f"shop-dev-{number:02}" for number in range(4))
VICTIM = NAMES[1]


class Late:
    """A gateway that loses some updates on the way: each arrives so many calls later."""

    def __init__(self, aws: FakeAws, delays: list[int]) -> None:
        self._aws = aws
        self._delays = list(delays)
        self._on_the_way: list[tuple[int, Callable[[], object]]] = []
        self._calls = 0
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the gateway has
        method = getattr(self._aws, name)

        def call(*args: object) -> object:
            with self._lock:
                self._calls += 1
                self._arrive(self._calls)
                return method(*args)

        return call

    def update_alias(self, function: str, *args: Any) -> AliasState:  # noqa: ANN401
        with self._lock:
            self._calls += 1
            self._arrive(self._calls)
            if function == VICTIM and args[1].version == TARGET and self._delays:
                due = self._calls + self._delays.pop(0)
                self._on_the_way.append((due, lambda: self._aws.update_alias(function, *args)))
                raise AwsUnreachableError("timed out")
            return self._aws.update_alias(function, *args)

    def arrive(self) -> None:
        """Let everything arrive that is still on the way."""
        self._arrive(10**9)

    def _arrive(self, now: int) -> None:
        waiting, self._on_the_way = self._on_the_way, []
        for due, send in waiting:
            if due > now:
                self._on_the_way.append((due, send))
                continue
            with suppress(AwsError):  # its RevisionId is an old one by now
                send()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    choice=st.sampled_from(OnFailure),
    delays=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    unread=st.integers(0, 10),
    denied=st.booleans(),
    kill_at=st.integers(1, 60),
)
@example(choice=OnFailure.PUT_BACK, delays=[16], unread=8, denied=False, kill_at=2)
def test_an_update_that_arrives_late_never_makes_the_journal_lie(
    ground: Ground,
    *,
    choice: OnFailure,
    delays: list[int],
    unread: int,
    denied: bool,
    kill_at: int,
) -> None:
    aws = make_aws(NAMES)
    late = Late(aws, delays)
    killer = Killer(late)
    scene = Scene(ground, killer, NAMES)
    operation_id = scene.start(choice)
    if unread:
        aws.fail("GetAlias", AwsUnreachableError("timed out"), times=unread, subject=VICTIM)
    if denied:
        aws.fail("UpdateAlias", AwsUnreachableError("down"), times=99, subject=NAMES[-1])
    killer.strike_at(kill_at, after_effect=True)
    try:
        operation = scene.execute(operation_id)
    except Killed:
        killer.rest()
        scene.forget()
        operation = scene.execute(operation_id)
    killer.rest()
    aws._faults.clear()
    scene.gateway = aws
    note(str([(m.function, m.outcome, m.detail) for m in operation.moves]))
    late.arrive()
    for move in operation.moves:
        if move.outcome != MoveOutcome.UNKNOWN:
            shown = aws.get_alias(move.function, ALIAS).routing
            at_target = move.outcome in (MoveOutcome.MOVED, MoveOutcome.UNCHANGED)
            assert shown.serves_like(move.after if at_target else move.before)
