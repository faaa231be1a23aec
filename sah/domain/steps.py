"""What to do next with one alias, given what AWS just answered: the engine's rules, pure.

A task goes through phases, each of which is one call to AWS:

``update``   UpdateAlias to where the alias shall go
``look``     GetAlias, because the answer was lost or the alias was changed by somebody
``fence``    UpdateAlias to where the alias is, so that a lost update cannot land later
``check``    GetFunction by the alias: the cheap reading back (aws-facts 1)
``confirm``  GetAlias, until the alias is seen where it shall be

Putting back is the same with ``before`` and ``after`` exchanged.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sah.domain.aliases import AliasState, Routing
from sah.domain.errors import (
    AliasMovedError,
    AwsConflictError,
    AwsServerError,
    AwsThrottledError,
    AwsUnreachableError,
    SahError,
)
from sah.domain.operations import MoveOutcome

# The call had no effect and may be sent again.
_LATER = (AwsThrottledError, AwsConflictError)
# Nobody can say whether the call had an effect.
_LOST = (AwsServerError, AwsUnreachableError)


class Phase(StrEnum):
    """Which call comes next."""

    UPDATE = "update"
    LOOK = "look"
    FENCE = "fence"
    CHECK = "check"
    CONFIRM = "confirm"

    @property
    def writes(self) -> bool:
        """Say whether the call may change the alias."""
        return self in (Phase.UPDATE, Phase.FENCE)


@dataclass(frozen=True, slots=True)
class Task:
    """One alias on its way from ``before`` to ``after``.

    ``in_doubt``: an update was sent whose answer was lost. ``tries`` counts the
    updates, ``fences`` the fences, ``looks`` the readings since. ``problem`` is why an
    update failed; with ``giving_up`` no further one is sent. ``switching``: AWS was still
    moving the traffic between the two when the task began, so a split is no stranger's
    doing. ``late``: an update to ``before`` was lost earlier and may still arrive, so that
    an alias seen at ``after`` has to be fenced there.
    """

    function: str
    alias: str
    before: Routing
    after: Routing
    revision_id: str = ""
    phase: Phase = Phase.UPDATE
    in_doubt: bool = False
    fenced: bool = False
    giving_up: bool = False
    switching: bool = False
    late: bool = False
    tries: int = 0
    fences: int = 0
    looks: int = 0
    problem: str = ""

    @property
    def fence(self) -> Routing:
        """Where a fence holds the alias: where it is, at the start of what was lost."""
        return self.after if self.late else self.before


@dataclass(frozen=True, slots=True)
class Step:
    """What one answer means. ``ended`` says whether the task is over, else it goes on.

    ``outcome`` is ``pending`` where nothing is known yet. ``seen`` is the alias as AWS
    just showed it, ``verified`` whether it was read at its target. ``waits_for`` says why
    AWS is asked again: it did not answer, or not now.
    """

    task: Task
    ended: bool = False
    outcome: MoveOutcome = MoveOutcome.PENDING
    detail: str = ""
    seen: AliasState | None = None
    verified: bool = False
    delay_s: float = 0.0
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long the engine tries. Times are in seconds.

    Delays double from ``first_delay_s`` to ``longest_delay_s``. While AWS moves
    traffic gradually, the alias is read every ``switching_delay_s``.
    """

    tries: int = 8
    fences: int = 3
    looks: int = 8
    first_delay_s: float = 0.25
    longest_delay_s: float = 8.0
    switching_looks: int = 60
    switching_delay_s: float = 5.0

    def delay_s(self, count: int) -> float:
        """Say how long to wait before the next attempt after ``count`` of them."""
        return min(self.longest_delay_s, self.first_delay_s * 2.0 ** max(0, count - 1))


