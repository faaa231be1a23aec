"""The webhook, and deployments read, compared and rolled back to by calls of the API."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from sah.domain.tokens import Scope
from sah.extensions import db
from sah.models import Deployment, Project
from sah.services.operations import execute_operation
from sah.services.tokens import TokenDetails, create_token, get_token_by_name, revoke_token
from tests.factories import make_project
from tests.fakes import FakeAws
from tests.web.client import StrictClient
from tests.web.pipeline import Pipeline, minutes_from_now
from tests.web.program import Program

JSON = "application/json"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FULL = {
    "commit": COMMIT,
    "branch": "main",
    "message": "Wish lists\n\nMore",
    "author": "Ada",
    "repository": "https://git.example.com/shop",
    "ci_url": "https://ci.example.com/7",
    "service": "shop",
    "stage": "prod",
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Carry operations out before the answer."""
    monkeypatch.setattr("sah.services.operations.run_operation", execute_operation)


@pytest.fixture
def ci(app: Flask, pipeline: Pipeline) -> Program:
    return Program.with_scope(app, Scope.DEPLOY, pipeline.project_id)


@pytest.fixture
def program(app: Flask, pipeline: Pipeline) -> Program:
    return Program.with_scope(app, Scope.OPERATE, pipeline.project_id)


@pytest.fixture
def path(pipeline: Pipeline) -> str:
    return f"/api/projects/{pipeline.project_id}/deployments"


def count_deployments(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.count(Deployment.id))) or 0


def live(aws: FakeAws, function: str) -> str:
    return str(aws.get_alias(function, "ACTIVE").routing)


