import pytest

from sah.domain.operations import MoveOutcome, OperationStatus
from tests.fakes import FakeAws
from tests.services.scene import ALIAS, START, Scene, Stage

NAMES = tuple(f"shop-dev-{number:02}" for number in range(6))


def make_fake(names: tuple[str, ...] = NAMES) -> FakeAws:
    aws = FakeAws()
    aws.add_stack("shop-dev", dict.fromkeys(names, 3))
    for name in names:
        aws.set_alias(name, ALIAS, START)
    return aws


@pytest.fixture
def aws() -> FakeAws:
    return make_fake()


@pytest.fixture
def scene(aws: FakeAws, stage: Stage) -> Scene:
    return Scene(stage, aws, NAMES)


def test_a_switch_moves_everything_and_reads_it_back(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    aws.calls.clear()
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.SUCCEEDED
    assert {move.outcome for move in operation.moves} == {MoveOutcome.MOVED}
    assert (aws.count("UpdateAlias"), aws.count("GetFunction"), len(aws.calls)) == (6, 6, 13)
    scene.check_agreement(operation, {})
