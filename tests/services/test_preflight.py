import pytest

from sah.domain.aliases import Routing
from sah.domain.errors import AwsServerError, InvalidInputError
from sah.domain.operations import MoveOutcome, OperationStatus
from sah.domain.preflight import Preflight
from sah.extensions import db
from sah.services.operations import plan_project_switch, preflight_plan
from sah.services.projects import get_project
from tests.fakes import FakeAws
from tests.services.scene import ALIAS, OTHER, TARGET, Ground, Scene, make_aws

NAMES = tuple(f"shop-dev-{number:02}" for number in range(4))
VICTIM = NAMES[1]


@pytest.fixture
def aws() -> FakeAws:
    return make_aws(NAMES)


@pytest.fixture
def scene(ground: Ground, aws: FakeAws) -> Scene:
    return Scene(ground, aws, NAMES)


def preflight(scene: Scene) -> Preflight:
    with scene.app.app_context():
        return preflight_plan(
            scene.project_id, plan_project_switch(scene.project_id, scene.target())
        )


def test_a_sound_plan_has_nothing_to_say(scene: Scene, aws: FakeAws) -> None:
    assert preflight(scene) == Preflight()
    assert aws.count("GetFunction") == 2 * len(NAMES)


def test_a_version_that_is_gone_blocks(scene: Scene, aws: FakeAws) -> None:
    aws.delete_version(VICTIM, TARGET)
    found = preflight(scene)
    assert found.problems == {VICTIM: "Version 1 does not exist (any more)."}
    assert found.is_outdated
    with scene.app.app_context(), pytest.raises(InvalidInputError, match="no version 1"):
        plan_project_switch(scene.project_id, scene.target())


