import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from sah.domain.aliases import AliasState, Routing
from sah.domain.errors import AwsAccessDeniedError, AwsServerError, AwsUnreachableError
from sah.domain.operations import MoveOutcome, OnFailure, OperationStatus
from sah.domain.steps import Answer, Task
from sah.extensions import db
from sah.models import Operation
from sah.services.engine import Crew
from tests.fakes import Call, FakeAws
from tests.services.scene import ALIAS, OTHER, START, TARGET, Ground, Scene, make_aws

NAMES = tuple(f"shop-dev-{number:02}" for number in range(6))
VICTIM = NAMES[3]


@pytest.fixture
def aws() -> FakeAws:
    return make_aws(NAMES)


@pytest.fixture
def scene(ground: Ground, aws: FakeAws) -> Scene:
    return Scene(ground, aws, NAMES)


def test_a_switch_moves_everything_and_reads_it_back(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    aws.calls.clear()
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.SUCCEEDED
    assert {move.outcome for move in operation.moves} == {MoveOutcome.MOVED}
    assert str(operation.progress) == "moved 6 of 6"
    assert operation.duration
    assert (aws.count("UpdateAlias"), aws.count("GetFunction"), len(aws.calls)) == (6, 6, 12)
    scene.check_agreement(operation, {})


def test_a_split_is_read_back_with_its_weights(scene: Scene, aws: FakeAws) -> None:
    target = {VICTIM: Routing(TARGET, ((OTHER, 0.25),))}
    operation = scene.execute(scene.start(target=target))
    assert operation.status == OperationStatus.SUCCEEDED
    assert aws.count("GetAlias", VICTIM) == 2  # one of them when the scene was set
    assert scene.live(VICTIM).shares == {TARGET: 0.75, OTHER: 0.25}
    scene.check_agreement(operation, {})


def test_leaving_a_canary_takes_its_weight_away(ground: Ground, aws: FakeAws) -> None:
    aws.set_alias(VICTIM, ALIAS, START, (OTHER, 0.5))
    scene = Scene(ground, aws, NAMES)
    operation = scene.switch()
    assert operation.status == OperationStatus.SUCCEEDED
    assert scene.live(VICTIM) == Routing(TARGET)


def test_putting_back_restores_a_split(ground: Ground, aws: FakeAws) -> None:
    aws.set_alias(NAMES[0], ALIAS, START, (OTHER, 0.5))
    scene = Scene(ground, aws, NAMES)
    aws.fail("UpdateAlias", AwsAccessDeniedError("no"), times=9, subject=NAMES[-1])
    operation = scene.switch()
    assert operation.status == OperationStatus.PUT_BACK
    assert scene.live(NAMES[0]).shares == {START: 0.5, OTHER: 0.5}
    scene.check_agreement(operation, {})


def test_what_could_not_be_put_back_is_counted(scene: Scene, aws: FakeAws) -> None:
    aws.fail("UpdateAlias", AwsAccessDeniedError("no"), times=9, subject=NAMES[-1])
    aws.fail("UpdateAlias", AwsAccessDeniedError("no"), on_nth=2, times=9, subject=NAMES[0])
    operation = scene.switch()
    assert operation.status == OperationStatus.PARTLY_MOVED
    assert operation.error == f"1 of 6 failed. 1 could not be put back. {NAMES[-1]}: no"
    assert operation.moves[0].detail == "It could not be put back: no"
    scene.check_agreement(operation, {})


def test_an_alias_moved_by_someone_else_says_so(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start(OnFailure.FINISH)
    aws.set_alias(VICTIM, ALIAS, OTHER)
    operation = scene.execute(operation_id)
    (move,) = [move for move in operation.moves if move.function == VICTIM]
    assert move.detail.startswith(f"It was moved by someone else to version {OTHER} at ")
    assert operation.error.startswith(f"1 of 6 failed. {VICTIM}: It was moved by someone else")


def test_a_function_at_its_target_already_is_unchanged(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    aws.set_alias(VICTIM, ALIAS, TARGET)
    operation = scene.execute(operation_id)
    assert {m.function: m.outcome for m in operation.moves}[VICTIM] == MoveOutcome.UNCHANGED
    assert operation.status == OperationStatus.SUCCEEDED


def test_what_was_unchanged_is_not_put_back(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    aws.set_alias(NAMES[0], ALIAS, TARGET)
    aws.fail("UpdateAlias", AwsAccessDeniedError("no"), times=9, subject=NAMES[-1])
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.PUT_BACK
    assert scene.live(NAMES[0]) == Routing(TARGET)


def test_a_lost_update_that_is_given_up_cannot_land_later(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start(OnFailure.FINISH)
    sent = aws.get_alias(VICTIM, ALIAS).revision_id
    aws.fail("UpdateAlias", AwsUnreachableError("timed out"), times=8, subject=VICTIM)
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.PARTLY_MOVED
    assert aws.get_alias(VICTIM, ALIAS).revision_id != sent
    scene.check_agreement(operation, {})


def test_a_fence_does_not_overwrite_who_came_first(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start(OnFailure.FINISH)
    aws.fail("UpdateAlias", AwsUnreachableError("timed out"), times=8, subject=VICTIM)

    def come_first(call: Call) -> None:
        if call == ("UpdateAlias", VICTIM) and aws.count(*call) == 8:
            aws.set_alias(VICTIM, ALIAS, OTHER)

    aws.hook = come_first
    operation = scene.execute(operation_id)
    assert scene.live(VICTIM) == Routing(OTHER)
    scene.check_agreement(operation, {VICTIM: OTHER})


def test_a_fence_that_is_lost_is_sent_again(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start(OnFailure.FINISH)
    sent = aws.get_alias(VICTIM, ALIAS).revision_id
    aws.fail("UpdateAlias", AwsUnreachableError("timed out"), times=10, subject=VICTIM)
    scene.check_agreement(scene.execute(operation_id), {})
    assert aws.get_alias(VICTIM, ALIAS).revision_id != sent


def test_what_cannot_be_read_is_unknown_and_not_guessed(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start(OnFailure.FINISH)
    aws.fail("UpdateAlias", AwsServerError("internal"), times=99, subject=VICTIM)
    aws.fail("GetAlias", AwsUnreachableError("timed out"), times=99, subject=VICTIM)
    operation = scene.execute(operation_id)
    (move,) = [move for move in operation.moves if move.function == VICTIM]
    assert move.outcome == MoveOutcome.UNKNOWN
    assert "not known" in move.detail
    assert operation.status == OperationStatus.PARTLY_MOVED


def test_a_move_that_cannot_be_read_back_is_no_success(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    for call in ("GetFunction", "GetAlias"):
        aws.fail(call, AwsAccessDeniedError("no"), times=99, subject=VICTIM)
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.PARTLY_MOVED
    assert operation.error == "1 of 6 were not seen at their targets in time."


def test_a_fault_of_our_own_is_settled_like_a_lost_answer(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    aws.fail("UpdateAlias", ValueError("a bug"), subject=VICTIM, after_effect=True)
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.SUCCEEDED
    scene.check_agreement(operation, {})


def test_after_a_failure_nothing_more_is_begun(ground: Ground) -> None:
    names = tuple(f"shop-dev-{number:03}" for number in range(60))
    aws = make_aws(names)
    scene = Scene(ground, aws, names)
    aws.fail("UpdateAlias", AwsAccessDeniedError("no"), times=9, subject=names[0])
    operation = scene.switch()
    left = [move for move in operation.moves if move.outcome == MoveOutcome.NOT_ATTEMPTED]
    assert len(left) > 30
    scene.check_agreement(operation, {})


def test_attempts_are_in_the_journal_before_the_call(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    unwritten = []

    def look(call: Call) -> None:
        if call.name == "UpdateAlias":
            with scene.app.app_context(), db.engine.connect() as connection:
                query = sa.text(
                    "SELECT attempted_at FROM move WHERE operation_id = :id AND function = :name"
                )
                found = connection.execute(query, {"id": operation_id, "name": call.subject})
                unwritten.extend([call.subject] if found.scalar() is None else [])

    aws.hook = look
    assert scene.execute(operation_id).status == OperationStatus.SUCCEEDED
    assert unwritten == []


def test_while_aws_does_not_answer_the_journal_says_so(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    lost = AwsUnreachableError("No answer from AWS: connection timed out.")
    for call in ("UpdateAlias", "GetAlias"):
        aws.fail(call, lost, times=2, subject=VICTIM)
    said: list[Any] = []

    def look(call: Call) -> None:
        if call.subject == VICTIM:
            with scene.app.app_context(), db.engine.connect() as connection:
                query = sa.select(Operation.error).where(Operation.id == operation_id)
                said.append(connection.execute(query).scalar_one())

    aws.hook = look
    operation = scene.execute(operation_id)
    waits = re.compile(
        r"Waiting for AWS since \d\d:\d\d:\d\d UTC, for 1 function\."
        r" No answer from AWS: connection timed out\. SAH keeps trying\."
    )
    found = [bool(waits.fullmatch(text)) for text in said]
    assert [waiting for waiting, _ in groupby(found)] == [False, True, False, True, False]
    assert {text for text, waiting in zip(said, found, strict=True) if not waiting} == {""}
    assert (operation.status, operation.error) == (OperationStatus.SUCCEEDED, "")


def test_what_a_dead_process_waited_for_is_forgotten(scene: Scene) -> None:
    operation_id = scene.start()
    with scene.app.app_context():
        db.session.get_one(Operation, operation_id).error = "Waiting for AWS since 12:00:00 UTC."
        db.session.commit()
    assert scene.execute(operation_id).error == ""


def test_a_clock_that_is_set_back_changes_nothing_but_the_duration(
    scene: Scene, aws: FakeAws
) -> None:
    operation_id = scene.start()
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with time_machine.travel(an_hour_ago) as clock:

        def set_back(_call: Call) -> None:
            clock.move_to(an_hour_ago - timedelta(hours=1))

        aws.hook = set_back
        operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.SUCCEEDED
    assert operation.duration == timedelta(0)
    aws.hook = None
    scene.check_agreement(operation, {})


class Provisioned:
    """A gateway to aliases with provisioned concurrency: traffic moves gradually."""

    def __init__(self, aws: FakeAws, reads: int) -> None:
        self._aws = aws
        self._reads = dict.fromkeys(NAMES, reads)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the gateway has
        return getattr(self._aws, name)

    def update_alias(self, function: str, *args: Any) -> AliasState:  # noqa: ANN401
        return self._in_between(self._aws.update_alias(function, *args))

    def get_alias(self, function: str, alias: str) -> AliasState:
        state = self._aws.get_alias(function, alias)
        if state.routing.version == START or self._reads[function] <= 0:
            return state
        self._reads[function] -= 1
        return self._in_between(state)

    @staticmethod
    def _in_between(state: AliasState) -> AliasState:
        if state.routing.version == START:
            return state
        return replace(state, routing=Routing(state.routing.version, ((START, 0.4),)))


def test_with_provisioned_concurrency_it_is_over_when_the_traffic_moved(
    ground: Ground, aws: FakeAws
) -> None:
    gateway = Provisioned(aws, reads=3)
    scene = Scene(ground, gateway, NAMES)
    operation = scene.switch()
    assert operation.status == OperationStatus.SUCCEEDED
    assert aws.count("GetAlias", VICTIM) == 5  # set up, three times in between, once there
    scene.check_agreement(operation, {})


def test_while_the_traffic_moves_the_move_is_switching(ground: Ground, aws: FakeAws) -> None:
    scene = Scene(ground, Provisioned(aws, reads=10_000), NAMES)
    operation = scene.switch()
    assert operation.status == OperationStatus.PARTLY_MOVED
    assert {move.outcome for move in operation.moves} == {MoveOutcome.SWITCHING}
    assert (
        operation.moves[0].detail == "AWS accepted the move and still serves 1 (60 %) and 2 (40 %)."
    )


def test_what_is_still_switching_is_put_back(ground: Ground, aws: FakeAws) -> None:
    scene = Scene(ground, Provisioned(aws, reads=10_000), NAMES)
    aws.fail("UpdateAlias", AwsAccessDeniedError("no"), times=9, subject=NAMES[-1])
    operation = scene.switch()
    assert operation.status == OperationStatus.PUT_BACK
    scene.check_agreement(operation, {})


def test_without_credentials_nothing_moves(scene: Scene) -> None:
    operation_id = scene.start()
    with scene.app.app_context():
        operation = db.session.get_one(Operation, operation_id)
        assert operation.project
        operation.project.account.encrypted_secret = "nonsense"
        db.session.commit()
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.FAILED
    assert operation.error
    assert {move.outcome for move in operation.moves} == {MoveOutcome.NOT_ATTEMPTED}


def test_no_transaction_is_open_while_aws_is_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect = Crew.collect
    opened = []

    def look(crew: Crew, timeout_s: float) -> list[tuple[Task, Answer]]:
        opened.append(db.session().in_transaction())
        return collect(crew, timeout_s)

    monkeypatch.setattr(Crew, "collect", look)
    assert scene.switch().status == OperationStatus.SUCCEEDED
    assert opened
    assert not any(opened)
