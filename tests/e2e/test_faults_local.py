"""The fault matrix once more, through boto3 and HTTP to the embedded AWS, and true kills."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from sah.aws import credentials
from sah.aws.gateway import AwsGateway
from sah.aws.sessions import Connections
from sah.domain.operations import MoveOutcome, OnFailure, OperationStatus
from sah.localaws import LocalAws
from sah.services import execution
from sah.services.runner import resume_operations
from tests.aws.world import LocalWorld, access, fast_limits
from tests.e2e.processes import PATIENCE_S, wait_until
from tests.services import scene as scene_of_tests
from tests.services.scene import (
    ALIAS,
    OTHER,
    START,
    TARGET,
    Ground,
    Killed,
    Killer,
    Scene,
    close_operations,
    open_ground,
    wait_for_end,
)

NAMES = ("shop-dev-a", "shop-dev-b", "shop-dev-c")
POSITIONS = pytest.mark.parametrize("victim", NAMES, ids=["first", "middle", "last"])
CHOICES = pytest.mark.parametrize("choice", list(OnFailure))
READ_TIMEOUT_S = 0.3

Fault = Callable[[LocalWorld, str], None]


@pytest.fixture(scope="module")
def local() -> Iterator[LocalWorld]:
    with LocalAws() as aws:
        world = LocalWorld(aws)
        for name in NAMES:
            world.add_function(name, versions=3)
        yield world


@pytest.fixture
def world(local: LocalWorld) -> LocalWorld:
    """The functions as they were, with three versions each."""
    local.aws._faults.clear()
    for name in NAMES:
        local._lambda.update_alias(
            FunctionName=name,
            Name=ALIAS,
            FunctionVersion=START,
            RoutingConfig={"AdditionalVersionWeights": {}},
        )
    return local


@pytest.fixture(autouse=True)
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the checks before the plan for done: they have tests of their own."""
    monkeypatch.setattr(scene_of_tests, "preflight_plan", lambda _project, _plan: None)
    monkeypatch.setattr(execution, "has_passed", lambda _project, _fingerprint: True)


@pytest.fixture(scope="module")
def gateway(local: LocalWorld) -> Iterator[AwsGateway]:
    """SAH's own way to AWS, with timeouts that a test can wait for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials, "READ_TIMEOUT_S", READ_TIMEOUT_S)
        opened = Connections(fast_limits()).open(access(local.aws), urgent=True)
        opened.get_alias(NAMES[0], ALIAS)  # makes the client, with these timeouts
        yield opened


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with open_ground(tmp_path_factory.mktemp("instance")) as made:
        yield made


@pytest.fixture
def scene(ground: Ground, world: LocalWorld, gateway: AwsGateway) -> Iterator[Scene]:
    del world  # it has to be ready first
    yield Scene(ground, Killer(gateway), NAMES)
    close_operations(ground)


def fault(status: int | None = 500, code: str = "ServiceException", **how: float) -> Fault:
    def inject(world: LocalWorld, victim: str) -> None:
        world.aws.fail_next(
            "UpdateAlias",
            times=int(how.get("times", 1)),
            status=status,
            code=code,
            after_effect=bool(how.get("after_effect", 0)),
            delay_s=how.get("delay_s", 0.0),
            match=lambda params: params.get("FunctionName") == victim,
        )

    return inject


HEALING: dict[str, Fault] = {
    "429-burst": fault(429, "TooManyRequestsException", times=4),
    "500": fault(),
    "500-after-effect": fault(after_effect=1),
    "timeout-before": fault(delay_s=1.5 * READ_TIMEOUT_S),
    "timeout-after": fault(None, delay_s=1.5 * READ_TIMEOUT_S),
    "moved-to-target": lambda world, victim: world.set_alias(victim, ALIAS, TARGET),
}
LASTING: dict[str, Fault] = {
    "412": lambda world, victim: world.set_alias(victim, ALIAS, OTHER),
    "404": fault(404, "ResourceNotFoundException", times=2),
    "403": fault(403, "AccessDeniedException", times=2),
    "500-forever": fault(times=20),
}


@POSITIONS
@CHOICES
@pytest.mark.parametrize("name", HEALING)
def test_what_passes_is_no_failure(
    scene: Scene, world: LocalWorld, name: str, victim: str, choice: OnFailure
) -> None:
    operation_id = scene.start(choice)
    HEALING[name](world, victim)
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.SUCCEEDED, operation.error
    scene.check_agreement(operation, {})


@POSITIONS
@CHOICES
@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_put_back_or_kept_as_chosen(
    scene: Scene, world: LocalWorld, name: str, victim: str, choice: OnFailure
) -> None:
    operation_id = scene.start(choice)
    LASTING[name](world, victim)
    operation = scene.execute(operation_id)
    world.aws._faults.clear()
    outcomes = {move.function: move.outcome for move in operation.moves}
    assert outcomes.pop(victim) == MoveOutcome.FAILED
    if choice is OnFailure.FINISH:
        assert operation.status == OperationStatus.PARTLY_MOVED
    else:
        assert operation.status in (OperationStatus.PUT_BACK, OperationStatus.FAILED)
    scene.check_agreement(operation, {victim: OTHER} if name == "412" else {})


@POSITIONS
@CHOICES
@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_killed_process_is_taken_up_as_chosen(
    scene: Scene, victim: str, choice: OnFailure, after_effect: bool
) -> None:
    operation_id = scene.start(choice)
    scene.gateway.strike_update_of(victim, after_effect=after_effect)
    with pytest.raises(Killed):
        scene.execute(operation_id)
    scene.gateway.rest()
    scene.restart()
    assert resume_operations(scene.app) == [operation_id]
    scene.check_agreement(wait_for_end(scene, operation_id), {})


# Forks a process for each line, so that not each imports everything anew.
FORKER = """
import os, sys
from pathlib import Path
import boto3, sah.aws.boto
from sah.config import load_settings
from sah.factory import create_app
from sah.services.operations import execute_operation
for line in sys.stdin:
    if pid := os.fork():
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)
        continue
    folder, database_url, operation_id = line.split()
    settings = load_settings(Path(folder), {"SAH_DATABASE_URL": database_url})
    with create_app(settings).app_context():
        execute_operation(int(operation_id))
    os._exit(0)