def test_an_alias_that_is_gone_or_elsewhere_blocks_and_is_read_again(
    scene: Scene, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_again: list[int] = []
    monkeypatch.setattr("sah.services.preflight.sync_again", read_again.append)
    aws.delete_alias(VICTIM, ALIAS)
    aws.set_alias(NAMES[0], ALIAS, OTHER)
    assert preflight(scene).problems == {
        VICTIM: "The alias ACTIVE does not exist (any more).",
        NAMES[0]: "ACTIVE serves version 3 by now, not 2: plan again.",
    }
    assert read_again == [scene.project_id]


@pytest.mark.parametrize(
    ("changes", "blocks"),
    [
        ({"state": "Failed", "state_reason": "no subnet"}, True),
        ({"state": "Pending"}, True),
        ({"state": "Inactive", "state_reason_code": "KMSKeyNotFound"}, True),
        ({"state": "Inactive", "state_reason_code": "FunctionError.InitTimeout"}, True),
        ({"state": "Deleting"}, True),
        ({"state": "ActiveNonInvocable"}, True),
        ({"state": "Deactivated"}, False),
        ({"last_update_status": "InProgress"}, True),
        ({"last_update_status": "Failed"}, True),
        ({"state": "Inactive", "state_reason_code": "Idle"}, False),
    ],
)
def test_a_version_that_cannot_run_blocks_and_a_sleeping_one_warns(
    scene: Scene, aws: FakeAws, changes: dict[str, str], blocks: bool
) -> None:
    aws.change_version(VICTIM, TARGET, **changes)
    found = preflight(scene)
    assert list(found.problems if blocks else found.warnings) == [VICTIM]
    assert not (found.warnings if blocks else found.problems)


def test_what_aws_does_not_answer_is_only_a_warning(scene: Scene, aws: FakeAws) -> None:
    aws.fail("GetFunction", AwsServerError("internal"), times=99, subject=VICTIM)
    aws.fail("DescribeStacks", AwsServerError("internal"))
    found = preflight(scene)
    assert list(found.warnings) == [VICTIM]
    assert not found.problems
    assert not found.busy


def test_a_plan_that_nobody_checked_is_checked_before_anything_moves(
    scene: Scene, aws: FakeAws
) -> None:
    operation_id = scene.start()
    scene.restart()
    aws.delete_version(VICTIM, TARGET)
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.FAILED
    outcomes = {move.function: move.outcome for move in operation.moves}
    assert outcomes.pop(VICTIM) == MoveOutcome.FAILED
    assert set(outcomes.values()) == {MoveOutcome.NOT_ATTEMPTED}
    assert aws.count("UpdateAlias") == 0


def test_a_deploy_that_runs_is_a_warning_that_a_reason_overrides(
    scene: Scene, aws: FakeAws
) -> None:
    aws.add_stack(scene.stack_name)
    aws.set_stack_status(scene.stack_name, "UPDATE_IN_PROGRESS")
    assert "UPDATE_IN_PROGRESS" in preflight(scene).busy
    refused = scene.switch()
    assert refused.status == OperationStatus.FAILED
    assert refused.error.endswith("and may move the same aliases. Nothing was moved.")
    assert aws.count("UpdateAlias") == 0
    operation = scene.execute(scene.start(override_reason="the deploy hangs"))
    assert operation.status == OperationStatus.SUCCEEDED
    assert operation.override_reason == "the deploy hangs"


def test_a_nested_stack_that_is_being_deployed_is_the_same_warning(
    scene: Scene, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.add_stack(scene.stack_name)
    aws.add_stack("inner", parent=scene.stack_name)
    with scene.app.app_context():
        project = get_project(scene.project_id)
        project.nested_stacks = [aws.get_stack("inner").stack_id]
        db.session.commit()
    monkeypatch.setattr("sah.services.preflight.AT_REST_FOR_S", 0.0)
    operation_id = scene.start()
    aws.set_stack_status("inner", "UPDATE_IN_PROGRESS")
    assert "UPDATE_IN_PROGRESS" in preflight(scene).busy
    assert scene.execute(operation_id).status == OperationStatus.FAILED
    assert aws.count("UpdateAlias") == 0


def test_a_stack_that_is_being_deployed_is_busy_whatever_its_nested_ones_answer(
    scene: Scene, aws: FakeAws
) -> None:
    aws.add_stack(scene.stack_name)
    aws.add_stack("inner", parent=scene.stack_name)
    with scene.app.app_context():
        project = get_project(scene.project_id)
        project.nested_stacks = inner = [aws.get_stack("inner").stack_id]
        db.session.commit()
    aws.set_stack_status(scene.stack_name, "UPDATE_IN_PROGRESS")
    aws.fail("DescribeStacks", AwsServerError("AWS failed."), subject=inner[0], times=9)
    assert "UPDATE_IN_PROGRESS" in preflight(scene).busy


def test_the_stack_is_asked_about_again_when_the_plan_is_not_fresh(
    scene: Scene, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.add_stack(scene.stack_name)
    monkeypatch.setattr("sah.services.preflight.AT_REST_FOR_S", 0.0)
    operation_id = scene.start()
    aws.set_stack_status(scene.stack_name, "UPDATE_IN_PROGRESS")
    assert scene.execute(operation_id).status == OperationStatus.FAILED
    assert aws.count("UpdateAlias") == 0


def test_a_stack_that_aws_said_nothing_about_is_asked_about_again(
    scene: Scene, aws: FakeAws
) -> None:
    aws.add_stack(scene.stack_name)
    aws.fail("DescribeStacks", AwsServerError("internal"))
    operation_id = scene.start()
    aws.set_stack_status(scene.stack_name, "UPDATE_IN_PROGRESS")
    assert scene.execute(operation_id).status == OperationStatus.FAILED
    assert aws.count("UpdateAlias") == 0


def test_checks_that_are_too_old_are_made_again(
    scene: Scene, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sah.services.preflight.GOOD_FOR_S", 0.0)
    operation_id = scene.start()
    aws.delete_version(VICTIM, TARGET)
    assert scene.execute(operation_id).status == OperationStatus.FAILED
    assert aws.count("UpdateAlias") == 0


def test_both_versions_of_a_split_are_checked(scene: Scene, aws: FakeAws) -> None:
    aws.delete_version(VICTIM, OTHER)
    split = {VICTIM: Routing(TARGET, ((OTHER, 0.1),))}
    with scene.app.app_context():
        found = preflight_plan(scene.project_id, plan_project_switch(scene.project_id, split))
    assert found.problems == {VICTIM: "Version 3 does not exist (any more)."}
