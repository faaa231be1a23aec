import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from sah.cli.moving import carry_out
from sah.domain.aliases import Routing
from sah.domain.errors import AwsAccessDeniedError
from sah.extensions import db
from sah.models import Move, Operation
from sah.services.operations import OperationRequest, plan_project_switch, start_operation
from tests.cli.conftest import Sah
from tests.factories import make_shop
from tests.fakes import Call, FakeAws

Capture = pytest.CaptureFixture[str]
SWITCH = ("switch", "shop", "shop-cart=1", "shop-search=1", "--reason", "Slow")


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def shop(app: Flask, aws: FakeAws) -> int:
    with app.app_context():
        return make_shop(aws).id


def live(aws: FakeAws, function: str) -> str:
    aws.hook = None
    return str(aws.get_alias(function, "ACTIVE").routing)


def test_a_switch_moves_and_says_so(sah: Sah, aws: FakeAws) -> None:
    done = sah(*SWITCH, "--output", "json")
    assert done.status == 0
    assert done.json["status"] == "succeeded"
    assert (done.json["moved"], done.json["verified"], done.json["total"]) == (2, 2, 2)
    assert done.json["requested_by"].endswith("(command line)")
    assert [move["outcome"] for move in done.json["moves"]] == ["moved", "moved"]
    assert live(aws, "shop-cart") == "1"


def test_only_a_terminal_sees_how_far_it_is(
    app: Flask, sah: Sah, shop: int, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert sah(*SWITCH, "--output", "json").err == ""
    target = {"shop-cart": Routing("2"), "shop-search": Routing("2")}
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with app.app_context():
        plan = plan_project_switch(shop, target)
        carry_out(OperationRequest(shop, target, plan.fingerprint, "Slow", "ada"), "json")
    assert "moved 2 of 2, 2 read back" in screen.getvalue()
    assert json.loads(capsys.readouterr().out)["status"] == "succeeded"


def test_a_switch_that_fails_has_another_exit_status(sah: Sah, aws: FakeAws) -> None:
    aws.fail("UpdateAlias", AwsAccessDeniedError("No."), subject="shop-search", times=9)
    done = sah(*SWITCH)
    assert done.status == 1
    assert "ended as put back: 1 of 2 failed. shop-search: No." in done.err
    assert live(aws, "shop-cart") == "3"


def test_what_was_moved_is_kept_when_asked_for(sah: Sah, aws: FakeAws) -> None:
    aws.fail("UpdateAlias", AwsAccessDeniedError("No."), subject="shop-search", times=9)
    done = sah(*SWITCH, "--on-failure", "finish")
    assert (done.status, live(aws, "shop-cart")) == (1, "1")
    assert "partly moved" in done.out


def test_a_dry_run_moves_nothing(app: Flask, sah: Sah, aws: FakeAws) -> None:
    shown = sah("switch", "shop", "shop-cart=1", "--dry-run")
    assert shown.status == 0
    assert "shop-cart" in shown.out
    assert aws.count("UpdateAlias") == 0
    with app.app_context():
        assert db.session.query(Operation).count() == 0


def test_a_dry_run_as_json_names_problems(sah: Sah, aws: FakeAws) -> None:
    aws.delete_version("shop-cart", "1")
    shown = sah("switch", "shop", "shop-cart=1", "--dry-run", "--output", "json")
    assert shown.status == 1
    assert shown.json["moves"][0]["problem"] == "Version 1 does not exist (any more)."
    assert "Nothing was moved." in shown.err


def test_what_is_there_already_is_fine(sah: Sah, aws: FakeAws) -> None:
    done = sah("switch", "shop", "shop-cart=3", "--reason", "x")
    assert (done.status, done.out) == (0, "Nothing would move.\n")
    assert aws.count("UpdateAlias") == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("shop", "shop-cart=1"), "--reason is missing."),
        (("shop", "shop-cart", "--reason", "x"), "“shop-cart” is not FUNCTION=VERSION."),
        (("shop", "shop-cart=$LATEST", "--reason", "x"), "is not a published version."),
        (("shop", "shop-cart=9", "--reason", "x"), "shop-cart has no version 9"),
        (("shop", "shop-cart=1", "shop-cart=2", "--reason", "x"), "shop-cart is named twice."),
        (("shop", "other=1", "--reason", "x"), "shop has no function other."),
        (("other", "shop-cart=1", "--reason", "x"), "There is no project “other”."),
    ],
)
def test_nonsense_is_refused_in_a_sentence(
    sah: Sah, arguments: tuple[str, ...], sentence: str
) -> None:
    done = sah("switch", *arguments)
    assert done.status != 0
    assert sentence in done.err
    assert done.out == ""


def test_a_deploy_that_runs_has_to_be_overridden(sah: Sah, aws: FakeAws) -> None:
    aws.set_stack_status("shop", "UPDATE_IN_PROGRESS")
    assert "--override-reason" in sah(*SWITCH).err
    done = sah(*SWITCH, "--override-reason", "it hangs")
    assert done.status == 0
    assert "override reason: it hangs" in done.out