class TestWebhook:
    def test_it_takes_what_the_original_plugin_sends_without_asking_aws(
        self, app: Flask, pipeline: Pipeline, ci: Program, path: str
    ) -> None:
        pipeline.aws.calls.clear()
        answer = app.test_client().post(
            path,
            data=b"{}",
            headers={"Authorization": f"Bearer {ci.secret}", "Content-Type": JSON},
        )
        assert answer.status_code == 201
        said: Any = answer.json
        assert (said["number"], said["status"], said["source"]) == (2, "pending", "webhook")
        assert said["url"] == f"http://localhost/projects/{pipeline.project_id}/deployments/2"
        assert pipeline.aws.calls == []

    def test_no_body_at_all_is_an_empty_report(self, ci: Program, path: str) -> None:
        assert ci.post(path, status=201)["number"] == 2

    def test_what_it_tells_is_kept(
        self, pipeline: Pipeline, ci: Program, program: Program, path: str
    ) -> None:
        told = FULL | {"plugin_version": "1.0.0", "framework_version": "4.2", "command": "deploy"}
        answer = ci.post(path, told, 201)
        assert {name: answer[name] for name in FULL} == FULL
        assert answer["reported_by"].endswith("(token)")
        pipeline.sync()
        read = program.get(f"{path}/2")
        assert {name: read[name] for name in FULL} == FULL
        assert (read["status"], read["created_at"]) == ("captured", answer["created_at"])

    def test_unknown_fields_are_ignored_and_null_is_nothing(self, ci: Program, path: str) -> None:
        answer = ci.post(path, {"commit": None, "branch": "main", "new": {"x": [1]}}, 201)
        assert (answer["commit"], answer["branch"]) == ("", "main")

    @pytest.mark.parametrize(
        ("told", "said"),
        [
            ({"alias": "A" * 256}, "alias"),
            ({"commit": "a" * 65}, "commit"),
            ({"branch": "b" * 256}, "branch"),
            ({"ci_url": "https://" + "c" * 2048}, "ci_url"),
            ({"author": 7}, "author"),
            ({"message": ["x"]}, "message"),
            ({"command": "destroy"}, "command"),
            ([], "The body"),
        ],
    )
    def test_what_makes_no_sense_is_refused_and_not_kept(
        self, app: Flask, ci: Program, path: str, told: object, said: str
    ) -> None:
        error = ci.post(path, told, 422)["error"]
        assert said in error["message"]
        assert count_deployments(app) == 1

    def test_a_long_message_is_cut_and_never_refused(self, ci: Program, path: str) -> None:
        answer = ci.post(path, {"message": "é\0" * 9000}, 201)
        assert answer["message"] == "é" * 5000

    def test_the_same_key_gives_the_same_deployment(
        self, app: Flask, pipeline: Pipeline, ci: Program, path: str
    ) -> None:
        key = {"Idempotency-Key": "run-7", "Authorization": f"Bearer {ci.secret}"}
        client = app.test_client()
        first, second = (client.post(path, json=FULL, headers=key) for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json == second.json
        pipeline.sync()
        third: Any = client.post(path, json={}, headers=key).json
        assert (third["number"], third["status"], third["commit"]) == (2, "captured", COMMIT)
        assert ci.post(path, FULL, 201)["number"] == 3
        long = client.post(path, json={}, headers=key | {"Idempotency-Key": "k" * 201})
        assert long.status_code == 422

    def test_a_wrong_expired_or_revoked_token_gets_401(
        self, app: Flask, pipeline: Pipeline, path: str
    ) -> None:
        with app.app_context():
            details = TokenDetails("old", Scope.DEPLOY, pipeline.project_id, timedelta(minutes=5))
            expiring = create_token(details, "a test").secret
            revoked = create_token(
                TokenDetails("gone", Scope.DEPLOY, pipeline.project_id), "a test"
            ).secret
            revoke_token(get_token_by_name("gone").id, "a test")
        for secret in ("nonsense", "sah_" + "0" * 64, revoked):
            error = Program(app, secret).post(path, {}, 401)["error"]
            assert error["code"] == "invalid_token"
        with time_machine.travel(minutes_from_now(6), tick=False):
            Program(app, expiring).post(path, {}, 401)
        assert count_deployments(app) == 1

    def test_another_project_or_scope_gets_403_and_learns_nothing(
        self, app: Flask, pipeline: Pipeline, ci: Program, path: str
    ) -> None:
        with app.app_context():
            account = db.session.get_one(Project, pipeline.project_id).account
            other = make_project(account, "blog", synced=False).id
        answers = [
            ci.post(f"/api/projects/{number}/deployments", {}, 403) for number in (other, 99)
        ]
        assert answers[0] == answers[1]
        Program.with_scope(app, Scope.READ).post(path, {}, 403)
        ci.get(path, 403)
        ci.post(f"/api/projects/{pipeline.project_id}/plan", {"to": 1}, 403)
        assert count_deployments(app) == 1

    def test_a_project_that_there_is_not_gets_404_from_who_may_know(self, app: Flask) -> None:
        Program.with_scope(app, Scope.OPERATE).post("/api/projects/99/deployments", {}, 404)

    def test_what_is_too_long_or_no_json_is_refused(
        self, app: Flask, ci: Program, path: str
    ) -> None:
        long = b'{"message": "' + b"a" * 300_000 + b'"}'
        ci.call("POST", path, 413, data=long, content_type=JSON)
        ci.call("POST", path, 415, data=b'{"commit": "a"}', content_type="text/plain")
        ci.call("POST", path, 400, data=b"{", content_type=JSON)
        assert count_deployments(app) == 1

    def test_too_many_get_429_and_when_to_come_again(
        self, app: Flask, ci: Program, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "API_REQUESTS_PER_MINUTE", 2)
        for _ in range(2):
            ci.post(path, {}, 201)
        error = ci.post(path, {}, 429)["error"]
        assert error["code"] == "too_many_requests"
        assert 1 <= int(ci.said["Retry-After"]) <= 30
        assert count_deployments(app) == 3

    def test_a_log_in_reports_too_but_not_without_its_csrf_token(
        self, app: Flask, path: str, operator: StrictClient
    ) -> None:
        refused = operator.http.post(path, json={})
        assert refused.status_code == 400
        token = operator.get("/help").form("Log out").fields["csrf_token"]
        made = operator.http.post(path, json={}, headers={"X-CSRFToken": token})
        assert made.status_code == 201
        assert count_deployments(app) == 2


class TestReading:
    def test_one_says_what_it_changed_and_how_it_stands(
        self, pipeline: Pipeline, program: Program, path: str
    ) -> None:
        pipeline.deploy("shop-cart")
        read = program.get(f"{path}/2")
        assert (read["live"], read["no_change"]) == ("live", False)
        assert (read["changed"], read["added"], read["removed"]) == (["shop-cart"], [], [])
        assert read["readiness"] == {"ready": 3, "total": 3, "problems": {}}
        assert read["functions"]["shop-cart"] == "4"
        assert read["active_for_s"] >= 0
        assert read["deployed_at"].endswith("Z")
        assert program.get(f"{path}/1")["live"] == "not_live"

    def test_whether_one_is_live_is_not_told_before_it_is_known(
        self, pipeline: Pipeline, ci: Program, program: Program, path: str
    ) -> None:
        assert ci.post(path, {}, 201)["live"] is None
        assert program.get(f"{path}/2")["live"] is None
        pipeline.sync()
        assert program.get(f"{path}/2")["live"] == "live"

    def test_one_that_is_not_ready_says_why(
        self, pipeline: Pipeline, program: Program, path: str
    ) -> None:
        pipeline.deploy("shop-cart")
        pipeline.aws.delete_version("shop-cart", "3")
        pipeline.sync()
        assert program.get(f"{path}/1")["readiness"] == {
            "ready": 2,
            "total": 3,
            "problems": {"shop-cart": "Version 3 was deleted."},
        }

    def test_they_come_newest_first_in_pages(
        self, pipeline: Pipeline, program: Program, path: str
    ) -> None:
        for _ in range(4):
            pipeline.report()
        first = program.get(f"{path}?limit=3")
        rest = program.get(f"{path}?limit=3&cursor={first['next_cursor']}")
        numbers = [one["number"] for one in (*first["items"], *rest["items"])]
        assert (numbers, rest["next_cursor"]) == ([5, 4, 3, 2, 1], None)

    def test_one_that_became_one_with_another_gives_that(
        self, pipeline: Pipeline, program: Program, path: str
    ) -> None:
        pipeline.aws.now = minutes_from_now(-5)
        pipeline.change(["shop-cart"])
        pipeline.sync()
        pipeline.report(commit=COMMIT)
        pipeline.sync()
        assert program.get(f"{path}/2")["number"] == 3
        assert program.get(f"{path}/3")["commit"] == COMMIT
        assert [one["number"] for one in program.get(path)["items"]] == [3, 1]

    def test_two_are_compared(self, pipeline: Pipeline, program: Program, path: str) -> None:
        pipeline.deploy("shop-cart")
        compared = program.get(f"{path}/2/compare?with=1")
        assert (compared["before"], compared["after"], compared["same"]) == (1, 2, 2)
        (row,) = compared["functions"]
        assert (row["function"], row["before"]["version"], row["after"]["version"]) == (
            "shop-cart",
            "3",
            "4",
        )
        assert [one["what"] for one in row["differences"]] == ["code"]
        assert compared["not_rolled_back"]
        to_live = program.get(f"{path}/1/compare")
        assert (to_live["before"], to_live["after"]) == (None, 1)

    @pytest.mark.parametrize(
        ("rest", "status"),
        [
            ("/9", 404),
            ("/2/compare", 409),
            ("/1/compare?with=2", 409),
            ("/1/compare?with=nonsense", 422),
            ("/1/compare?with=9", 404),
        ],
    )
    def test_what_is_not_known_is_said(
        self, pipeline: Pipeline, program: Program, path: str, rest: str, status: int
    ) -> None:
        pipeline.report()
        assert program.get(path + rest, status)["error"]["message"]


class TestRollback:
    @pytest.fixture
    def base(self, pipeline: Pipeline) -> str:
        pipeline.deploy("shop-cart")
        return f"/api/projects/{pipeline.project_id}"

    @pytest.mark.parametrize("to", [1, "previous"])
    def test_one_call(self, aws: FakeAws, program: Program, base: str, to: object) -> None:
        plan = program.post(f"{base}/plan", {"to": to})
        assert plan["to"] == 1
        assert [(m["function"], m["to"]["version"]) for m in plan["moves"]] == [("shop-cart", "3")]
        assert plan["unchanged"] == ["shop-checkout", "shop-search"]
        assert live(aws, "shop-cart") == "4"
        wanted = {"to": to, "reason": "Empty carts", "fingerprint": plan["fingerprint"]}
        done = program.post(f"{base}/operations", wanted, 202)
        assert (done["status"], done["kind"], done["to"]) == ("succeeded", "rollback", 1)
        assert live(aws, "shop-cart") == "3"
        assert program.get(f"{base}/deployments/1")["live"] == "live"

    def test_the_way_to_a_newer_one_is_forward(self, program: Program, base: str) -> None:
        assert program.post(f"{base}/plan", {"to": 1})["kind"] == "rollback"
        assert program.post(f"{base}/plan", {"functions": {"shop-cart": "3"}})["kind"] == "switch"
        program.post(f"{base}/operations", {"to": 1, "reason": "Empty carts"}, 202)
        assert program.post(f"{base}/plan", {"to": 2})["kind"] == "roll_forward"
        done = program.post(f"{base}/operations", {"to": 2, "reason": "Mended"}, 202)
        assert (done["status"], done["kind"], done["to"]) == ("succeeded", "roll_forward", 2)

    @pytest.mark.parametrize("body", [None, {}, {"reason": "Empty carts"}])
    def test_the_original_address(
        self, aws: FakeAws, program: Program, base: str, body: dict[str, str] | None
    ) -> None:
        done = program.put(f"{base}/deployments/1/rollback", body, 202)
        assert (done["status"], done["to"]) == ("succeeded", 1)
        expected = (body or {}).get("reason", "No reason was given: rollback was called.")
        assert done["reason"] == expected
        assert live(aws, "shop-cart") == "3"

    def test_another_plan_than_the_one_that_was_read_is_refused(
        self, aws: FakeAws, program: Program, base: str
    ) -> None:
        wanted = {"to": 1, "reason": "x", "fingerprint": "0" * 32}
        assert program.post(f"{base}/operations", wanted, 409)["error"]["code"] == "stale_plan"
        assert live(aws, "shop-cart") == "4"

    def test_what_cannot_go_back_stops_it_unless_partial(
        self, aws: FakeAws, pipeline: Pipeline, program: Program, base: str
    ) -> None:
        pipeline.deploy("shop-search")
        aws.delete_version("shop-cart", "3")
        pipeline.sync()
        plan = program.post(f"{base}/plan", {"to": 1})
        assert plan["problems"] == {"shop-cart": "Version 3 was deleted."}
        wanted = {"to": 1, "reason": "x"}
        refused = program.post(f"{base}/operations", wanted, 409)["error"]
        assert refused["code"] == "impossible"
        assert "shop-cart: Version 3 was deleted." in refused["message"]
        done = program.post(f"{base}/operations", wanted | {"partial": True}, 202)
        assert (done["status"], live(aws, "shop-search"), live(aws, "shop-cart")) == (
            "succeeded",
            "3",
            "4",
        )

    def test_what_was_deleted_since_the_last_sync_can_be_left(
        self, aws: FakeAws, pipeline: Pipeline, program: Program, base: str
    ) -> None:
        pipeline.deploy("shop-search")
        aws.delete_version("shop-cart", "3")
        wanted = {"to": 1, "reason": "x", "partial": True}
        plan = program.post(f"{base}/plan", {"to": 1})
        assert plan["problems"] == {"shop-cart": "Version 3 was deleted."}
        program.post(f"{base}/operations", wanted | {"fingerprint": plan["fingerprint"]}, 202)
        assert (live(aws, "shop-search"), live(aws, "shop-cart")) == ("3", "4")

    @pytest.mark.parametrize(
        ("wanted", "status"),
        [
            ({"to": 9}, 404),
            ({"to": 3}, 409),
            ({"to": 0}, 422),
            ({"to": "last"}, 422),
            ({"to": "1"}, 422),
            ({}, 422),
            ({"to": 1, "functions": {"shop-cart": "3"}}, 422),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, pipeline: Pipeline, program: Program, base: str, wanted: dict[str, Any], status: int
    ) -> None:
        pipeline.report()
        assert program.post(f"{base}/plan", wanted, status)["error"]["message"]
        program.post(f"{base}/operations", wanted | {"reason": "x"}, status)

    def test_without_an_earlier_one_there_is_no_previous(
        self, pipeline: Pipeline, program: Program
    ) -> None:
        answer = program.post(f"/api/projects/{pipeline.project_id}/plan", {"to": "previous"}, 404)
        assert "has not seen an earlier deployment of shop live" in answer["error"]["message"]

    def test_a_busy_stack_needs_a_second_reason(
        self, aws: FakeAws, program: Program, base: str
    ) -> None:
        aws.set_stack_status("shop", "UPDATE_IN_PROGRESS")
        wanted = {"to": 1, "reason": "x"}
        assert program.post(f"{base}/operations", wanted, 409)["error"]["code"] == "stack_busy"
        program.put(f"{base}/deployments/1/rollback", {}, 409)
        done = program.post(f"{base}/operations", wanted | {"override_reason": "It hangs"}, 202)
        assert done["status"] == "succeeded"

    def test_who_may_only_read_or_report_moves_nothing(
        self, app: Flask, aws: FakeAws, pipeline: Pipeline, ci: Program, base: str
    ) -> None:
        for program in (ci, Program.with_scope(app, Scope.READ, pipeline.project_id)):
            program.put(f"{base}/deployments/1/rollback", {}, 403)
            program.post(f"{base}/operations", {"to": 1, "reason": "x"}, 403)
        assert live(aws, "shop-cart") == "4"
