"""Every fault, at the first, a middle and the last move, with both choices.

Whatever happens: the end state, the journal, the rows that pages show, and AWS agree.
"""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from sah.domain.errors import (
    AwsAccessDeniedError,
    AwsConflictError,
    AwsServerError,
    AwsThrottledError,
    AwsUnreachableError,
    SahError,
)
from sah.domain.operations import MoveOutcome, OnFailure, OperationStatus
from sah.models import Operation
from sah.services.runner import resume_operations
from tests.fakes import FakeAws
from tests.services.scene import (
    ALIAS,
    OTHER,
    START,
    TARGET,
    Ground,
    Killed,
    Killer,
    Scene,
    make_aws,
    wait_for_end,
)

NAMES = tuple(f"shop-dev-{number:02}" for number in range(16))
POSITIONS = pytest.mark.parametrize(
    "victim", [NAMES[0], NAMES[8], NAMES[-1]], ids=["first", "middle", "last"]
)
CHOICES = pytest.mark.parametrize("choice", list(OnFailure))

Fault = Callable[[FakeAws, str], None]


def errors(error: SahError, *, times: int, after_effect: bool = False) -> Fault:
    def inject(aws: FakeAws, victim: str) -> None:
        aws.fail("UpdateAlias", error, times=times, subject=victim, after_effect=after_effect)

    return inject


def lose_the_version(aws: FakeAws, victim: str) -> None:
    aws.delete_version(victim, TARGET)


def move_elsewhere(aws: FakeAws, victim: str) -> None:
    aws.set_alias(victim, ALIAS, OTHER)


HEALING: dict[str, Fault] = {
    "429-burst": errors(AwsThrottledError("too many"), times=4),
    "409": errors(AwsConflictError("in progress"), times=2),
    "500": errors(AwsServerError("internal"), times=1),
    "500-after-effect": errors(AwsServerError("internal"), times=1, after_effect=True),
    "timeout-before": errors(AwsUnreachableError("timed out"), times=1),
    "timeout-after": errors(AwsUnreachableError("timed out"), times=1, after_effect=True),
    "timeouts": errors(AwsUnreachableError("timed out"), times=3),
    "moved-to-target": lambda aws, victim: (aws.set_alias(victim, ALIAS, TARGET), None)[1],
    "described-anew": lambda aws, victim: (aws.set_alias(victim, ALIAS, START), None)[1],
}
LASTING: dict[str, Fault] = {
    "412": move_elsewhere,
    "404": lose_the_version,
    "403": errors(AwsAccessDeniedError("not allowed"), times=99),
    "429-forever": errors(AwsThrottledError("too many"), times=99),
    "500-forever": errors(AwsServerError("internal"), times=99),
    "timeout-forever": errors(AwsUnreachableError("timed out"), times=99),
}


@pytest.fixture
def world() -> tuple[FakeAws, Killer]:
    aws = make_aws(NAMES)
    return aws, Killer(aws)


@pytest.fixture
def aws(world: tuple[FakeAws, Killer]) -> FakeAws:
    return world[0]


@pytest.fixture
def killer(world: tuple[FakeAws, Killer]) -> Killer:
    return world[1]


@pytest.fixture
def scene(ground: Ground, killer: Killer) -> Scene:
    return Scene(ground, killer, NAMES)


@POSITIONS
@CHOICES
@pytest.mark.parametrize("fault", HEALING)
def test_what_passes_is_no_failure(
    scene: Scene, aws: FakeAws, fault: str, victim: str, choice: OnFailure
) -> None:
    operation_id = scene.start(choice)
    HEALING[fault](aws, victim)
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.SUCCEEDED
    scene.check_agreement(operation, {})


@POSITIONS
@CHOICES
@pytest.mark.parametrize("fault", LASTING)
def test_what_lasts_is_put_back_or_kept_as_chosen(
    scene: Scene, aws: FakeAws, fault: str, victim: str, choice: OnFailure
) -> None:
    operation_id = scene.start(choice)
    LASTING[fault](aws, victim)
    operation = scene.execute(operation_id)
    outcomes = {move.function: move.outcome for move in operation.moves}
    assert outcomes.pop(victim) == MoveOutcome.FAILED
    if choice is OnFailure.FINISH:
        assert operation.status == OperationStatus.PARTLY_MOVED
        assert set(outcomes.values()) == {MoveOutcome.MOVED}
    else:
        assert operation.status in (OperationStatus.PUT_BACK, OperationStatus.FAILED)
        assert set(outcomes.values()) <= {MoveOutcome.PUT_BACK, MoveOutcome.NOT_ATTEMPTED}
    scene.check_agreement(operation, {victim: OTHER} if fault == "412" else {})


