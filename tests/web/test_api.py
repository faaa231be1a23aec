"""The JSON API: who the caller is, projects, stacks, functions, and what is refused."""

import json
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask

from sah.domain.errors import AwsAccessDeniedError
from sah.domain.tokens import Scope
from sah.extensions import db
from sah.models import Project
from sah.services.projects import list_projects
from tests.factories import make_account, make_project
from tests.fakes import FakeAws
from tests.queries import counted_queries
from tests.web.client import StrictClient
from tests.web.program import Program

PATCH = {"account": "production", "stack": "shop", "alias": "ACTIVE"}


@pytest.fixture
def reader(app: Flask) -> Program:
    return Program.with_scope(app, Scope.READ)


@pytest.fixture
def operator_program(app: Flask) -> Program:
    return Program.with_scope(app, Scope.OPERATE)


@pytest.fixture
def many(app: Flask, shop: int) -> None:
    """Four more projects, whose names do not go by their ids."""
    with app.app_context():
        account = db.session.get_one(Project, shop).account
        for name in ("delta", "alpha", "charlie", "Bravo"):
            make_project(account, f"stack-{name}", name, synced=False)


class Log:
    """Calls of an administrator's log-in, with its CSRF token."""

    def __init__(self, client: StrictClient) -> None:
        self._http = client.http
        self._token = client.get("/help").form("Log out").fields["csrf_token"]

    def call(self, method: str, path: str, json: object, status: int) -> Any:  # noqa: ANN401
        headers = {"X-CSRFToken": self._token}
        answer = self._http.open(path, method=method, json=json, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json


class TestProjects:
    def test_a_project_says_how_it_stands(self, reader: Program, shop: int) -> None:
        found = reader.get(f"/api/projects/{shop}")
        assert found.pop("url") == f"http://localhost/projects/{shop}"
        assert found.pop("synced_at").endswith("Z")
        assert found.pop("last_deployed_at").endswith("Z")
        assert found == {
            "id": shop,
            "name": "shop",
            "account": "production",
            "region": "eu-west-1",
            "stack": "shop",
            "alias": "ACTIVE",
            "state": "ready",
            "functions": 3,
            "ready": 3,
            "stack_status": "CREATE_COMPLETE",
            "sync_error": "",
            "revision": 1,
        }

    @pytest.mark.usefixtures("many")
    def test_the_list_comes_in_pages_by_name(self, app: Flask, reader: Program) -> None:
        names, cursor = [], None
        for _ in range(3):
            query = "?limit=2" + (f"&cursor={cursor}" if cursor else "")
            page = reader.get(f"/api/projects{query}")
            names.append([project["name"] for project in page["items"]])
            cursor = page["next_cursor"]
        with app.app_context():  # whether capitals come first is the database's affair
            first, second, *others = [project.name for project in list_projects()]
        assert {first, second} == {"Bravo", "alpha"}
        assert names == [[first, second], ["charlie", "delta"], ["shop"]]
        assert others == ["charlie", "delta", "shop"]
        assert cursor is None

    @pytest.mark.usefixtures("many")
    def test_a_bound_token_sees_its_project_alone(self, app: Flask, shop: int) -> None:
        bound = Program.with_scope(app, Scope.READ, shop)
        assert [p["id"] for p in bound.get("/api/projects")["items"]] == [shop]
        answers = [bound.get(f"/api/projects/{number}", 403) for number in (shop + 1, 99)]
        assert answers[0] == answers[1]
        bound.get("/api/stacks", 403)

    def test_an_administrator_makes_changes_and_deletes_one(
        self, admin: StrictClient, app: Flask, aws: FakeAws
    ) -> None:
        aws.add_stack("shop", {"shop-cart": 2})
        with app.app_context():
            make_account()
        log = Log(admin)
        made = log.call("POST", "/api/projects", {"stack": "shop"}, 201)
        assert (made["name"], made["alias"], made["state"]) == ("shop", "ACTIVE", "never_synced")
        path = f"/api/projects/{made['id']}"
        assert log.call("POST", f"{path}/sync", None, 200)["state"] == "ready"
        changed = log.call("PUT", path, PATCH | {"name": "store", "revision": 1}, 200)
        assert (changed["name"], changed["revision"]) == ("store", 2)
        late = log.call("PUT", path, PATCH | {"name": "market", "revision": 1}, 409)
        assert late["error"]["code"] == "edited_meanwhile"
        log.call("DELETE", path, None, 204)
        log.call("DELETE", path, None, 404)

    @pytest.mark.parametrize(
        ("body", "status", "said"),
        [
            ({}, 422, "stack: it is missing"),
            ({"stack": "s", "nmae": "x"}, 422, "nmae: there is no such field"),
            ({"stack": 7}, 422, "stack"),
            ({"stack": "s", "account": "x"}, 404, "no account “x”"),
            ({"stack": "no stack"}, 422, "cannot be the name of a stack"),
            ({"stack": "shop"}, 409, "named shop already"),
            ([], 422, "The body"),
        ],
    )
    @pytest.mark.usefixtures("shop")
    def test_what_is_wrong_with_a_new_one_is_said(
        self, admin: StrictClient, body: object, status: int, said: str
    ) -> None:
        answer = Log(admin).call("POST", "/api/projects", body, status)
        assert said in answer["error"]["message"]

    def test_a_sync_that_fails_says_why(
        self, operator_program: Program, aws: FakeAws, shop: int
    ) -> None:
        aws.fail("DescribeStacks", AwsAccessDeniedError("SAH may not do that."))
        found = operator_program.post(f"/api/projects/{shop}/sync")
        assert (found["state"], found["sync_error"]) == ("sync_failed", "SAH may not do that.")


class TestStacks:
    def test_the_only_account_needs_no_name(self, reader: Program, aws: FakeAws, shop: int) -> None:
        assert shop
        aws.add_stack("blog")
        page = reader.get("/api/stacks?limit=1")
        assert [(s["name"], s["account"]) for s in page["items"]] == [("blog", "production")]
        page = reader.get(f"/api/stacks?account=1&limit=1&cursor={page['next_cursor']}")
        assert [s["name"] for s in page["items"]] == ["shop"]
        assert page["next_cursor"] is None

    def test_of_several_accounts_one_has_to_be_named(
        self, app: Flask, reader: Program, shop: int
    ) -> None:
        assert shop
        with app.app_context():
            make_account("staging")
        assert "2 accounts" in reader.get("/api/stacks", 422)["error"]["message"]
        assert reader.get("/api/stacks?account=staging")["items"]
        reader.get("/api/stacks?account=nowhere", 404)

    def test_what_aws_says_is_passed_on(self, reader: Program, aws: FakeAws, shop: int) -> None:
        assert shop
        aws.fail("ListStacks", AwsAccessDeniedError("SAH may not list stacks."))
        answer = reader.get("/api/stacks", 502)
        assert answer["error"]["code"] == "aws_access_denied"


class TestFunctions:
    def test_functions_say_what_they_serve(self, reader: Program, shop: int) -> None:
        page = reader.get(f"/api/projects/{shop}/functions?limit=1")
        assert page["items"] == [
            {
                "name": "shop-cart",
                "live": {"version": "3", "weights": {}},
                "published_version": "3",
                "ready": True,
                "problems": [],
                "warnings": [],
                "gone": False,
            }
        ]
        rest = reader.get(f"/api/projects/{shop}/functions?cursor={page['next_cursor']}")
        assert [f["name"] for f in rest["items"]] == ["shop-checkout", "shop-search"]

    def test_pages_of_functions_lose_none_however_the_database_sorts(
        self, app: Flask, aws: FakeAws, reader: Program
    ) -> None:
        names = ["bar-Till", "bar-cart", "bar_oven"]
        aws.add_stack("bar", dict.fromkeys(names, 1))
        with app.app_context():
            path = f"/api/projects/{make_project(make_account('bar'), 'bar').id}/functions?limit=1"
        page = reader.get(path)
        found = page["items"]
        while page["next_cursor"]:
            page = reader.get(f"{path}&cursor={page['next_cursor']}")
            found += page["items"]
        assert sorted(one["name"] for one in found) == names

    def test_versions_come_newest_first(self, reader: Program, shop: int) -> None:
        path = f"/api/projects/{shop}/functions/shop-cart/versions"
        first = reader.get(f"{path}?limit=2")
        rest = reader.get(f"{path}?limit=2&cursor={first['next_cursor']}")
        versions = [*first["items"], *rest["items"]]
        assert [version["version"] for version in versions] == ["3", "2", "1"]
        assert [version["aliases"] for version in versions] == [
            [{"name": "ACTIVE", "weight": 1.0}],
            [],
            [],
        ]
        assert rest["next_cursor"] is None

    def test_the_original_addresses_answer(self, reader: Program, shop: int) -> None:
        path = f"/api/projects/{shop}"
        assert reader.get(f"{path}/aliasVersion?function=shop-cart") == {
            "function": "shop-cart",
            "alias": "ACTIVE",
            "version": "3",
            "weights": {},
        }
        assert reader.get(f"{path}/versions")["functions"]["shop-cart"] == ["3", "2", "1"]
        reader.get(f"{path}/aliasVersion?function=shop-nothing", 404)
        reader.get(f"{path}/aliasVersion", 422)


class TestRefusals:
    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=201",
            "limit=1_0",
            "limit=%D9%A1",
            "limit=1&limit=2",
            "limti=1",
            "cursor=x",
            "cursor=",
            "cursor=Nw==",
            "cursor=IlxkODAwIg==",
            "cursor=" + "W" * 900,
        ],
    )
    def test_a_page_that_makes_no_sense_gets_422(self, reader: Program, query: str) -> None:
        assert reader.get(f"/api/projects?{query}", 422)["error"]["code"] == "invalid"

    def test_a_cursor_of_another_list_gets_422(self, reader: Program, shop: int) -> None:
        for number in ("MTAwMDAwMDAwMDAwMDAwMDAwMDAw", "MjE0NzQ4MzY0OA==", "dHJ1ZQ=="):
            path = f"/api/projects/{shop}/functions/shop-cart/versions?cursor={number}"
            reader.get(path, 422)

    def test_what_is_not_there_is_an_error_of_the_one_shape(self, reader: Program) -> None:
        for path in ("/api", "/api/", "/api/nothing", "/api/projects/99", "/api/projects/x"):
            assert reader.get(path, 404)["error"]["code"] == "not_found"
        for number in (0, 10**9, 2**70):
            reader.get(f"/api/projects/{number}", 404)

    def test_another_method_gets_405_and_the_methods_that_there_are(self, reader: Program) -> None:
        reader.call("PATCH", "/api/projects", 405)
        assert set(reader.said["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}

    @pytest.mark.parametrize(
        ("body", "mimetype", "status"),
        [
            (b"{", "application/json", 400),
            (b"\xff", "application/json", 400),
            (b"[" * 5000, "application/json", 400),
            (b'{"functions": NaN}', "application/json", 422),
            (b"null", "application/json", 422),
            (b'{"functions": {}}', "text/plain", 415),
            (b"a=b", "application/x-www-form-urlencoded", 415),
            (b'{"x": "' + b"a" * 300_000 + b'"}', "application/json", 413),
        ],
    )
    def test_a_body_that_cannot_be_read_is_refused(
        self, operator_program: Program, shop: int, body: bytes, mimetype: str, status: int
    ) -> None:
        path = f"/api/projects/{shop}/plan"
        operator_program.call("POST", path, status, data=body, content_type=mimetype)

    def test_what_nobody_expected_is_an_error_of_the_one_shape(
        self, reader: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sah.blueprints.api.projects.list_project_summaries", None)
        error = reader.get("/api/projects", 500)["error"]
        assert error["code"] == "unexpected"
        assert "request id" in error["hint"]


class TestDescription:
    def test_it_is_openapi_3_1_and_whole(self, reader: Program) -> None:
        document = reader.get("/api/openapi.json")
        assert document["openapi"] == "3.1.0"
        operations = [call for path in document["paths"].values() for call in path.values()]
        names = sorted(call["operationId"] for call in operations)
        assert all(one != other for one, other in pairwise(names))
        assert all(call["summary"] and call["tags"] for call in operations)

    def test_it_speaks_to_those_who_call_it(self, reader: Program) -> None:
        document = reader.get("/api/openapi.json")
        text = json.dumps(document)
        assert "aws-facts" not in text
        assert "``" not in text
        assert {"Project", "Operation", "Plan", "Error"} <= set(document["components"]["schemas"])
        assert document["paths"]["/api/user"]["get"]["tags"] == ["user"]

    def test_the_page_shows_every_call_and_every_shape(
        self, viewer: StrictClient, reader: Program
    ) -> None:
        page, document = viewer.get("/api/docs"), reader.get("/api/openapi.json")
        for shown in (*document["paths"], *document["components"]["schemas"]):
            assert shown in page.text
        assert "<code>" not in page.text
        assert "sync_error" in [node.text for node in page.root.find_all("code")]

    @pytest.mark.usefixtures("many")
    def test_lists_need_few_queries_however_long(
        self, app: Flask, reader: Program, shop: int
    ) -> None:
        for path in (
            "/api/projects",
            f"/api/projects/{shop}/functions",
            f"/api/projects/{shop}/operations",
        ):
            with app.app_context(), counted_queries() as statements:
                reader.get(path)
            assert len(statements) <= 10