"""


@pytest.fixture(scope="module")
def forker() -> Iterator["subprocess.Popen[str]"]:
    """A process that makes those which are killed.

    Write a folder, a database's URL, and an operation's id.
    """
    command = [sys.executable, "-c", FORKER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        yield process
        process.kill()


@CHOICES
@pytest.mark.parametrize(
    ("victim", "after_effect"),
    [(NAMES[0], False), (NAMES[1], True), (NAMES[2], False)],
    ids=["first-before", "middle-after", "last-before"],
)
def test_a_true_kill_is_survived(
    scene: Scene,
    world: LocalWorld,
    forker: "subprocess.Popen[str]",
    *,
    victim: str,
    choice: OnFailure,
    after_effect: bool,
) -> None:
    scene.reach(access(world.aws))
    operation_id = scene.start(choice)
    scene.disown(operation_id)
    # The victim's call hangs, with or without its effect, until the process is killed.
    fault(None if after_effect else 500, delay_s=PATIENCE_S)(world, victim)
    world.aws.calls.clear()
    assert forker.stdin
    assert forker.stdout
    settings = scene.ground.settings
    forker.stdin.write(f"{settings.instance} {settings.database_url} {operation_id}\n")
    pid = int(forker.stdout.readline())
    wait_until(lambda: victim in updated(world), "the victim's update was sent")
    wait_until(lambda: not after_effect or scene.live(victim).version == TARGET, "it was moved")
    os.kill(pid, signal.SIGKILL)
    assert int(forker.stdout.readline()) == signal.SIGKILL
    scene.forget()
    assert scene.read(operation_id).status == OperationStatus.RUNNING
    assert resume_operations(scene.app) == [operation_id]
    operation = wait_for_end(scene, operation_id)
    if choice is OnFailure.FINISH:
        assert operation.status == OperationStatus.SUCCEEDED
    scene.check_agreement(operation, {})


def updated(world: LocalWorld) -> list[str]:
    """List the functions whose aliases were asked to move."""
    calls = [call for call in world.aws.calls if call.operation == "UpdateAlias"]
    return [call.params["FunctionName"] for call in calls]
