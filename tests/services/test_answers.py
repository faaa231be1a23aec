"""No page waits for an AWS that hangs; what is known has to do then."""

import threading
from collections.abc import Collection, Iterator
from concurrent.futures import Future, wait
from concurrent.futures._base import DoneAndNotDoneFutures
from functools import partial

import pytest

from sah.domain.errors import AwsUnreachableError
from sah.domain.operations import OperationStatus
from sah.services.answers import ask_each, ask_within
from sah.services.operations import plan_project_switch, preflight_plan, refuse_busy_stack
from tests.fakes import FakeAws
from tests.services.scene import TARGET, Ground, Scene, make_aws
from tests.silence import Silence

NAMES = tuple(f"shop-dev-{number:02}" for number in range(4))


@pytest.fixture
def aws() -> FakeAws:
    return make_aws(NAMES)


@pytest.fixture
def scene(ground: Ground, aws: FakeAws) -> Scene:
    scene = Scene(ground, aws, NAMES)
    aws.add_stack(scene.stack_name)
    return scene


@pytest.fixture
def silence(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Silence]:
    silence = Silence(aws, monkeypatch, "DescribeStacks")
    yield silence
    silence.end()


def test_a_plan_is_shown_although_cloudformation_hangs(scene: Scene, silence: Silence) -> None:
    with scene.app.app_context():
        plan = plan_project_switch(scene.project_id, scene.target())
        found = preflight_plan(scene.project_id, plan)
        refuse_busy_stack(scene.project_id, "another")
    assert silence.asked == 2
    assert found.unknown.startswith("AWS gave no answer in time.")
    assert not found.findings


def test_what_lambda_does_not_answer_is_left_unchecked(scene: Scene, silence: Silence) -> None:
    silence.names = ("GetFunction",)
    with scene.app.app_context():
        plan = plan_project_switch(scene.project_id, scene.target())
        found = preflight_plan(scene.project_id, plan)
    assert found.unchecked == dict.fromkeys(
        NAMES, "It could not be checked: AWS gave no answer in time."
    )
    assert not found.notes
    assert not found.problems


def test_aliases_move_although_cloudformation_hangs(scene: Scene, silence: Silence) -> None:
    operation_id = scene.start()
    scene.forget()
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.SUCCEEDED
    assert {str(scene.live(name)) for name in NAMES} == {TARGET}
    assert silence.asked == 2


def test_silences_do_not_add_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def look(asked: Collection[Future[object]], longest: float) -> DoneAndNotDoneFutures[object]:
        waited.append(longest)
        return wait(asked, 0)

    monkeypatch.setattr("sah.services.answers.wait", look)
    over = threading.Event()
    with scene.app.app_context():
        for _ in range(3):
            with pytest.raises(AwsUnreachableError):
                ask_within(3.0, lambda: over.wait(60))
    with scene.app.app_context(), pytest.raises(AwsUnreachableError):
        ask_within(3.0, lambda: over.wait(60))
    over.set()
    assert waited == [3.0, 0.5, 0.5, 3.0]


def test_what_was_not_asked_in_time_is_not_asked_any_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sah.services.answers.wait", lambda asked, _seconds: wait(asked, 0))
    over = threading.Event()
    asked: list[int] = []

    def ask(number: int) -> None:
        asked.append(number)
        over.wait(60)

    with scene.app.app_context():
        hung = ask_each([partial(ask, number) for number in range(99)], 0.01)
    over.set()
    assert len(hung) == 99
    assert len(asked) <= 16


def test_what_is_raised_is_raised_to_who_asked(scene: Scene) -> None:
    with scene.app.app_context(), pytest.raises(ZeroDivisionError):
        ask_within(60.0, lambda: 1 / 0)
