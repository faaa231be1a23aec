"""No page waits for an AWS that hangs; what is known has to do then."""

import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import Future, wait
from concurrent.futures._base import DoneAndNotDoneFutures
from functools import partial

import pytest
from flask import g

from sah.domain.errors import AwsUnreachableError
from sah.domain.operations import OperationStatus
from sah.services.answers import ask_each, ask_within
from sah.services.locks import claim_project
from sah.services.operations import plan_project_switch, preflight_plan, refuse_busy_stack
from tests.fakes import FakeAws
from tests.services.scene import ALIAS, OTHER, TARGET, Ground, Scene, make_aws
from tests.silence import Silence

NAMES = tuple(f"shop-dev-{number:02}" for number in range(4))


# A command that asks for a nested stack and for functions, and never gets an answer.
ASK_IN_VAIN = """
from threading import Event
from flask import Flask
from sah.domain.errors import AwsUnreachableError
from sah.services.answers import ask_within
from sah.services.reading import read_each
from sah.services.stacks import look_at_stack
from tests.fakes import FakeAws

aws, silence = FakeAws(), Event()
aws.add_stack("shop")
aws.add_stack("payments", parent="shop")
aws.hook = lambda call: call.subject == "payments" and silence.wait()
for ask in (
    lambda: look_at_stack(aws, "shop", ["payments"]),
    lambda: read_each([(None, silence.wait)] * 99, lambda: None),
):
    with Flask("sah").app_context():
        try:
            ask_within(0.1, ask)
        except AwsUnreachableError:
            continue
        raise AssertionError
"""


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


def test_a_sync_that_takes_long_is_no_silence(
    scene: Scene, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sah.services.refresh._AGAIN_S", 0.0)
    aws.set_alias(NAMES[0], ALIAS, OTHER)
    with scene.app.app_context(), claim_project(scene.project_id, 0.0):
        plan = plan_project_switch(scene.project_id, scene.target())
        assert not preflight_plan(scene.project_id, plan).is_outdated
        assert not preflight_plan(scene.project_id, plan).unchecked
        assert not g.get("aws_is_silent")


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


def test_what_hangs_does_not_hold_up_the_end_of_a_command() -> None:
    ended = subprocess.run([sys.executable, "-c", ASK_IN_VAIN], timeout=60, check=False)
    assert ended.returncode == 0