# What a phase may be answered: an alias, a version's number from GetFunction, or an error.
Answer = AliasState | str | SahError


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for one answer: how patient, whether others failed meanwhile, what time it is."""

    patience: Patience
    stopping: bool
    now: datetime

    def next_step(self, task: Task, answer: Answer) -> Step:
        """Work out what an answer means and what to do next."""
        decide = {
            Phase.UPDATE: self._after_update,
            Phase.LOOK: self._after_look,
            Phase.FENCE: self._after_fence,
            Phase.CHECK: self._after_check,
            Phase.CONFIRM: self._after_confirm,
        }[task.phase]
        step = decide(task, answer)
        if not step.ended and isinstance(answer, _LATER + _LOST):
            return replace(step, waits_for=str(answer))
        return step

    def _after_update(self, task: Task, answer: Answer) -> Step:
        task = replace(task, tries=task.tries + 1)
        if isinstance(answer, AliasState):
            return self._accepted(task, answer)
        if isinstance(answer, AliasMovedError):
            return _go_on(task, Phase.LOOK)
        problem = str(answer)
        if isinstance(answer, _LOST):
            return _go_on(replace(task, in_doubt=True, problem=problem), Phase.LOOK)
        if isinstance(answer, _LATER) and self._may_retry(task):
            delay = self.patience.delay_s(task.tries)
            return Step(replace(task, problem=problem), delay_s=delay)
        if task.in_doubt:
            return _go_on(replace(task, giving_up=True, problem=problem), Phase.LOOK)
        return _failed(task, problem)

    def _accepted(self, task: Task, state: AliasState) -> Step:
        """Read back an update that AWS accepted; GetFunction cannot see a second version."""
        plain = state.routing.serves_like(task.after) and not task.after.is_split
        phase = Phase.CHECK if plain else Phase.CONFIRM
        task = replace(task, phase=phase, revision_id=state.revision_id, looks=0)
        return Step(task, outcome=MoveOutcome.MOVED, seen=state)

    def _after_look(self, task: Task, answer: Answer) -> Step:
        task = replace(task, looks=task.looks + 1)
        if not isinstance(answer, AliasState):
            return self._look_again(task, answer)
        task = replace(task, revision_id=answer.revision_id, looks=0)
        if answer.routing.serves_like(task.after):
            return self._at_target_already(task, answer)
        transient = _is_transient(task, answer.routing)
        if answer.routing.serves_like(task.before) or (task.switching and transient):
            return self._not_moved_yet(task, answer)
        if task.in_doubt and transient:
            task = replace(task, phase=Phase.CONFIRM)
            delay = self.patience.switching_delay_s
            return Step(task, outcome=MoveOutcome.SWITCHING, seen=answer, delay_s=delay)
        return _failed(task, f"It {self._moved_by_other(answer.routing)}", answer)

    def _at_target_already(self, task: Task, seen: AliasState) -> Step:
        if task.late and not task.fenced:
            return Step(replace(task, phase=Phase.FENCE), seen=seen)
        outcome = MoveOutcome.MOVED if task.in_doubt else MoveOutcome.UNCHANGED
        return Step(task, ended=True, outcome=outcome, seen=seen, verified=True)

    def _not_moved_yet(self, task: Task, seen: AliasState) -> Step:
        if not task.giving_up and self._may_retry(task):
            delay = self.patience.delay_s(task.tries) if task.in_doubt else 0.0
            return Step(replace(task, phase=Phase.UPDATE), seen=seen, delay_s=delay)
        if task.in_doubt and not task.fenced:
            return Step(replace(task, phase=Phase.FENCE, giving_up=True), seen=seen)
        if task.giving_up and not task.tries and not task.in_doubt:
            outcome = MoveOutcome.NOT_ATTEMPTED
            return Step(task, ended=True, outcome=outcome, detail=task.problem, seen=seen)
        return _failed(task, task.problem or "It was changed by somebody again and again.", seen)

    def _look_again(self, task: Task, answer: Answer) -> Step:
        if isinstance(answer, _LATER + _LOST) and task.looks < self.patience.looks:
            return Step(task, delay_s=self.patience.delay_s(task.looks))
        if task.in_doubt:
            detail = (
                f"Whether it moved is not known. {task.problem} Reading it failed too: {answer}"
            )
            return Step(task, ended=True, outcome=MoveOutcome.UNKNOWN, detail=detail)
        return _failed(task, task.problem or str(answer))

    def _after_fence(self, task: Task, answer: Answer) -> Step:
        task = replace(task, fences=task.fences + 1)
        lost = isinstance(answer, _LATER + _LOST)
        task = replace(task, fenced=not lost or task.fences >= self.patience.fences)
        if not isinstance(answer, AliasState):
            return _go_on(task, Phase.LOOK)
        if task.late:
            return self._at_target_already(task, answer)
        return _failed(task, task.problem, answer)

    def _after_check(self, task: Task, answer: Answer) -> Step:
        if answer == task.after.version:
            return _moved(task)
        return _go_on(task, Phase.CONFIRM)

    def _after_confirm(self, task: Task, answer: Answer) -> Step:
        task = replace(task, looks=task.looks + 1)
        if not isinstance(answer, AliasState):
            return self._confirm_again(task, answer)
        if answer.routing.serves_like(task.after):
            return _moved(task, answer)
        if _is_transient(task, answer.routing):
            return self._still_switching(task, answer)
        stale = answer.routing.serves_like(task.before)  # AWS's reads may lag behind its writes
        if stale and task.looks <= self.patience.looks // 2:
            return Step(task, delay_s=self.patience.delay_s(task.looks))
        by_other = self._moved_by_other(answer.routing)
        return _failed(task, f"SAH moved it, then it {by_other}", answer)

    def _confirm_again(self, task: Task, answer: Answer) -> Step:
        if isinstance(answer, _LATER + _LOST) and task.looks < self.patience.looks:
            return Step(task, delay_s=self.patience.delay_s(task.looks))
        detail = f"AWS accepted the move, but it could not be read back: {answer}"
        return Step(task, ended=True, outcome=MoveOutcome.MOVED, detail=detail)

    def _still_switching(self, task: Task, seen: AliasState) -> Step:
        over = self.stopping or task.looks >= self.patience.switching_looks
        return Step(
            task,
            ended=over,
            outcome=MoveOutcome.SWITCHING,
            detail=f"AWS accepted the move and still serves {seen.routing}.",
            seen=seen,
            delay_s=self.patience.switching_delay_s,
        )

    def _may_retry(self, task: Task) -> bool:
        return task.tries < self.patience.tries and not self.stopping

    def _moved_by_other(self, routing: Routing) -> str:
        """Say who won; AWS does not tell when, so the time is that of the reading."""
        return (
            f"was moved by someone else to version {routing} at {self.now:%H:%M:%S} UTC or before."
        )


def _go_on(task: Task, phase: Phase) -> Step:
    return Step(replace(task, phase=phase, looks=0))


def _moved(task: Task, seen: AliasState | None = None) -> Step:
    return Step(task, ended=True, outcome=MoveOutcome.MOVED, seen=seen, verified=True)


def _failed(task: Task, detail: str, seen: AliasState | None = None) -> Step:
    return Step(task, ended=True, outcome=MoveOutcome.FAILED, detail=detail, seen=seen)


def _is_transient(task: Task, routing: Routing) -> bool:
    """Say whether AWS itself may be moving the traffic, between our two versions (aws-facts 9)."""
    ours = set(task.before.traffic) | set(task.after.traffic)
    return routing.is_split and set(routing.traffic) <= ours
