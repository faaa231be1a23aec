"""Planning, starting, following and undoing operations by calls of the API."""

from typing import Any

import pytest
from flask import Flask

from sah.domain.tokens import Scope
from sah.extensions import db
from sah.models import Project
from sah.services.operations import execute_operation
from tests.factories import make_project
from tests.fakes import FakeAws
from tests.web.program import Program

CART = {"functions": {"shop-cart": "2"}}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Carry operations out before the answer."""
    monkeypatch.setattr("sah.services.operations.run_operation", execute_operation)


@pytest.fixture
def program(app: Flask, shop: int) -> Program:
    return Program.with_scope(app, Scope.OPERATE, shop)


@pytest.fixture
def path(shop: int) -> str:
    return f"/api/projects/{shop}"


def live(aws: FakeAws, function: str) -> str:
    return str(aws.get_alias(function, "ACTIVE").routing)


class TestPlans:
    def test_a_plan_says_what_would_move(self, program: Program, path: str) -> None:
        wanted = {"shop-cart": "2", "shop-search": {"version": "3", "weights": {"2": 0.25}}}
        plan = program.post(f"{path}/plan", {"functions": wanted | {"shop-checkout": "3"}})
        assert len(plan.pop("fingerprint")) == 32
        assert plan == {
            "kind": "switch",
            "alias": "ACTIVE",
            "moves": [
                {
                    "function": "shop-cart",
                    "from": {"version": "3", "weights": {}},
                    "to": {"version": "2", "weights": {}},
                },
                {
                    "function": "shop-search",
                    "from": {"version": "3", "weights": {}},
                    "to": {"version": "3", "weights": {"2": 0.25}},
                },
            ],
            "unchanged": ["shop-checkout"],
            "untouched": [],
            "missing": [],
            "problems": {},
            "warnings": {},
            "busy": "",
            "unknown": "",
            "to": None,
            "unseen": [],
        }

    def test_a_plan_moves_nothing_and_says_what_stands_against_it(
        self, program: Program, path: str, aws: FakeAws
    ) -> None:
        aws.change_version("shop-cart", "2", state="Failed")
        aws.set_stack_status("shop", "UPDATE_IN_PROGRESS")
        plan = program.post(f"{path}/plan", CART)
        assert "cannot run" in plan["problems"]["shop-cart"]
        assert "UPDATE_IN_PROGRESS" in plan["busy"]
        assert live(aws, "shop-cart") == "3"

    @pytest.mark.parametrize(
        ("functions", "said"),
        [
            ({}, "functions"),
            ({"shop-cart": "$LATEST"}, "functions.shop-cart"),
            ({"shop-cart": 2}, "functions.shop-cart"),
            ({"shop-cart": "9"}, "no version 9"),
            ({"shop-nothing": "1"}, "no function shop-nothing"),
            ({"shop cart": "1"}, "functions.shop cart"),
            (
                {"shop-cart": {"version": "3", "weights": {"3": 0.1}}},
                "version 3 and itself",
            ),
            ({"shop-cart": {"version": "3", "weights": {"2": 1.5}}}, "less than or equal to 1"),
            ({"shop-cart": {"version": "3", "weights": {"2": 0.1, "1": 0.1}}}, "at most 1"),
        ],
    )
    def test_what_makes_no_sense_is_said(
        self, program: Program, path: str, functions: object, said: str
    ) -> None:
        answer = program.post(f"{path}/plan", {"functions": functions}, 422)
        assert said in answer["error"]["message"]


class TestOperations:
    def test_an_operation_is_started_and_followed(
        self, program: Program, path: str, aws: FakeAws
    ) -> None:
        plan = program.post(f"{path}/plan", CART)
        started = CART | {"reason": "It is slow.", "fingerprint": plan["fingerprint"]}
        operation = program.post(f"{path}/operations", started, 202)
        assert program.get(f"/api/operations/{operation['id']}") == operation
        assert (operation["status"], operation["kind"]) == ("succeeded", "switch")
        assert operation["requested_by"] == "operate of 1 (token)"
        assert operation["progress"] == {
            "total": 1,
            "moved": 1,
            "verified": 1,
            "failed": 0,
            "put_back": 0,
        }
        assert operation["moves"] == [
            {
                "function": "shop-cart",
                "from": {"version": "3", "weights": {}},
                "to": {"version": "2", "weights": {}},
                "outcome": "moved",
                "detail": "",
            }
        ]
        assert operation["finished_at"].endswith("Z")
        assert operation["url"].endswith(f"/operations/{operation['id']}")
        assert live(aws, "shop-cart") == "2"

    def test_it_is_undone(self, program: Program, path: str, aws: FakeAws) -> None:
        done = program.post(f"{path}/operations", CART | {"reason": "x"}, 202)
        undo = f"/api/operations/{done['id']}/undo"
        undone = program.post(undo, {"reason": "It was not that."}, 202)
        assert (undone["status"], undone["kind"]) == ("succeeded", "undo")
        assert live(aws, "shop-cart") == "3"
        program.post(undo, {"reason": "again"}, 422)

    def test_the_original_address_moves_too(
        self, program: Program, path: str, aws: FakeAws
    ) -> None:
        operation = program.put(f"{path}/updateVersions", CART, 202)
        assert operation["reason"] == "No reason was given: updateVersions was called."
        assert live(aws, "shop-cart") == "2"

    def test_operations_come_newest_first_in_pages(self, program: Program, path: str) -> None:
        for version in ("2", "1", "3"):
            wanted = {"functions": {"shop-cart": version}, "reason": version}
            program.post(f"{path}/operations", wanted, 202)
        page = program.get(f"{path}/operations?limit=2")
        assert [o["reason"] for o in page["items"]] == ["3", "1"]
        page = program.get(f"{path}/operations?limit=2&cursor={page['next_cursor']}")
        assert [o["reason"] for o in page["items"]] == ["2"]
        assert page["next_cursor"] is None

    @pytest.mark.parametrize(
        ("more", "status", "code"),
        [
            ({}, 422, "invalid"),
            ({"reason": " "}, 422, "invalid"),
            ({"reason": "x" * 501}, 422, "invalid"),
            ({"reason": "x", "on_failure": "panic"}, 422, "invalid"),
            ({"reason": "x", "fingerprint": "0" * 32}, 409, "stale_plan"),
        ],
    )
    def test_what_will_not_do_is_refused_and_moves_nothing(  # noqa: PLR0917 - fixtures
        self,
        program: Program,
        path: str,
        aws: FakeAws,
        more: dict[str, Any],
        status: int,
        code: str,
    ) -> None:
        answer = program.post(f"{path}/operations", CART | more, status)
        assert answer["error"]["code"] == code
        assert live(aws, "shop-cart") == "3"
        assert program.get(f"{path}/operations")["items"] == []

    def test_a_target_that_cannot_run_is_refused(
        self, program: Program, path: str, aws: FakeAws
    ) -> None:
        aws.change_version("shop-cart", "2", state="Failed")
        answer = program.post(f"{path}/operations", CART | {"reason": "x"}, 409)
        assert answer["error"]["code"] == "impossible"
        assert "shop-cart" in answer["error"]["message"]

    def test_a_stack_that_is_updated_is_left_alone_unless_there_is_a_reason(
        self, program: Program, path: str, aws: FakeAws
    ) -> None:
        aws.set_stack_status("shop", "UPDATE_IN_PROGRESS")
        wanted = CART | {"reason": "x"}
        answer = program.post(f"{path}/operations", wanted, 409)
        assert answer["error"]["code"] == "stack_busy"
        done = program.post(f"{path}/operations", wanted | {"override_reason": "it hangs"}, 202)
        assert done["status"] == "succeeded"

    def test_one_at_a_time(
        self, program: Program, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sah.services.operations.run_operation", lambda _id: None)
        queued = program.post(f"{path}/operations", CART | {"reason": "x"}, 202)
        assert (queued["status"], queued["finished_at"]) == ("queued", None)
        answer = program.post(f"{path}/operations", CART | {"reason": "y"}, 409)
        assert answer["error"]["code"] == "busy"

    def test_a_token_of_another_project_learns_nothing(
        self, app: Flask, program: Program, path: str, shop: int
    ) -> None:
        done = program.post(f"{path}/operations", CART | {"reason": "x"}, 202)
        with app.app_context():
            account = db.session.get_one(Project, shop).account
            other = make_project(account, "blog", synced=False).id
        stranger = Program.with_scope(app, Scope.OPERATE, other)
        answers = [
            stranger.call(method, address, 403, {"reason": "x"} if method == "POST" else None)
            for number in (done["id"], 99)
            for method, address in (
                ("GET", f"/api/operations/{number}"),
                ("POST", f"/api/operations/{number}/undo"),
            )
        ]
        assert all(answer == answers[0] for answer in answers)