def test_operations_are_listed_and_shown(sah: Sah) -> None:
    sah(*SWITCH)
    (listed,) = sah("operations", "list", "--output", "json").json
    assert (listed["reason"], listed["progress"]) == ("Slow", "moved 2 of 2")
    assert sah("operations", "list", "--project", "shop").status == 0
    shown = sah("operations", "show", str(listed["id"]))
    assert "status: succeeded" in shown.out
    assert "created at: 20" in shown.out
    assert "duration s: " in shown.out
    assert "shop-cart" in shown.out
    assert sah("operations", "show", "99").err == "There is no such operation.\n"
    assert "99999999999" in sah("operations", "show", "99999999999").err
    assert sah("operations", "show", "99999999999").status == 2


def test_an_abandoned_operation_is_taken_up(app: Flask, sah: Sah, shop: int) -> None:
    assert sah("operations", "resume").out == ""
    make_abandoned(app, shop)
    assert sah("operations", "resume").out == "Operation 1 of shop: succeeded\n"


def interrupt_call(aws: FakeAws) -> None:
    def interrupt(call: Call) -> None:
        if call.name == "UpdateAlias":
            raise KeyboardInterrupt

    aws.hook = interrupt


def interrupt_database(_aws: FakeAws) -> None:
    def interrupt(session: Session, _context: object) -> None:
        if any(isinstance(row, Move) for row in session.dirty):
            event.remove(db.session, "after_flush", interrupt)
            raise KeyboardInterrupt

    event.listen(db.session, "after_flush", interrupt)


@pytest.mark.parametrize("press", [interrupt_call, interrupt_database])
def test_ctrl_c_says_what_becomes_of_the_operation(
    sah: Sah, aws: FakeAws, monkeypatch: pytest.MonkeyPatch, press: Callable[[FakeAws], None]
) -> None:
    handlers = []
    monkeypatch.setattr(signal, "signal", lambda *handler: handlers.append(handler))
    press(aws)
    stopped = sah(*SWITCH)
    aws.hook = None
    assert handlers == [(signal.SIGINT, signal.SIG_DFL)]
    assert stopped.status == 1
    assert stopped.err.startswith("Stopped here, but operation 1 goes on: ")
    assert "within 15 s and puts back what was moved" in stopped.err
    assert stopped.err.endswith("To look at it: sah operations show 1\n")
    assert len(stopped.err.splitlines()) == 1
    assert sah("operations", "resume").out == "Operation 1 of shop: failed\n"
    assert live(aws, "shop-cart") == "3"


def test_the_second_one_is_told_who_is_moving_what(
    app: Flask, sah: Sah, aws: FakeAws, shop: int
) -> None:
    make_abandoned(app, shop)
    aws.set_alias("shop-cart", "ACTIVE", "1")  # it moved already
    refused = sah(*SWITCH)
    assert refused.status == 1
    assert refused.err.startswith(
        "ada is moving the aliases of shop right now (moved 0 of 1): “Slow”. "
    )


def make_abandoned(app: Flask, shop: int) -> None:
    target = {"shop-cart": Routing("1")}
    with app.app_context():
        plan = plan_project_switch(shop, target)
        start_operation(OperationRequest(shop, target, plan.fingerprint, "Slow", "ada"))


def run_script(folder: Path, script: str, *arguments: str) -> tuple[int, list[str]]:
    """Run a script with an ``aws`` that only writes down how it was called."""
    aws = folder / "aws"
    aws.write_text(
        '#!/bin/sh\nfor word in "$@"; do printf "%s|" "$word"; done >> "$LOG"\necho >> "$LOG"\n'
    )
    aws.chmod(0o755)
    log = folder / "log"
    log.write_text("")
    (folder / "script").write_text(script)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "LOG": str(log)}
    done = subprocess.run(
        ["sh", str(folder / "script"), *arguments], env=environment, check=False, timeout=60
    )
    return done.returncode, log.read_text().splitlines()


def test_the_glass_is_broken_with_plain_aws(sah: Sah, aws: FakeAws, tmp_path: Path) -> None:
    calls = len(aws.calls)
    script = sah("break-glass", "shop", "--to", "shop-cart=1", "shop-search=previous").out
    assert len(aws.calls) == calls
    head = "lambda|update-alias|--region|eu-west-1|--function-name|"
    rest = '|--routing-config|{"AdditionalVersionWeights": {}}|'
    assert run_script(tmp_path, script) == (
        0,
        [
            f"{head}shop-cart|--name|ACTIVE|--function-version|1{rest}",
            f"{head}shop-search|--name|ACTIVE|--function-version|2{rest}",
        ],
    )
    assert run_script(tmp_path, script, "undo") == (
        0,
        [
            f"{head}shop-cart|--name|ACTIVE|--function-version|3{rest}",
            f"{head}shop-search|--name|ACTIVE|--function-version|3{rest}",
        ],
    )
    assert run_script(tmp_path, script, "nonsense") == (2, [])


@pytest.mark.parametrize(
    "wanted", ["shop-cart=9", "nonsense", "other=previous", "shop-cart=3", "previous", "41"]
)
def test_there_is_no_glass_to_break_for_nonsense(sah: Sah, wanted: str) -> None:
    done = sah("break-glass", "shop", "--to", wanted)
    assert done.status == 1
    assert done.out == ""


@pytest.mark.parametrize("wanted", ["shop-cart=2", "shop-cart=previous"])
def test_a_function_has_one_version_in_a_script(sah: Sah, wanted: str) -> None:
    done = sah("break-glass", "shop", "--to", "shop-cart=1", wanted)
    assert (done.status, done.out) == (1, "")
    assert "shop-cart is named twice." in done.err