@POSITIONS
@CHOICES
@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_killed_process_is_taken_up_as_chosen(
    scene: Scene, killer: Killer, victim: str, choice: OnFailure, after_effect: bool
) -> None:
    operation_id = scene.start(choice)
    killer.strike_update_of(victim, after_effect=after_effect)
    operation = take_up_after_kill(scene, killer, operation_id)
    assert operation.status in {
        OnFailure.FINISH: (OperationStatus.SUCCEEDED,),
        OnFailure.PUT_BACK: (OperationStatus.PUT_BACK, OperationStatus.FAILED),
    }[choice] or (after_effect and operation.status == OperationStatus.SUCCEEDED)
    scene.check_agreement(operation, {})


def take_up_after_kill(scene: Scene, killer: Killer, operation_id: int) -> Operation:
    with pytest.raises(Killed):
        scene.execute(operation_id)
    killer.rest()
    scene.restart()
    assert scene.read(operation_id).status == OperationStatus.RUNNING
    assert resume_operations(scene.app) == [operation_id]
    return wait_for_end(scene, operation_id)


# Few functions, so that the process can be killed at each single call.
FEW = NAMES[:4]


@pytest.mark.parametrize("failing", [False, True], ids=["smooth", "failing"])
@CHOICES
@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_kill_between_any_two_calls_leaves_a_journal_that_tells_all(
    ground: Ground, choice: OnFailure, failing: bool, after_effect: bool
) -> None:
    for number in range(1, 30):
        aws = make_aws(FEW)
        killer = Killer(aws)
        scene = Scene(ground, killer, FEW)
        operation_id = scene.start(choice)
        if failing:
            aws.fail("UpdateAlias", AwsAccessDeniedError("not allowed"), times=99, subject=FEW[2])
        killer.strike_at(number, after_effect=after_effect)
        try:
            scene.execute(operation_id)
        except Killed:
            killer.rest()
            scene.forget()
            assert resume_operations(scene.app) == [operation_id]
            scene.check_agreement(wait_for_end(scene, operation_id), {})
        else:
            assert number > len(FEW)
            killer.rest()
            scene.check_agreement(scene.read(operation_id), {})
            return
    pytest.fail("the operation made more calls than anyone expected")


@CHOICES
def test_a_kill_while_a_killed_one_is_taken_up_changes_nothing(
    ground: Ground, choice: OnFailure
) -> None:
    for number in range(1, 20):
        killer = Killer(make_aws(FEW))
        scene = Scene(ground, killer, FEW)
        operation_id = scene.start(choice)
        killer.strike_at(4, after_effect=True)
        with pytest.raises(Killed):
            scene.execute(operation_id)
        killer.strike_at(number, after_effect=False)
        try:
            scene.execute(operation_id)
        except Killed:
            killer.rest()
            scene.check_agreement(scene.execute(operation_id), {})
        else:
            killer.rest()
            scene.check_agreement(scene.read(operation_id), {})
            return
    pytest.fail("taking up made more calls than anyone expected")


KINDS: dict[str, SahError] = {
    "throttled": AwsThrottledError("too many"),
    "busy": AwsConflictError("in progress"),
    "server": AwsServerError("internal"),
    "lost": AwsUnreachableError("timed out"),
    "denied": AwsAccessDeniedError("not allowed"),
}
faults = st.tuples(
    st.sampled_from(["UpdateAlias", "GetAlias", "GetFunction"]),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["", *FEW]),
    st.integers(1, 6),
    st.integers(1, 12),
    st.booleans(),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    choice=st.sampled_from(OnFailure),
    chosen=st.lists(faults, max_size=5),
    kill_at=st.integers(1, 40),
    moved=st.sampled_from(["", *FEW]),
)
def test_whatever_goes_wrong_at_once_the_journal_agrees_with_aws(
    ground: Ground,
    choice: OnFailure,
    chosen: list[tuple[str, str, str, int, int, bool]],
    kill_at: int,
    moved: str,
) -> None:
    note(f"{choice} {chosen} {kill_at} {moved}")
    aws = make_aws(FEW)
    killer = Killer(aws)
    scene = Scene(ground, killer, FEW)
    operation_id = scene.start(choice)
    for call, kind, subject, on_nth, times, after_effect in chosen:
        aws.fail(
            call,
            KINDS[kind],
            on_nth=on_nth,
            times=times,
            subject=subject,
            after_effect=after_effect and kind in ("server", "lost"),
        )
    if moved:
        aws.set_alias(moved, ALIAS, OTHER)
    killer.strike_at(kill_at, after_effect=True)
    try:
        operation = scene.execute(operation_id)
    except Killed:
        killer.rest()
        scene.forget()
        operation = scene.execute(operation_id)
    killer.rest()
    aws._faults.clear()
    scene.check_agreement(operation, {moved: OTHER} if moved else {})
